"""A daemon of orch's in a folder of its own, with agents that do nothing until they are told to end."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).parent.parent / "Live"))
from live import Live  # noqa: E402

PATIENCE = Live.patience


class World(Live):
    """Agents write what they were started with to `env.TICKET`, and end when something is written to `gate.TICKET`."""

    def __init__(self, binaries, agents=4):
        self.orch = str(pathlib.Path(binaries).resolve() / "orch")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="om-", dir="/tmp"))
        self.environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.folder), "GIT_CONFIG_NOSYSTEM": "1",
            "ORCH_STATE_DIR": str(self.folder / "state"), "ORCH_CONFIG": str(self.folder / "config.json"),
        }
        (self.folder / ".gitconfig").write_text("[user]\n\tname = Uma\n\temail = uma@example.org\n")
        agent = (
            'env > "$WORLD/env.$ORCH_TICKET.new" && mv "$WORLD/env.$ORCH_TICKET.new" "$WORLD/env.$ORCH_TICKET"; '
            'read -r go < "$WORLD/gate.$ORCH_TICKET"'
        )
        (self.folder / "config.json").write_text(json.dumps({
            "agents": agents, "defaultProfile": "script",
            "profiles": {"script": {
                "kind": "command", "command": ["/bin/sh", "-c", agent], "environment": {"WORLD": str(self.folder)},
            }},
        }))
        self.repository = self.place = self.folder / "repo"
        (self.repository / ".orch").mkdir(parents=True)
        (self.repository / ".orch/config.json").write_text(json.dumps({
            "verifiers": [{"name": "test", "command": ["sh", "-c", "cat a.txt; ! grep -q wrong a.txt"]}],
        }))
        (self.repository / "a.txt").write_text("right\n")
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("add", "-A")
        self.git("commit", "--quiet", "-m", "start")
        self.daemon = None
        self.start()
        self.run("init", "--trust", cwd=self.repository)

    def git(self, *arguments, cwd=None):
        subprocess.run(["git", *arguments], cwd=cwd or self.repository, env=self.environment, check=True)

    def ticket(self, name):
        return json.loads(self.run("show", name, "--json"))

    def file(self, name, *locks):
        """A ticket whose agent is at work when this returns; what it was started with."""
        os.mkfifo(self.folder / f"gate.{name}")
        (self.folder / f"{name}.json").write_text(json.dumps(
            {"id": name, "title": f"Ticket {name}", "description": "Do it.", "locks": list(locks)}
        ))
        self.run("enqueue", str(self.folder / f"{name}.json"))
        path = self.folder / f"env.{name}"
        self.wait(f"the agent of {name}", path.exists)
        return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)

    def release(self, name):
        with open(self.folder / f"gate.{name}", "w") as gate:
            gate.write("go\n")

    def close(self):
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)
