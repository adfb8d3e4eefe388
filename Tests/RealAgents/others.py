"""Real programs that are too heavy to be installed for every change: two that speak ACP, and aider."""

import re

import agents
from scenarios import denied, expect, handed_on, stopped_and_continued

PROFILES = {
    "claude-acp": ("claude-acp", {}),
    "gptme": ("gptme", {}),
    "aider": ("aider", {}),
    "aider-keyless": ("aider", {"model": "anthropic/claude-sonnet-4-5"}),
}


def edit(world, kind, name):
    repository = world.file(name, kind, f"SCRIPT:once?file=made-{name}.txt#{name}")
    world.until(name, "merged")
    changed = world.git(repository, "diff", "--name-only", "main~1", "main").split()
    expect(changed == [f"made-{name}.txt"], f"it has landed {changed}")
    expect(len(world.agent_runs(name)) == 1, f"runs: {world.agent_runs(name)}")
    return f"landed {changed[0]}, and nothing else"


def lock(world, kind, name):
    return f"denied, and nothing of it landed: {denied(world, kind, name)!r}"


def steer(world, kind, name):
    """What is said meanwhile is the next prompt of the same session."""
    world.file(name, kind, f"SCRIPT:gate?gate={name}#{name}")
    world.wait("the model to be asked twice", lambda: len(world.server.asked(name)) >= 2)
    world.run("steer", name, f"mind the gap, {name}")
    world.server.open(name)
    handed_on(world, "claude", name)
    world.until(name, "merged")
    expect(len(world.agent_runs(name)) == 1, "it took more than one run")
    expect(len(world.events(name, "message.taken")) == 1, "the message was not taken once")
    expect(f"mind the gap, {name}" in world.server.asked(name)[-1], "the model was not told")
    return "the message was the next prompt, in the same run"


def resume(world, kind, name):
    expect("The first file." in stopped_and_continued(world, kind, name), "the model was told nothing of what was said before")
    ends = [event["outcome"] for event in world.events(name, "run.ended") if event["run"] in world.agent_runs(name)]
    if world.events(name, "session.lost"):
        return f"landed, in a new session with a recap, as the old one was not to be had: {ends}"
    expect(len(ends) == 2, f"runs: {ends}")
    return "landed, in the same session"


def restart(world, kind, name):
    """In a world of its own: the daemon is killed while the agent works on a message that was its next prompt."""
    world.file(name, kind, f"SCRIPT:gate?gate={name}#{name}")
    world.wait("the model to be asked twice", lambda: len(world.server.asked(name)) >= 2)
    second = f"{name}-second"
    world.run("steer", name, f"And now SCRIPT:gate?gate={second}#{second}.")
    world.server.open(name)
    world.wait("the model to be asked about the message", lambda: len(world.server.asked(second)) >= 2)
    world.kill()
    world.start()
    world.wait("the agent to be known again", lambda: [row for row in world.ask("agent.list")["agents"] if row.get("activity")])
    world.server.open(second)
    world.until(name, "merged")
    runs = world.agent_runs(name)
    expect(len(runs) == 1, f"runs: {runs}")
    ends = [event["outcome"] for event in world.said(runs[0]) if event["event"] == "turn_ended"]
    expect(ends == ["completed", "completed"], f"its turns: {ends}")
    expect(len(world.events(name, "message.taken")) == 1, "the message was not taken once")
    return "landed by the run that went on with its second prompt"


def cost(world, kind, name):
    """Its figures are rounded from a thousand on, and its dollars those of its own table."""
    world.file(name, kind, f"SCRIPT:once?file=made-{name}.txt#{name}")
    world.until(name, "merged")
    served, usage = world.server.served(name), world.usage(name)
    expect(abs(usage["input"] - served["input"]) <= 100 * served["turns"], f"{usage}, and served {served}")
    expect(usage["output"] == served["output"] > 0, f"{usage}, and served {served}")
    expect(usage["cost_usd"] > 0, f"it costs nothing: {usage}")
    return f"{usage['tokens']} tokens and {usage['cost_usd']} US dollars by its own account"


def fails(script, reason):
    def scenario(world, kind, name):
        world.file(name, kind, f"SCRIPT:{script}#{name}")
        row = world.until(name, "needs_human_review")
        expect(re.search(reason, row["reason"]), f"it says {row['reason']}")
        expect(not world.of(name), f"alive: {world.of(name)}")
        return row["reason"][:110]

    return scenario


def retried(world, kind, name):
    world.file(name, kind, f"SCRIPT:refused?status=429&times=4#{name}")
    world.until(name, "merged")
    told = [event for event in world.said(world.agent_runs(name)[0]) if event["event"] == "retrying"]
    expect(len(told) == 1 and "RateLimitError" in told[0]["reason"], f"it tried again: {told}")
    return f"tried again, landed: {told[0]['reason'][:110]}"


def jobs():
    found = []
    for scenario in (edit, lock, steer, resume):
        found.append((f"claude-acp-{scenario.__name__}", "claude-acp", scenario))
    found += [
        # gptme asks nobody about a file, and the model of these tests loses count of its answers.
        ("gptme-edit", "gptme", edit),
        ("aider-edit", "aider", edit),
        ("aider-cost", "aider", cost),
        ("aider-400", "aider", fails("refused?status=400", "BadRequestError")),
        ("aider-401", "aider", fails("refused?status=401", "AuthenticationError.*that was asked for")),
        ("aider-429", "aider", retried),
        ("aider-no-key", "aider-keyless", fails("once", "AuthenticationError.*API Key")),
    ]
    return [
        (name, lambda world, name, kind=kind, scenario=scenario: scenario(world, kind, name)) for name, kind, scenario in found
    ]
