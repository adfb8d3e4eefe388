"""Real programs that are too heavy to be installed for every change: two that speak ACP, and aider."""

import re

import agents
from scenarios import expect, handed_on

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
    repository = world.repository(name)
    world.run("locks", "take", "held.txt", "--reason", "the release", cwd=repository)
    world.file(name, kind, f"SCRIPT:lock#{name}", repository=repository)
    world.until(name, "merged")
    expect(world.landed(repository, "open.txt") == "to land\n", "what it may has not landed")
    expect(world.landed(repository, "held.txt") is None, "what it may not has landed")
    denials = world.events(name, "permission.denied")
    expect(len(denials) == 1 and "held.txt" in denials[0]["what"] + denials[0]["reason"], f"denials: {denials}")
    return f"denied, and nothing of it landed: {denials[0]['reason']!r}"


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
    repository = world.file(name, kind, f"SCRIPT:gate?gate={name}#{name}")
    world.wait("the model to be asked twice", lambda: len(world.server.asked(name)) >= 2)
    world.run("stop", name)
    world.until(name, "stopped")
    expect(not world.of(name), f"alive after the stop: {world.of(name)}")
    before = len(world.server.asked(name))
    world.run("continue", name)
    world.wait("the model to be asked again", lambda: len(world.server.asked(name)) > before)
    world.server.open(name)
    world.until(name, "merged")
    expect(world.landed(repository, "first.txt") == "first\n", "what was done before the stop has not landed")
    expect(world.landed(repository, "third.txt") == "third\n", "what was done after the stop has not landed")
    expect("The first file." in world.server.asked(name)[before], "the model was told nothing of what was said before")
    ends = [event["outcome"] for event in world.events(name, "run.ended") if event["run"] in world.agent_runs(name)]
    if world.events(name, "session.lost"):
        return f"landed, in a new session with a recap, as the old one was not to be had: {ends}"
    expect(len(ends) == 2, f"runs: {ends}")
    return "landed, in the same session"


def cost(world, kind, name):
    """Its figures are rounded, and its dollars those of its own table."""
    world.file(name, kind, f"SCRIPT:once?file=made-{name}.txt#{name}")
    world.until(name, "merged")
    served, usage = world.server.served(name), world.usage(name)
    for key, of in (("input", ("input", "cache_read", "cache_write")), ("output", ("output",))):
        told, true = usage[key], sum(served[part] for part in of)
        expect(abs(told - true) <= 100 * served["turns"], f"{key}: {told}, and served {true}")
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
