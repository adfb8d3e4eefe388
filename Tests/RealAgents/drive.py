"""Real agent programs under the daemon, with a fake model behind them: drive.py BINARIES PROGRAMS [soak [MINUTES] | others]"""

import concurrent.futures
import os
import pathlib
import shutil
import sys
import tempfile
import threading
import time
import traceback

import agents
import faults
import others
import scenarios
import soak
from server import Server
from world import World

# Codex asks before each change of a file where it may change none by itself, and shows all tools to its newest models alone.
ASKING = {"arguments": ["-c", 'sandbox_mode="read-only"']}
CAREFUL = {"permissions": {"rules": [{"path": path, "action": "ask"} for path in ("held.txt", "open.txt")]}}
PROFILES = {
    "claude": ("claude", {}),
    "claude-careful": ("claude", CAREFUL),
    "codex": ("codex", {}),
    "codex-asking": ("codex", ASKING),
    "codex-careful": ("codex", ASKING | CAREFUL),
    "codex-tools": ("codex", {"model": "gpt-6-sol"}),
}


class Report:
    """Says what was seen, a line each, and remembers whether anything was wrong."""

    def __init__(self):
        self.problems = []
        self.lock = threading.Lock()

    def say(self, text):
        with self.lock:
            print(text, flush=True)

    def attempt(self, world, name, body):
        """`body` says what it has seen, or fails."""
        began = time.monotonic()
        try:
            seen = body()
            self.say(f"{name}: {seen} ({time.monotonic() - began:.1f} s)")
        except Exception:
            evidence = world.evidence(name, name)
            with self.lock:
                self.problems.append(name)
                print(f"FAILED {name}\n{traceback.format_exc()}\n{evidence}\n", flush=True)

    def close(self, world):
        left = world.close(keep=bool(self.problems))
        if left:
            self.problems.append("processes")
            self.say(f"FAILED: alive at the end: {left}")


def together(report, world, jobs, width=4):
    """Some at a time: `jobs` are names, and what is to be done."""
    with concurrent.futures.ThreadPoolExecutor(width) as pool:
        for done in [pool.submit(report.attempt, world, name, body) for name, body in jobs]:
            done.result()


def wanted(jobs):
    """Those that `ONLY` names a part of."""
    only = os.environ.get("ONLY", "")
    return [job for job in jobs if only in job[0]]


def play(report, binaries, programs, server):
    for kind in agents.KINDS:
        jobs = wanted([(f"{kind}-restart", None)])
        if jobs:
            world = World(binaries, programs, server, profiles=PROFILES)
            report.attempt(world, jobs[0][0], lambda: scenarios.restart(world, kind, jobs[0][0]))
            report.close(world)
    jobs = []
    for scenario in scenarios.SCENARIOS:
        for kind in agents.KINDS:
            name = f"{kind}-{scenario.__name__}"
            jobs.append((name, lambda scenario=scenario, kind=kind, name=name: scenario(world, kind, name)))
    if wanted(jobs):
        settings = {"budgets": {"ticket": {"usd": 0.5}}}
        world = World(binaries, programs, server, settings, PROFILES)
        together(report, world, wanted(jobs))
        report.close(world)
    jobs = wanted(faults.jobs(everything=os.environ.get("FAULTS") == "all"))
    if jobs:
        world = World(binaries, programs, server, profiles=faults.PROFILES)
        together(report, world, [(name, lambda name=name, body=body: body(world, name)) for name, body in jobs])
        report.close(world)


def play_others(report, binaries, programs, server):
    for name, _ in wanted([("claude-acp-restart", None)]):
        world = World(binaries, programs, server, profiles=others.PROFILES)
        report.attempt(world, name, lambda: others.restart(world, "claude-acp", name))
        report.close(world)
    world = World(binaries, programs, server, profiles=others.PROFILES)
    jobs = wanted(others.jobs())
    together(report, world, [(name, lambda name=name, body=body: body(world, name)) for name, body in jobs], width=2)
    report.close(world)


def main():
    binaries, programs, *rest = sys.argv[1:]
    began = time.monotonic()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ora-", dir="/tmp"))
    report = Report()
    endures = rest[:1] == ["soak"]
    server = Server(folder / "model", bodies=not endures)
    try:
        if endures:
            soak.soak(report, binaries, programs, server, float(rest[1]) if len(rest) > 1 else 10)
        elif rest[:1] == ["others"]:
            play_others(report, binaries, programs, server)
        else:
            play(report, binaries, programs, server)
    finally:
        server.close()
    shutil.rmtree(folder)
    if report.problems:
        raise SystemExit(f"agents: failed: {', '.join(report.problems)}")
    print(f"agents: all as it should be, in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
