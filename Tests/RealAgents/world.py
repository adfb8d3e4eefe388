"""A daemon of orch's in a folder of its own, with real agent programs."""

import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import agents
import processes

sys.path.append(str(pathlib.Path(__file__).parent.parent / "Live"))
from live import Live  # noqa: E402

PATIENCE = 90
"""Seconds for something that takes one, on a machine that is loaded."""


class World(Live):
    """Only `orch` and its socket are used. Each ticket has a repository of its own."""

    patience = PATIENCE

    def __init__(self, binaries, programs, server, settings=None, profiles=None, slots=4):
        self.orch = str(pathlib.Path(binaries).resolve() / "orch")
        # Codex works in no home below /tmp; a socket's path must be short.
        base = pathlib.Path(programs).resolve() / "scratch"
        base.mkdir(parents=True, exist_ok=True)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="world-", dir=base))
        self.place = self.folder
        self.sockets = pathlib.Path(tempfile.mkdtemp(prefix="ora-", dir="/tmp"))
        self.server = server
        self.environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.folder / "home"), "GIT_CONFIG_NOSYSTEM": "1",
            "ORCH_STATE_DIR": str(self.folder / "state"), "ORCH_CONFIG": str(self.folder / "config.json"),
            "ORCH_SOCKET": str(self.sockets / "orch.sock"),
        }
        for name in ("home", "tmp", "repositories", "tickets"):
            (self.folder / name).mkdir()
        (self.folder / "home/.gitconfig").write_text("[user]\n\tname = Uma\n\temail = uma@example.org\n")
        # Every process of an agent's is known by the first.
        environment = {"REAL_AGENTS": str(self.folder), "TMPDIR": str(self.folder / "tmp")}
        made = {}
        for name, (kind, more) in (profiles or {kind: (kind, {}) for kind in agents.KINDS}).items():
            made[name] = agents.profile(kind, programs, server, environment, more)
        (self.folder / "config.json").write_text(json.dumps({
            "agents": slots, "defaultProfile": None, "approve": "auto", "prices": agents.prices(), "profiles": made,
            **(settings or {}),
        }, indent=1))
        # Codex sets its home up when it first starts there; two that do so at once get in each other's way.
        if any(profile["kind"] == "codex" for profile in made.values()):
            subprocess.run(
                [agents.program(programs, "codex"), "app-server"], env=self.environment, stdin=subprocess.DEVNULL,
                capture_output=True, timeout=PATIENCE, check=True,
            )
        self.daemon = None
        self.start()

    # MARK: the daemon

    def ask(self, method, **params):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE)
            connection.connect(self.environment["ORCH_SOCKET"])
            request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as lines:
                for line in lines:
                    answer = json.loads(line)
                    if answer.get("id") == 1:
                        if "error" in answer:
                            raise AssertionError(f"{method} {params}: {answer['error']}")
                        return answer["result"]
        raise AssertionError(f"{method}: the daemon hung up")

    # MARK: repositories and tickets

    def git(self, repository, *arguments):
        done = subprocess.run(
            ["git", *arguments], cwd=repository, env=self.environment, capture_output=True, text=True, check=True,
        )
        return done.stdout

    def repository(self, name):
        path = self.folder / "repositories" / name
        (path / ".orch").mkdir(parents=True)
        (path / ".orch/config.json").write_text(json.dumps({
            "verifiers": [{"name": "test", "command": ["sh", "-c", "echo looked; ! grep -q wrong seed.txt"]}],
        }))
        (path / "seed.txt").write_text("seed\n")
        self.git(path, "init", "--quiet", "--initial-branch=main")
        self.git(path, "add", "-A")
        self.git(path, "commit", "--quiet", "-m", "start")
        self.run("init", "--trust", cwd=path)
        return path

    def file(self, name, profile, script, repository=None, **more):
        """A ticket of that name, whose prompt names a script of the model's."""
        path = repository or self.repository(name)
        draft = {"id": name, "title": f"Ticket {name}", "description": f"Please do {script}.", "agent": profile, **more}
        place = self.folder / "tickets" / f"{name}.json"
        place.write_text(json.dumps(draft))
        self.run("enqueue", str(place), cwd=path)
        return path

    def show(self, ticket):
        return self.ask("ticket.show", ticket=ticket)

    def ticket(self, ticket):
        return self.show(ticket)["ticket"]

    def events(self, ticket, name=None):
        """What has happened to a ticket, oldest first."""
        found = self.ask("ticket.events", ticket=ticket, after=0, limit=1000)["events"]
        found = [event.get("params", event) | {"event": event.get("method", event.get("event"))} for event in found]
        return [event for event in found if name in (None, event["event"])]

    def agent_runs(self, ticket):
        return [event["run"] for event in self.events(ticket, "run.requested") if event["stage"] == "work"]

    def said(self, run):
        """What the agent of a run has said and done."""
        text, offset = "", 0
        while True:
            page = self.ask("output.read", run=run, stream="events", offset=offset, length=1_000_000)
            text += page.get("data", "")
            if page["next"] == offset:  # There may come more, as long as it is at work.
                break
            offset = page["next"]
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def words(self, ticket):
        """Everything its agents have said, one text per event."""
        return [
            event["text"] for run in self.agent_runs(ticket) for event in self.said(run)
            if event["event"] == "said" and event["by"] == "agent"
        ]

    def until(self, ticket, *states, patience=PATIENCE):
        """Waits for the ticket to be in one of these states; fails as soon as it is somewhere it does not leave."""
        ends = {"merged", "cancelled", "needs_human_review", "stopped", "awaiting_approval"}

        def rest():
            row = self.ticket(ticket)
            return row if row["state"] in ends | set(states) else None

        row = self.wait(f"{ticket} to be {' or '.join(states)}", rest, patience)
        if row["state"] not in states:
            raise AssertionError(f"{ticket} is {row['state']}, not {' or '.join(states)}: {row.get('reason')}")
        return row

    def landed(self, repository, name):
        """A file of the target branch; None where there is none."""
        done = subprocess.run(
            ["git", "show", f"main:{name}"], cwd=repository, env=self.environment, capture_output=True, text=True,
        )
        return done.stdout if done.returncode == 0 else None

    def usage(self, ticket):
        costs = json.loads(self.run("costs", "--by", "ticket", "--json"))["costs"]
        return next((row["usage"] for row in costs if row["key"] == ticket), None)

    def of(self, ticket):
        """Processes of a ticket's runs that are alive."""
        return processes.alive(f"ORCH_TICKET={ticket}\0", f"ORCH_RUN={ticket}.")

    # MARK: evidence, and the end

    def evidence(self, ticket, tag):
        """Everything that may say what has gone wrong."""
        parts = []
        try:
            show = self.show(ticket)
            parts.append(json.dumps(show, indent=1)[:4000])
            for event in self.events(ticket)[-30:]:
                parts.append(json.dumps({key: value for key, value in event.items() if key != "patch"})[:400])
            for run in self.agent_runs(ticket):
                folder = self.folder / "state/runs" / run
                for event in self.said(run)[-25:]:
                    parts.append(f"{run}: {json.dumps(event)[:400]}")
                for path in sorted(folder.glob("stderr")) if folder.exists() else []:
                    parts.append(f"{run} stderr: {path.read_text(errors='replace')[-1500:]}")
        except Exception as problem:  # The daemon may be what is wrong.
            parts.append(f"(no more to be had of the daemon: {problem})")
        for record in self.server.requests(tag)[-12:]:
            kept = ("seq", "step", "attempt", "status", "note", "fault", "calls", "inbox", "ms", "usage")
            parts.append("model: " + json.dumps({key: record.get(key) for key in kept})[:400])
        parts.append((self.folder / "daemon.log").read_text()[-2500:])
        return "\n".join(parts)

    def close(self, keep=False):
        """Ends the daemon and all it has started, and gives back what is alive all the same."""
        self.end()
        end = time.monotonic() + 20
        while True:
            left = processes.alive(str(self.folder))
            if not left or time.monotonic() > end:
                break
            time.sleep(0.1)
        shutil.rmtree(self.sockets, ignore_errors=True)
        if not keep and not left:
            shutil.rmtree(self.folder, ignore_errors=True)
        return left
