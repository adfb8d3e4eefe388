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
        resident, anonymous, ring = processes.memory(pid)
        own = anonymous - ring
        open_files, zombies = processes.descriptors(pid), len(processes.zombies(pid))
        figures.append((own, open_files))
        report.say(
            f"soak: {when}: {resident} KiB resident, of it {own} KiB of its own and {ring} KiB of last events, {open_files} descriptors, "
            f"{threads(pid)} threads, {zombies} zombies, {len(done)} tickets landed"
        )

    # Warm: every lane has landed something.
    world.wait("the first tickets to land", lambda: len(done) >= SLOTS or problems, 240)
    measure("start")
    peak, quarters = 0, 0
    while any(lane.is_alive() for lane in lanes):
        peak = max(peak, len([agent for agent in world.ask("agent.list")["agents"] if agent.get("ticket")]))
        if quarters < 3 and time.monotonic() > began + (quarters + 1) * minutes * 15:
            quarters += 1
            measure(("after a quarter", "middle", "after three quarters")[quarters - 1])
        time.sleep(2)
    if problems:
        raise AssertionError("\n".join(problems))
    # What is of runs has been given back some time after the last of them.
    world.wait("descriptors to be given back", lambda: processes.descriptors(pid) < figures[0][1], 60)
    world.wait("the last children to be waited for", lambda: not processes.zombies(pid), 60)
    measure("end")
    middle, end = figures[len(figures) // 2][0], figures[-1][0]
    scenarios.expect(end < middle * 1.25 + 4096, f"the daemon has grown from {middle} KiB in the middle to {end}")
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
    return f"{counts}, each counted exactly; up to {peak} agents at once"
