"""A daemon as the dashboard sees it, in which everything is made up, and much of it is wrong."""
import base64
import json
import os
import select
import socket
from collections import Counter

STATES = [
    "queued", "running", "stopped", "awaiting_approval", "landing", "merged", "pr_open", "done", "needs_human_review",
    "cancelled",
]
STAGES = ["setup", "work", "verify", "approve", "land"]
RUN_STATES = ["requested", "starting", "running", "stopping", "passed", "failed", "timed_out", "lost", "exited"]


class Connection:
    def __init__(self, link):
        link.setblocking(False)
        self.link = link
        self.received = b""
        self.unsent = b""
        self.topics = None


class Daemon:
    """Serves `path` whenever `serve` is called, and never waits."""

    def __init__(self, path, hostile):
        self.path = path
        self.hostile = hostile
        self.chance = hostile.chance
        self.connections = []
        self.held = []  # answers that come later
        self.listener = None
        self.asked = Counter()
        self.seq = self.chance.randrange(1000)
        self.picture = {
            "daemon": {"version": "0"},
            "repositories": {f"r{n}": self.repository(f"r{n}") for n in range(1, self.chance.choice([1, 1, 2, 5]) + 1)},
            "tickets": {},
            "agents": {},
            "locks": {},
        }
        for _ in range(self.chance.choice([0, 1, 5, 30])):
            self.change_picture()
        self.start()

    # MARK: Being there

    def start(self):
        if self.listener:
            return
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.path)
        self.listener.listen(16)
        self.listener.setblocking(False)

    def stop(self):
        if not self.listener:
            return
        self.listener.close()
        self.listener = None
        os.unlink(self.path)
        for connection in list(self.connections):
            self.drop(connection)

    def drop(self, connection):
        connection.link.close()
        self.connections.remove(connection)
        self.held = [(to, line) for to, line in self.held if to is not connection]

    def descriptors(self):
        """What to read, and what to write when there is room."""
        reading = [connection.link for connection in self.connections] + ([self.listener] if self.listener else [])
        return reading, [connection.link for connection in self.connections if connection.unsent]

    def serve(self):
        if self.listener:
            while select.select([self.listener], [], [], 0)[0]:
                connection = Connection(self.listener.accept()[0])
                self.connections.append(connection)
                hello = {"protocol": 1, "daemon": "0", "seq": self.seq, "tickets": 1, "agents": 1, "role": "user"}
                self.send(connection, {"method": "hello", "params": hello})
        for connection in list(self.connections):
            self.receive(connection)
        for connection in list(self.connections):
            self.flush(connection)

    def receive(self, connection):
        while True:
            try:
                data = connection.link.recv(1 << 16)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                return self.drop(connection)
            connection.received += data
        *lines, connection.received = connection.received.split(b"\n")
        for line in lines:
            self.answer(connection, json.loads(line))

    def flush(self, connection):
        try:
            while connection.unsent:
                sent = connection.link.send(connection.unsent)
                connection.unsent = connection.unsent[sent:]
        except BlockingIOError:
            pass
        except OSError:
            self.drop(connection)

    def send(self, connection, message):
        self.send_line(connection, self.line(message))

    def line(self, message):
        return json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=self.chance.random() < 0.5).encode()

    def send_line(self, connection, line):
        connection.unsent += line + b"\n"

    def release(self):
        """Sends the answers that were held, in any order."""
        self.chance.shuffle(self.held)
        for connection, line in self.held:
            self.send_line(connection, line)
        self.held = []

    # MARK: What happens

    def happen(self):
        """Something of all that can happen."""
        kind = self.chance.randrange(26)
        if kind == 0:
            self.stop()
        elif kind == 1 and self.connections:
            self.drop(self.chance.choice(self.connections))
        elif kind == 2:
            self.publish({"method": "daemon.trouble", "params": {"problem": self.chance.choice([None, self.text()])}})
        elif kind == 3:
            halted = self.chance.choice([None, {"since": self.moment(), "reason": self.text()}])
            self.event({"daemon": {"halted": halted, "disk": self.chance.choice([None, "full"])}})
        elif kind == 4:
            ids = list(self.picture["tickets"]) or ["T-1"]
            reasons = {self.chance.choice(ids): self.chance.choice([None, self.text()]) for _ in range(3)}
            self.publish({"method": "ticket.waiting", "params": {"waiting": reasons}})
        elif kind in (5, 6):
            self.publish({"method": "output", "params": {
                "run": self.run_id(), "stdout": self.chance.randrange(1 << 17), "stderr": self.chance.randrange(1 << 10),
            }})
        elif kind == 7:
            self.publish({"method": self.text(), "params": self.anything()})
        elif kind == 8:
            self.publish_line(self.hostile.bytes(20).replace(b"\n", b""))
        elif kind == 9:
            self.seq += self.chance.choice([0, 5])  # a gap
        elif kind == 10:
            self.publish({"method": "goodbye", "params": {"reason": self.text(), "seq": self.seq}})
        elif kind == 12:
            self.publish({"method": "agent.activity", "params": {"run": self.run_id(), **self.activity()}})
        elif kind == 13:
            spent = {"spent_today": self.sometimes(self.usage()), "budgets": self.sometimes(self.budgets())}
            self.event({"daemon": self.mistaken(spent)})
        elif kind == 11:
            for _ in range(200):
                self.event(self.change_picture())
        else:
            for _ in range(self.chance.randint(1, 5)):
                self.event(self.change_picture())

    def publish(self, message):
        self.publish_line(self.line(message))

    def publish_line(self, line):
        for connection in self.connections:
            self.send_line(connection, line)

    def event(self, patch):
        merge(patch, self.picture)
        self.seq += 1
        params = {"seq": self.seq, "time": self.moment(), "patch": patch, "ticket": self.ticket_id()}
        self.publish({"method": "ticket.changed", "params": params})

    def change_picture(self):
        """A patch that is in the picture already."""
        if self.chance.random() < 0.25:
            id = f"agent-{self.chance.randint(1, 12)}"
            patch = {"agents": {id: self.agent(id) if self.chance.random() < 0.8 else None}}
        elif self.chance.random() < 0.15:
            id = str(self.chance.randint(1, 20))
            patch = {"locks": {id: self.lock() if self.chance.random() < 0.7 else None}}
        elif self.chance.random() < 0.05:
            patch = {"repositories": {"r1": self.repository("r1")}}
        else:
            id = self.ticket_id()
            if id not in self.picture["tickets"] or self.chance.random() < 0.5:
                patch = {"tickets": {id: self.ticket(id)}}
            elif self.chance.random() < 0.3:
                patch = {"tickets": {id: None}}
            else:
                patch = {"tickets": {id: {"state": self.chance.choice(STATES), "since": self.moment()}}}
        merge(patch, self.picture)
        return patch

    # MARK: Rows

    def text(self):
        return self.hostile.text()

    def sometimes(self, value):
        return value if self.chance.random() < 0.5 else None

    def number(self):
        return self.chance.choice([0, 1, 2, 3, 17, -1, 1 << 31, 1 << 40])

    def moment(self):
        if self.chance.random() < 0.05:
            return self.text()
        year = self.chance.choice([1969, 2026, 2026, 2026, 2026, 9999])
        day, hour = self.chance.randint(1, 28), self.chance.randint(0, 23)
        return f"{year}-11-{day:02}T{hour:02}:{self.chance.randint(0, 59):02}:09.500Z"

    def ticket_id(self):
        if self.chance.random() < 0.02:
            return self.text() or "T-1"
        return f"T-{self.chance.randint(1, 40)}"

    def run_id(self):
        return f"{self.ticket_id()}.{self.chance.randint(1, 4)}"

    def anything(self, depth=0):
        kind = self.chance.randrange(8 if depth < 3 else 5)
        if kind < 5:
            return [None, True, self.number(), self.text(), 0.5][kind]
        if kind == 5:
            return [self.anything(depth + 1) for _ in range(self.chance.randrange(4))]
        return {self.text(): self.anything(depth + 1) for _ in range(self.chance.randrange(4))}

    def mistaken(self, row):
        """Now and then something is missing, or of another kind."""
        while row and self.chance.random() < 0.04:
            name = self.chance.choice(list(row))
            if self.chance.random() < 0.5:
                row[name] = self.anything()
            else:
                del row[name]
        return row

    def repository(self, id):
        push = {"remote": self.text(), "commit": "1f0c2c9", "problem": self.sometimes(self.text())}
        path = self.chance.choice(["/srv/site", "/" + self.text()])
        return {"id": id, "path": path, "target": self.text() or "main", "tip": self.text(), "push": self.sometimes(push)}

    def ticket(self, id):
        chance, maybe = self.chance, self.sometimes
        run = f"{id}.{chance.randint(1, 4)}"
        return self.mistaken(without_none({
            "id": id, "title": self.text(), "repository": chance.choice(list(self.picture["repositories"])),
            "state": chance.choice(STATES) if chance.random() < 0.95 else self.text(), "reason": maybe(self.text()),
            "stale_since": maybe(self.moment()), "stale_until": maybe(self.moment()), "stale_evidence": maybe(self.text()),
            "stage": maybe(chance.choice(STAGES)), "agent": maybe(f"agent-{chance.randint(1, 12)}"),
            "profile": self.text(), "priority": self.number(), "locks": [self.text() for _ in range(chance.randrange(4))],
            "depends_on": [self.ticket_id() for _ in range(chance.randrange(3))], "branch": maybe(self.text()),
            "worktree": maybe(chance.choice(["/", "/" + self.text()])), "commit": maybe(self.text()),
            "attempts": self.number(), "run": maybe(run), "comments": maybe(self.number()), "since": self.moment(),
            "created": self.moment(), "evidence": maybe(self.text()), "blocked": maybe(True),
            "landing_place": maybe(self.number()),
            "question": maybe(self.mistaken({
                "number": self.number(), "kind": chance.choice(["question", "permission", self.text()]),
                "text": self.hostile.lines(6), "since": self.moment(), "until": self.moment(),
            })),
            "claim": maybe({"patterns": [self.text()], "since": self.moment(), "until": self.moment()}),
            "progress": maybe({"text": self.text(), "percent": maybe(self.number()), "time": self.moment()}),
            "messages": maybe([
                {"number": n, "delivery": chance.choice(["queued", "sent", self.text()]), "time": self.moment(),
                 "text": self.hostile.lines(4)} for n in range(chance.randrange(4))
            ]),
            "last_message": maybe(self.number()), "usage": maybe(self.usage()), "budget": maybe(self.allowance()),
            "checks": maybe({"done": self.number(), "total": self.number(), "running": self.text(), "since": self.moment()}),
        }))

    def usage(self):
        names = ["input", "output", "cache_read", "cache_write", "tokens", "unpriced"]
        money = {"cost_usd": self.amount(), "estimated": self.amount()}
        return self.mistaken({name: self.number() for name in names} | money)

    def amount(self):
        return self.chance.choice([0, 0.00001, 0.25, 12.3456, 1e12, -1])

    def allowance(self):
        return {"usd": self.sometimes(self.amount()), "tokens": self.sometimes(self.number())}

    def budgets(self):
        return {span: self.allowance() for span in ("ticket", "day", "month")}

    def activity(self):
        maybe = self.sometimes
        states = ["working", "tool", "permission", "limited", "retrying", "idle", self.text()]
        return self.mistaken(without_none({
            "state": self.chance.choice(states), "tool": maybe(self.text()), "title": maybe(self.text()),
            "reason": maybe(self.text()), "until": maybe(self.moment()), "since": self.moment(),
        }))

    def said(self):
        """A line of what an agent says and does."""
        maybe = self.sometimes
        kinds = ["session", "said", "said", "tool_started", "tool_started", "tool_ended", "tool_ended", "permission_asked",
                 "message_taken", "message_refused", "limited", "retrying", "turn_ended", "noted", self.text()]
        return json.dumps(self.mistaken(without_none({
            "event": self.chance.choice(kinds), "time": self.moment(), "text": self.hostile.lines(9),
            "by": maybe(self.chance.choice(["agent", "thinking", "subagent", "person", self.text()])),
            "call": f"c{self.chance.randrange(5)}", "parent": maybe(self.text()), "tool": self.text(), "title": self.text(),
            "command": maybe(self.text()), "outcome": self.chance.choice(["succeeded", "failed", "denied", self.text()]),
            "output": self.hostile.lines(30), "message": self.number(), "reason": maybe(self.text()),
            "until": maybe(self.moment()), "attempt": self.number(), "session": self.text(), "model": maybe(self.text()),
            "failure": maybe(self.text()),
        })), ensure_ascii=self.chance.random() < 0.5).encode() + b"\n"

    def agent(self, id):
        maybe = self.sometimes
        state = self.chance.choice(["idle", "working", "stale", "stopping", self.text()])
        return self.mistaken(without_none({
            "id": id, "state": state, "ticket": maybe(self.ticket_id()), "profile": maybe(self.text()),
            "run": maybe(self.run_id()), "last_output": maybe(self.moment()), "activity": maybe(self.activity()),
            "stale_since": maybe(self.moment()),
            "stale_until": maybe(self.moment()), "stale_evidence": maybe(self.text()), "since": self.moment(),
        }))

    def lock(self):
        maybe = self.sometimes
        return self.mistaken(without_none({
            "pattern": self.text(), "repository": "r1", "ticket": maybe(self.ticket_id()), "person": maybe(self.text()),
            "reason": maybe(self.text()), "since": self.moment(), "expires": maybe(self.moment()), "fence": self.number(),
        }))

    def run(self, ticket):
        maybe = self.sometimes
        number = self.chance.randint(1, 9)
        return self.mistaken(without_none({
            "id": f"{ticket}.{number}", "ticket": ticket, "number": number, "stage": self.chance.choice(STAGES),
            "name": self.text(), "state": self.chance.choice(RUN_STATES), "outcome": maybe(self.text()),
            "started": maybe(self.moment()), "ended": maybe(self.moment()), "tree": maybe(self.text()),
            "commit": maybe(self.text()), "reused": maybe(True), "session": maybe(self.text()), "trial": maybe(self.number()),
        }))

    # MARK: Answers

    def answer(self, connection, request):
        id, method, params = request["id"], request["method"], request.get("params", {})
        self.asked[method] += 1
        fate = self.chance.random()
        if method in ("snapshot", "subscribe") and fate > 0.02:
            message = self.follow(method)
        elif fate < 0.1:
            message = {"error": {"code": -32005, "message": self.text(), "data": {"code": "refused", "hint": self.text()}}}
        elif fate < 0.13:
            message = {"result": self.anything()}
        else:
            ticket = params.get("ticket") or self.ticket_id()
            message = {"result": self.mistaken(self.result(method, ticket, params))}
        line = self.line({"id": id, **message})
        if method in ("snapshot", "subscribe") or self.chance.random() < 0.6:
            self.send_line(connection, line)
        else:
            self.held.append((connection, line))

    def follow(self, method):
        if method == "snapshot":
            waiting = {id: self.text() for id in list(self.picture["tickets"])[:5]}
            return {"result": {"seq": self.seq, "picture": self.picture, "waiting": waiting}}
        if self.chance.random() < 0.5:
            return {"error": {"code": -32006, "message": "pruned", "data": {"code": "gone"}}}
        return {"result": {"seq": self.seq}}

    def result(self, method, ticket, params):
        some = range(self.chance.randrange(6))
        row = self.picture["tickets"].get(ticket) or self.ticket(ticket)
        if method == "output.read":
            return self.output(params)
        if method == "ticket.diff":
            return {"diff": self.diff(), "base": self.text(), "head": self.text()}
        if method == "ticket.enqueue":
            return {"ids": [self.ticket_id()]}
        if method in ("daemon.halt", "daemon.resume"):
            return {"halted": self.sometimes({"reason": self.text()}), "tickets": [self.ticket_id() for _ in some]}
        events = [
            {
                "event": self.chance.choice(["ticket.started", "ticket.merged", "run.ended", self.text()]),
                "seq": n + 1, "time": self.moment(), "ticket": ticket, self.text(): self.anything(), "comment": self.text(),
                "run": self.run_id(), "reason": self.text(), "outcome": self.text(),
            }
            for n in some
        ]
        kinds = ["approved", "changes_requested", "rejected", self.text()]
        # What any method may be answered with: each takes what it knows.
        return {
            "ticket": row, "description": self.hostile.lines(9), "runs": [self.run(ticket) for _ in some],
            "comments": [{"time": self.moment(), "kind": self.chance.choice(kinds), "text": self.hostile.lines(4), "seq": n}
                         for n in some],
            "events": events, "first": 1, "more": self.chance.random() < 0.3,
            "agents": [self.agent(f"agent-{n}") for n in some], "locks": [self.lock() for _ in some],
            "profiles": [{"name": self.text(), "default": n == 0, "kind": "command"} for n in some],
            "snapshots": [{"ticket": ticket, "number": n, "time": self.moment(), "reason": self.text(), "commit": self.text(),
                           "complete": True, "notes": [self.text()]} for n in some],
            "disk": {"worktree": self.number(), "runs": self.number(), "archives": 0, "total": self.number(), "at_least": True},
            "version": self.text(), "pid": 1, "seq": self.seq, "uptime": self.number(), "containment": {"kind": self.text()},
            "tickets": list(self.picture["tickets"].values()), "repositories": list(self.picture["repositories"].values()),
        }

    def output(self, params):
        size = self.chance.choice([0, 10, 300, 5000, 70000])
        offset = params.get("offset", 0)
        data = self.hostile.bytes(60)
        if params.get("stream") == "events" and self.chance.random() < 0.8:
            data = b"".join(self.said() for _ in range(self.chance.randrange(30)))
        data = data[:params.get("length", 1 << 16)]
        if self.chance.random() < 0.3:
            data = b""
        result = {
            "offset": offset, "next": offset + len(data), "size": max(size, offset + len(data)),
            "eof": self.chance.random() < 0.3,
        }
        # One that never comes to its end would be read for ever.
        if not data:
            result["size"] = offset
        if self.chance.random() < 0.5:
            result["base64"] = base64.b64encode(data).decode()
        else:
            result["data"] = data.decode(errors="replace")
        return result

    def diff(self):
        chance, text = self.chance, lambda: self.text().replace("\n", "")
        lines = [f" {text()} | 2 +-", " 1 file changed, 1 insertion(+)", ""] if chance.random() < 0.5 else []
        for _ in range(chance.randrange(5)):
            name, now = text(), text()
            lines += [f"diff --git a/{name} b/{now}"]
            lines += chance.choice([[], ["new file mode 100644"], [f"rename from {name}", f"rename to {now}"],
                                    ["Binary files a/x and b/x differ"], [f"index 1..2 {text()}"]])
            lines += [f"--- a/{name}", f"+++ b/{now}"]
            for _ in range(chance.randrange(4)):
                lines.append(f"@@ -{chance.randrange(99)},{chance.randrange(9)} +1,{chance.randrange(9)} @@ {text()}")
                lines += [chance.choice([" ", "+", "-", "\\", ""]) + text() for _ in range(chance.randrange(12))]
        return "\n".join(lines)


def without_none(row):
    return {name: value for name, value in row.items() if value is not None}


def merge(patch, target):
    """As RFC 7386 has it."""
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        elif isinstance(value, dict):
            if not isinstance(target.get(name), dict):
                target[name] = {}
            merge(value, target[name])
        else:
            target[name] = value
