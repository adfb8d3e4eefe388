"""Eight agents at once, for minutes: the daemon's memory stays flat, no descriptor and no zombie is left, the cost is exact."""

import itertools
import json
import os
import threading
import time

import agents
import processes
import scenarios
from world import World

SLOTS = 8
PROFILES = {"claude": ("claude", {}), "codex": ("codex", {})}


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def soak(report, binaries, programs, server, minutes):
    world = World(binaries, programs, server, {"verificationSlots": 1}, PROFILES, slots=SLOTS)
    report.attempt(world, "soak", lambda: run(report, world, server, minutes))
    report.close(world)


def run(report, world, server, minutes):
    pid = world.daemon.pid
    began = time.monotonic()
    over = began + minutes * 60
    numbers, lock, done, problems = itertools.count(1), threading.Lock(), [], []

    def work(lane):
        """One ticket after the other: half of the lanes are Claude's, half Codex'."""
        kind = agents.KINDS[lane % 2]
        repository = world.repository(f"lane-{lane}")
        while time.monotonic() < over and not problems:
            with lock:
                name = f"{kind}-{next(numbers)}"
            try:
                world.file(name, kind, f"SCRIPT:soak?file=made-{name}.txt#{name}", repository=repository)
                world.until(name, "merged", patience=240)
                with lock:
                    done.append((kind, name))
            except Exception as problem:
                with lock:
                    problems.append(f"{name}: {problem}\n{world.evidence(name, name)}")

    lanes = [threading.Thread(target=work, args=(lane,), daemon=True) for lane in range(SLOTS)]
    for lane in lanes:
        lane.start()
    figures = []

    def measure(when):
        zombies = [child for child, state in processes.children(pid).items() if state == "Z"]
        row = (when, processes.resident(pid), processes.descriptors(pid), threads(pid), len(zombies), len(done))
        figures.append(row)
        report.say(
            f"soak: {when}: {row[1]} KiB resident, {row[2]} descriptors, {row[3]} threads, {row[4]} zombies, {row[5]} tickets landed"
        )

    peak = 0
    # Warm: every lane has landed something.
    world.wait("the first tickets to land", lambda: len(done) >= SLOTS or problems, 240)
    measure("start")
    halfway = False
    while any(lane.is_alive() for lane in lanes):
        peak = max(peak, len([agent for agent in world.ask("agent.list")["agents"] if agent.get("ticket")]))
        if not halfway and time.monotonic() > began + minutes * 30:
            halfway = True
            measure("middle")
        time.sleep(2)
    if problems:
        raise AssertionError("\n".join(problems))
    measure("end")
    # What is of runs has been given back some time after the last of them.
    rest = world.wait("descriptors to be given back", lambda: processes.descriptors(pid) <= figures[0][2] and processes.descriptors(pid), 60)
    zombies = [child for child, state in processes.children(pid).items() if state == "Z"]
    scenarios.expect(not zombies, f"zombies: {zombies}")
    start, middle, end = (row[1] for row in figures)
    scenarios.expect(end < start * 1.25 + 16_384, f"the daemon has grown from {start} to {end} KiB")
    total = {kind: [0, 0] for kind in agents.KINDS}
    by_ticket = {row["key"]: row["usage"] for row in json.loads(world.run("costs", "--by", "ticket", "--json"))["costs"]}
    for kind, name in done:
        served = server.served(name)
        usage = by_ticket[name]
        for key in ("input", "output", "cache_read", "cache_write"):
            scenarios.expect(usage[key] == served[key], f"{name}: {key} is {usage[key]}, not {served[key]}")
        scenarios.expect(abs(usage["cost_usd"] - agents.cost(kind, served)) < 1e-6, f"{name}: {usage}")
        total[kind][0] += 1
        total[kind][1] += usage["tokens"]
    counts = ", ".join(f"{count} tickets of {kind} with {tokens} tokens" for kind, (count, tokens) in total.items())
    return f"{counts}, each counted exactly; up to {peak} agents at once; {rest} descriptors at rest"
