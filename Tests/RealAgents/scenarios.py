"""What is to be seen with each of the real programs: from the ticket to the landed commit, and what gets in between."""

import json

import agents


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def costs_agree(world, kind, ticket, tag):
    """What orch says a ticket has cost is what the server says it has served; gives it back."""
    served = world.server.served(tag)
    wanted = {name: served[name] for name in ("input", "output", "cache_read", "cache_write")}

    def agree():
        usage = world.usage(ticket) or {}
        return usage if {name: usage.get(name) for name in wanted} == wanted else None

    usage = world.wait(f"the costs of {ticket} to be {wanted}; they are {world.usage(ticket)}", agree, 10)
    dollars = agents.cost(kind, served)
    expect(abs(usage["cost_usd"] - dollars) < 1e-6, f"{usage['cost_usd']} US dollars, not {dollars}")
    return f"{sum(wanted.values())} tokens and {dollars} US dollars, as served in {served['turns']} answers"


def in_tool(world, kind, name):
    """A ticket whose agent uses a tool until `go` is there; gives back its repository and `go`."""
    go = world.folder / "tmp" / f"{name}.go"
    repository = world.file(name, kind, f"SCRIPT:tool?go={go}#{name}")

    def waits():
        rows = world.ask("agent.list")["agents"]
        mine = [row.get("activity", {}) for row in rows if row.get("ticket") == name]
        return mine and mine[0].get("state") == "tool" and "until test" in mine[0].get("title", "")

    world.wait(f"the agent of {name} to run its command", waits)
    return repository, go


def handed_on(world, kind, name):
    """The message is with the agent. Codex breaks off what the model answers for one that comes while it does."""
    run = world.folder / "state/runs" / f"{name}.1"
    told, heard = ("inbox.jsonl", "mind the gap") if kind == "claude" else ("stdout", '"id":"message-1"')
    world.wait("the message to be handed on", lambda: heard in (run / told).read_text())


def steer(world, kind, name):
    repository, go = in_tool(world, kind, name)
    message = f"mind the gap, {name}"
    world.run("steer", name, message)
    handed_on(world, kind, name)
    go.touch()
    world.until(name, "merged")
    for file in ("first", "second", "third"):
        expect(world.landed(repository, f"{file}.txt") == f"{file}\n", f"{file}.txt has not landed")
    expect(len(world.agent_runs(name)) == 1, "it took more than one run")
    expect(len(world.events(name, "message.taken")) == 1, "the message was not taken once")
    said = [text for text in world.words(name) if text.startswith("Messages seen: ")]
    expect(len(said) == 1 and said[0].count(message) == 1, f"the model saw the message otherwise than once: {said}")
    expect(world.server.asked(name)[-1].count(message) == 1, "the message is in the conversation otherwise than once")
    return f"landed, the message seen once by the model in mid-run; {costs_agree(world, kind, name, name)}"


def stopped_and_continued(world, kind, name):
    """A ticket that is stopped while its model thinks, goes on, and lands; gives back what the model was asked first then."""
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
    return world.server.asked(name)[before]


def resume(world, kind, name):
    again = stopped_and_continued(world, kind, name)
    runs = world.agent_runs(name)
    sessions = [{event["session"] for event in world.said(run) if event["event"] == "session"} for run in runs]
    expect(len(runs) == 2 and len(sessions[0]) == 1 and sessions[0] == sessions[1], f"runs {runs}, sessions {sessions}")
    expect("The first file." in again and f"SCRIPT:gate?gate={name}" in again, "the model was not given the earlier conversation")
    expect(not world.events(name, "session.lost"), "the session was lost")
    return f"landed by two runs in session {sessions[0].pop()}; {costs_agree(world, kind, name, name)}"


def denied(world, profile, name):
    """A ticket whose agent is denied what somebody holds, and lands the rest; gives back why."""
    repository = world.repository(name)
    world.run("locks", "take", "held.txt", "--reason", "the release", cwd=repository)
    world.file(name, profile, f"SCRIPT:lock#{name}", repository=repository)
    world.until(name, "merged")
    expect(world.landed(repository, "open.txt") == "to land\n", "what it may has not landed")
    expect(world.landed(repository, "held.txt") is None, "what it may not has landed")
    denials = world.events(name, "permission.denied")
    expect(len(denials) == 1 and "held.txt" in denials[0]["what"] + denials[0]["reason"], f"denials: {denials}")
    return denials[0]["reason"]


def lock(world, kind, name):
    reason = denied(world, kind if kind == "claude" else "codex-asking", name)
    told = world.server.asked(name)[-1]
    expect(json.dumps(reason)[1:-1].split("\\n")[0][:60] in told.replace('\\\\"', '\\"'), f"the model was not told: {reason}")
    return f"denied, nothing of it landed, and the model told: {reason!r}; {costs_agree(world, kind, name, name)}"


def asked(world, kind, name):
    """A rule of its profile leaves the decision to a person, who denies once and allows once."""
    repository = world.file(name, f"{kind}-careful", f"SCRIPT:lock#{name}")

    def question(file):
        rows = [row for row in json.loads(world.run("permissions", "--json")) if row["ticket"] == name]
        return rows[0] if rows and file in rows[0]["text"] else None

    first = world.wait("the question about held.txt", lambda: question("held.txt"))
    expect(first["kind"] == "permission", first)
    world.run("answer", name, "--deny", "not", "that", "one")
    second = world.wait("the question about open.txt", lambda: question("open.txt"))
    world.run("answer", name, "--allow")
    world.until(name, "merged")
    expect(world.landed(repository, "open.txt") == "to land\n", "what was allowed has not landed")
    expect(world.landed(repository, "held.txt") is None, "what was denied has landed")
    expect("not that one" in world.server.asked(name)[-1], "the model was not told why")
    runs = [run for run in world.show(name)["runs"] if run["stage"] == "work"]
    expect(all(run.get("waited_ms", 0) > 0 for run in runs), f"it is not said that it waited: {runs}")
    return f"a person has denied {first['text']!r} and allowed {second['text']!r}; {costs_agree(world, kind, name, name)}"


def budget(world, kind, name):
    world.file(name, kind, f"SCRIPT:runaway#{name}")
    row = world.until(name, "needs_human_review")
    expect("0.50 USD" in row["reason"], f"it waits for a human for another reason: {row['reason']}")
    expect(not world.of(name), f"alive: {world.of(name)}")
    served = world.server.served(name)
    # More is told than is used up, by no more than an answer or two, or what is answered in a second.
    expect(served["turns"] < 200, f"it came to its end by itself, after {served['turns']} answers")
    refused = world.run("continue", name, check=False)
    expect(refused.returncode != 0, "it went on without a greater budget")
    return f"ended after {served['turns']} answers: {row['reason']!r}"


def tools(world, kind, name):
    repository = world.file(name, kind if kind == "claude" else "codex-tools", f"SCRIPT:tools#{name}", locks=["other.txt"])
    question = world.wait(
        "the question", lambda: [row for row in json.loads(world.run("permissions", "--json")) if row["ticket"] == name],
    )[0]
    expect(question["text"] == "Which colour?", question)

    def activity():
        return [row["activity"]["state"] for row in world.ask("agent.list")["agents"] if row.get("ticket") == name]

    world.wait("its agent to be told of as one that asks", lambda: activity() == ["question"])
    world.run("answer", name, "green,", "as", "ever")
    world.until(name, "merged")
    expect(world.landed(repository, "made.txt") == "made\n", "what it claimed has not landed")
    expect([event["patterns"] for event in world.events(name, "claim.granted")] == [["made.txt"]], "the claim is another")
    summary = world.show(name)
    expect("green, as ever" in json.dumps(summary), f"the summary: {summary}")
    said = world.words(name)[-1]
    expect("green, as ever" in said and "PASS" in said, f"the model was told: {said}")
    return f"claimed, asked and answered, verified and said done, in its own name; {costs_agree(world, kind, name, name)}"


def restart(world, kind, name):
    """In a world of its own: the daemon is killed while the agent is at work, and again when it is to hand on a message."""
    repository, go = in_tool(world, kind, name)
    world.kill()
    world.start()
    message = f"mind the gap, {name}"
    world.run("steer", name, message)
    world.kill()
    world.start()
    handed_on(world, kind, name)
    go.touch()
    world.until(name, "merged")
    expect(world.landed(repository, "third.txt") == "third\n", "not all of it has landed")
    expect(len(world.agent_runs(name)) == 1, f"runs: {world.agent_runs(name)}")
    expect(world.server.asked(name)[-1].count(message) == 1, "the message is in the conversation otherwise than once")
    expect(len(world.events(name, "message.taken")) == 1, "the message was not taken once")
    return f"landed by the run that went on while the daemon was killed twice; {costs_agree(world, kind, name, name)}"


SCENARIOS = (steer, resume, lock, asked, budget, tools)
