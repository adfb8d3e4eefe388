"""Twenty tickets on a real project: trial.py PROJECT FOLDER SDIST PYTHON

Makes a repository of the source distribution SDIST in FOLDER, has orch (on PATH) do the project's tickets with five
scripted agents, and looks at everything that has come of it. PYTHON has what the project's tests need. With KILLS=n the
daemon is killed n times meanwhile. Exits with 0 only if everything is as it should be.
"""

import json
import os
import random
import re
import subprocess
import sys
import tarfile
import time
from collections import Counter
from importlib import import_module
from pathlib import Path

from edits import LANDS, REJECTED, Project, Ticket

AGENTS = 5
# Without a change of any ticket for so long, something hangs.
PATIENCE = 300


class Wrong(Exception):
    """Something is not as it should be."""


class Daemon:
    """The daemon of the trial, which may be killed."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.kills = 0
        self.process = self._started()

    def _started(self) -> subprocess.Popen:
        with open(self.log, "ab") as log:
            process = subprocess.Popen(["orch", "daemon"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while subprocess.run(["orch", "status"], capture_output=True).returncode != 0:
            if process.poll() is not None or time.monotonic() > deadline:
                raise Wrong(f"the daemon does not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.1)
        return process

    def look(self) -> None:
        if self.process.poll() is not None:
            raise Wrong(f"the daemon has ended with {self.process.returncode}:\n{self.log.read_text()[-2000:]}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.kills += 1
        self.process = self._started()

    def end(self) -> None:
        """Also after a failure: nothing is left running."""
        if self.process.poll() is None:
            subprocess.run(["orch", "quit", "--on-stop", "halt"], capture_output=True, timeout=120)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Trial:
    def __init__(self, project: Project, folder: Path, python: str) -> None:
        self.project, self.folder, self.python = project, folder, python
        self.repository = folder / project.name
        self.tickets = {ticket.id: ticket for ticket in project.tickets}
        self.sent_back: set[str] = set()

    # MARK: What it is done with

    def run(self, *command: str, cwd: Path | None = None, status: int = 0) -> str:
        end = subprocess.run(command, cwd=cwd or self.repository, capture_output=True, text=True)
        if end.returncode != status:
            raise Wrong(f"{' '.join(command)}: exit {end.returncode}\n{end.stdout[-3000:]}{end.stderr[-3000:]}")
        return end.stdout

    def git(self, *arguments: str) -> str:
        return self.run("git", *arguments)

    def orch(self, *arguments: str, status: int = 0) -> str:
        return self.run("orch", *arguments, status=status)

    def pytest(self, *arguments: str) -> list[str]:
        environment = ["env", "PYTHONPATH=src"]
        return [*environment, self.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]

    # MARK: Before

    def prepare(self, sdist: str) -> None:
        with tarfile.open(sdist) as archive:
            archive.extractall(self.folder, filter="data")
        unpacked = self.folder / f"{self.project.name}-{self.project.version}"
        unpacked.rename(self.repository)
        if self.project.ignored:
            (self.repository / ".gitignore").write_text(self.project.ignored)
        (self.repository / ".orch").mkdir()
        configuration = {
            "verifiers": [
                {"name": "quick", "command": self.pytest(*self.project.quick), "timeout": "5m", "quick": True},
                {"name": "test", "command": self.pytest(*self.project.tests), "timeout": "10m"},
            ],
            **self.project.configuration,
        }
        (self.repository / ".orch" / "config.json").write_text(json.dumps(configuration, indent=2) + "\n")
        self.git("init", "-q", "-b", "main")
        # Also what is ignored: the distribution has files that upstream does not track.
        self.git("add", "-A", "-f")
        self.git("commit", "-qm", f"{self.project.name} {self.project.version}")
        for name in ["runs", "met"]:
            (self.folder / name).mkdir()
        agent = [sys.executable, "-B", str(Path(__file__).with_name("agent.py")), self.project.name]
        profile = {
            "kind": "command",
            "command": agent,
            "timeLimit": "10m",
            "environment": {"TRIAL_FOLDER": str(self.folder)},
        }
        user = {"agents": AGENTS, "defaultProfile": "script", "profiles": {"script": profile}}
        Path(os.environ["ORCH_CONFIG"]).write_text(json.dumps(user))
        self.orch("init", "--trust")

    def enqueue(self) -> None:
        tickets = [
            {
                "id": ticket.id,
                "title": ticket.title,
                "description": f"{ticket.title}.",
                "locks": ticket.locks,
                "depends_on": ticket.depends_on,
                # Those that are to meet start first.
                "priority": 1 if ticket.meets else 0,
            }
            for ticket in self.tickets.values()
        ]
        path = self.folder / "tickets.json"
        path.write_text(json.dumps(tickets))
        self.orch("validate", str(path))
        self.orch("enqueue", str(path))

    # MARK: Meanwhile

    def rows(self) -> dict[str, dict]:
        return {row["id"]: row for row in json.loads(self.orch("list", "--json"))}

    def say_a_word(self, row: dict) -> None:
        """What the human does about a ticket that asks."""
        ticket = self.tickets[row["id"]]
        if ticket.fate == REJECTED:
            self.orch("reject", ticket.id, "--comment", "No.")
        elif ticket.sent_back and ticket.id not in self.sent_back:
            self.sent_back.add(ticket.id)
            self.orch("request-changes", ticket.id, "--comment", ticket.sent_back)
        else:
            self.orch("approve", ticket.id)

    def follow(self, daemon: Daemon, kills: int, chance: random.Random) -> None:
        """Until nothing moves any more without a human."""
        resting = {"merged", "needs_human_review", "cancelled"}
        seen, since = None, time.monotonic()
        next_kill = since + chance.uniform(2, 20)
        while True:
            daemon.look()
            rows = self.rows()
            states = {id: (row["state"], row.get("reason"), row.get("stage")) for id, row in rows.items()}
            if all(row["state"] in resting for row in rows.values()) and daemon.kills == kills:
                return
            if states != seen:
                seen, since = states, time.monotonic()
            if time.monotonic() - since > PATIENCE:
                raise Wrong(f"nothing has changed for {PATIENCE} seconds:\n{self.orch('list')}")
            for row in rows.values():
                if row["state"] == "awaiting_approval":
                    self.say_a_word(row)
            if daemon.kills < kills and time.monotonic() > next_kill:
                daemon.kill()
                next_kill = time.monotonic() + chance.uniform(2, 20)
            time.sleep(0.3)

    # MARK: Afterwards

    def landed(self) -> list[str]:
        """The tickets on main, oldest first, by the trailers of its commits."""
        form = "--format=%(trailers:key=Orch-Ticket,valueonly,separator=%x2C)"
        return [id for id in self.git("log", "--reverse", "--first-parent", form, "main").split("\n") if id]

    def expect_fates(self, rows: dict[str, dict]) -> None:
        wrong = []
        for ticket in self.tickets.values():
            row = rows[ticket.id]
            state, reason = row["state"], row.get("reason") or ""
            if ticket.fate == LANDS:
                good = state == "merged"
            elif ticket.fate == REJECTED:
                good = state == "cancelled"
            else:
                good = state == "needs_human_review" and re.match(ticket.fate, reason) is not None
            if not good:
                wrong.append(f"{ticket.id} is {state} ({reason}), not: {ticket.fate}")
        expected = sorted(ticket.id for ticket in self.tickets.values() if ticket.fate == LANDS)
        landed = self.landed()
        if sorted(landed) != expected:
            more = [f"{id} ({count} times)" for id, count in Counter(landed).items() if count > 1 or id not in expected]
            wrong.append(f"main lacks {sorted(set(expected) - set(landed))} and has {more} too much")
        if wrong:
            raise Wrong("\n".join(wrong))

    def expect_work(self) -> None:
        """What landed is there to the letter, and nothing of what did not."""
        for ticket in self.tickets.values():
            for path, text in ticket.leaves:
                file = self.repository / path
                there = file.exists() and text in file.read_text(encoding="utf-8")
                if there != (ticket.fate == LANDS):
                    raise Wrong(f"{path} {'has' if there else 'lacks'} what {ticket.id} does: {text!r}")

    def expect_attempts(self) -> None:
        """Each agent was at work exactly as often as it had to be; of two that conflict, one once more."""
        runs = {id: (self.folder / "runs" / id).read_text().split() for id in self.tickets}
        for id, of_ticket in runs.items():
            if len(set(of_ticket)) != len(of_ticket):
                raise Wrong(f"a run of {id} was executed twice: {of_ticket}")
        for ticket in self.tickets.values():
            ids = sorted({ticket.id, ticket.meets or ticket.id})
            done = sum(len(runs[id]) for id in ids)
            wanted = sum(self.tickets[id].attempts for id in ids) + (1 if ticket.meets else 0)
            if done != wanted:
                raise Wrong(f"{' and '.join(ids)} took {done} attempts, not {wanted}")

    def expect_nothing_else(self) -> None:
        """The user's checkout is clean, git content, and every commit of an unlanded ticket kept."""
        if self.git("symbolic-ref", "HEAD").strip() != "refs/heads/main":
            raise Wrong("main is not checked out any more")
        changed = self.git("status", "--porcelain")
        if changed:
            raise Wrong(f"the checkout is not clean:\n{changed}")
        self.git("fsck", "--strict", "--no-dangling")
        for ticket in self.tickets.values():
            if ticket.fate != LANDS and ticket.edits:
                if not self.git("for-each-ref", f"refs/orch/snapshots/{ticket.id}/").strip():
                    raise Wrong(f"nothing is kept of {ticket.id}")
        self.orch("doctor")

    def expect_green(self) -> int:
        """The whole suite, at every commit of main, in a clone that orch knows nothing of."""
        clone = self.folder / "clone"
        self.run("git", "clone", "-q", "--no-checkout", str(self.repository), str(clone))
        commits = self.git("rev-list", "--reverse", "--first-parent", "main").split()
        for commit in commits:
            self.run("git", "checkout", "-q", "--detach", commit, cwd=clone)
            self.run("git", "clean", "-qffdx", cwd=clone)
            self.run(*self.pytest(*self.project.tests), cwd=clone)
        return len(commits)

    def whole(self, sdist: str, kills: int, chance: random.Random) -> None:
        self.prepare(sdist)
        began = time.monotonic()
        daemon = Daemon(self.folder / "daemon.log")
        try:
            self.enqueue()
            self.follow(daemon, kills, chance)
            seconds = time.monotonic() - began
            rows = self.rows()
            print(self.orch("list", "--all"), self.orch("report"), sep="\n", flush=True)
            self.expect_fates(rows)
            self.expect_work()
            self.expect_attempts()
            self.expect_nothing_else()
            self.orch("quit")
            if daemon.process.wait(60) != 0:
                raise Wrong(f"the daemon has ended with {daemon.process.returncode}")
        finally:
            daemon.end()
        commits = self.expect_green()
        landed = len(self.landed())
        print(
            f"{self.project.name} {self.project.version}: {landed} of {len(rows)} tickets landed in {seconds:.0f} s, "
            f"{daemon.kills} kills of the daemon; the tests are green at each of main's {commits} commits",
            flush=True,
        )


def main() -> None:
    name, folder, sdist, python = sys.argv[1:]
    project = import_module(f"{name}_project").PROJECT
    if len(project.tickets) != 20 or len({ticket.id for ticket in project.tickets}) != 20:
        raise SystemExit(f"{name} has {len(project.tickets)} tickets, not 20")
    seed = int(os.environ.get("SEED") or random.randrange(1 << 31))
    kills = int(os.environ.get("KILLS") or 0)
    if kills:
        print(f"{name}: {kills} kills, SEED={seed}", flush=True)
    trial = Trial(project, Path(folder), python)
    try:
        trial.whole(sdist, kills, random.Random(seed))
    except Wrong as wrong:
        raise SystemExit(f"trial: {name}: {wrong}")


if __name__ == "__main__":
    main()
