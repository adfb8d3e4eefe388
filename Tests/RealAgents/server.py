"""The fake model server, on a port of its own."""

import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.request

FAKE = pathlib.Path(__file__).resolve().parents[1] / "Fixtures/fake-llm"


class Server:
    """Plays the scripts that prompts name: `SCRIPT:NAME?parameters#TAG`. What it served is kept by the tag."""

    def __init__(self, folder, bodies=True):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.bodies = self.folder / "bodies" if bodies else None
        self.parsed = {}
        port = self.folder / "port"
        command = [
            sys.executable, str(FAKE / "fake_llm.py"), "--port-file", str(port), "--log", str(self.folder / "log.jsonl"),
            "--quiet", "--parent-pid", str(os.getpid()),
        ]
        if bodies:
            command += ["--bodies", str(self.bodies)]
        with open(self.folder / "output", "wb") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        end = time.monotonic() + 30
        while not port.exists():
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"the model server did not start: {(self.folder / 'output').read_text()}")
            time.sleep(0.02)
        self.url = f"http://127.0.0.1:{port.read_text()}"

    def ask(self, path, body=None):
        with urllib.request.urlopen(f"{self.url}/__fake/{path}", data=body, timeout=30) as answer:
            return json.load(answer)

    def open(self, gate):
        self.ask(f"gate/{gate}", b"open")

    def served(self, tag):
        """The tokens that were served under a tag, and in how many answers."""
        total = {"turns": 0, "input": 0, "output": 0, "cache_read": 0, "cache_write": 0}
        for key, stats in self.ask("stats")["stats"].items():
            if key.split("|")[1] == tag:
                for name in total:
                    total[name] += stats[name]
        return total

    def requests(self, tag):
        """What was answered under a tag, in the order of the answers."""
        records = []
        for line in (self.folder / "log.jsonl").read_text().splitlines():
            record = json.loads(line)
            if record.get("tag") == tag:
                records.append(record)
        return records

    def asked(self, tag):
        """The bodies that came under a tag, those not answered yet too."""
        found = []
        for path in sorted(self.bodies.glob("*.json")):
            if path not in self.parsed:
                try:
                    self.parsed[path] = json.dumps(json.loads(path.read_text())["body"])
                except ValueError:
                    continue  # It is being written.
            if f"#{tag}" in self.parsed[path]:
                found.append(self.parsed[path])
        return found

    def close(self):
        self.process.kill()
        self.process.wait()
