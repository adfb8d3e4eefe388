"""The whole dashboard, with random keys, pointers, pastes and sizes on one side and a random daemon on the other.

What it says that it shows is compared with what a terminal shows, cell by cell; it may neither crash nor get stuck, and
has to leave the terminal as it found it.

dashboard.py PROBE [--seed N] [--seconds N] [--steps N]
"""
import argparse
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import termios
import time
from collections import Counter, deque

from daemon import Daemon
from hostile import Hostile
from terminal import Terminal, differences, disputed
from witness import MARK, picture_of

# Seconds for an answer to what was typed, on a machine that has other things to do.
PATIENCE = 30
PRIVATE = 5  # pyte's shift for modes of the form ESC [ ? N h
LEFT_OFF = {"alternate screen": 1049, "mouse": 1000, "mouse drags": 1002, "mouse form": 1006, "paste": 2004}
KEYS = [
    "\033[A", "\033[B", "\033[C", "\033[D", "\033OA", "\033OB", "\033OC", "\033OD", "\033[H", "\033[F", "\033[5~", "\033[6~",
    "\033[2~", "\033[3~", "\033[Z", "\033[1;5A", "\033[1;5B", "\033[1;5C", "\033[1;5D", "\r", "\t", "\033", "\x7f",
] + ["\033O" + key for key in "PQRS"] + [f"\033[{n}~" for n in (15, 17, 18, 19, 20, 21, 23, 24)]
STEPS = "jkhlgG \r\t\033/:?123456789[]"


class Problem(Exception):
    pass


class Quit(Exception):
    """It has ended, as it may: everything it can be asked for is."""


class Life:
    """One dashboard, from its start to its end."""

    def __init__(self, probe, folder, seed, without):
        self.chance = random.Random(seed)
        self.hostile = Hostile(self.chance, without)
        # Of its own: what it does next does not depend on when it is asked.
        self.daemon = Daemon(f"{folder}/{seed}.sock", Hostile(random.Random(f"daemon {seed}"), without))
        with open(f"{folder}/text", "wb") as file:
            file.write(self.hostile.bytes(30))
        columns, rows = self.some_size()
        self.reading, writing = os.pipe()
        self.terminal = Terminal(
            ["/bin/sh", "-c", 'stty -ixon; exec "$@"', "sh", probe, "--watched", self.daemon.path, str(writing)],
            columns, rows, environment=self.environment(folder), pass_fds=[writing],
        )
        os.close(writing)
        os.set_blocking(self.reading, False)
        # Held open, so that its modes outlive the dashboard.
        self.slave = os.open(self.terminal.device, os.O_RDWR | os.O_NOCTTY)
        self.stream = b""
        # What the last pictures were drawn by.
        self.drawn = deque([b""], 4)
        self.told = b""
        self.pictures = {}
        self.picture = None
        # A picture that was drawn for another size than the terminal has by then, or that the kernel has thrown away half
        # of, is not to be compared: what comes once that is known is.
        self.is_settled = True
        self.compared = 0
        self.slowest = 0.0
        self.is_told_of_interrupt = False
        self.sent = []

    def environment(self, folder):
        editors = ["true", "false", f"cp {folder}/text", "kill -9 $$;", "no-such-editor"]
        environment = {
            "PATH": os.environ["PATH"], "TMPDIR": folder, "HOME": folder, "SHELL": "/bin/true",
            "EDITOR": self.chance.choice(editors),
        }
        for name, values in {
            "ORCH_THEME": ["", "", "dark", "light"], "COLORFGBG": ["", "0;15", "15;0"],
            "NO_COLOR": ["", "", "", "1"], "ORCH_ASCII": ["", "", "", "1"],
        }.items():
            if value := self.chance.choice(values):
                environment[name] = value
        return environment

    def some_size(self):
        if self.chance.random() < 0.15:
            return self.chance.randint(2, 400), self.chance.randint(1, 60)
        return self.chance.randint(40, 140), self.chance.randint(10, 45)

    # MARK: Seeing

    def hear(self):
        try:
            self.told += os.read(self.reading, 1 << 20)
        except BlockingIOError:
            return
        while (end := self.told.find(b"\nend ")) >= 0:
            if (end := self.told.find(b"\n", end + 5)) < 0:
                return
            picture = picture_of(self.told[:end + 1])
            self.told = self.told[end + 1:]
            self.pictures[picture.number] = picture

    def see(self):
        """Shows what was written, up to the last place where a picture is complete."""
        try:
            self.stream += os.read(self.terminal.master, 1 << 16)
        except OSError:
            return False
        while match := MARK.search(self.stream):
            self.feed(match.end())
            self.drawn.append(b"")
            self.hear()
            self.picture = self.pictures.pop(int(match[1]))
            # Comparing takes longer than anything else.
            if self.chance_of_looking():
                self.compare()
        return True

    def feed(self, count):
        self.terminal.stream.feed(self.stream[:count])
        self.drawn[-1] += self.stream[:count]
        self.stream = self.stream[count:]

    def chance_of_looking(self):
        return self.picture.number % 4 == 0

    def compare(self):
        emulator = self.terminal.emulator
        picture = self.picture
        if not self.is_settled:
            return
        if (picture.columns, picture.rows) != (emulator.columns, emulator.lines):
            raise Problem(f"drawn for {picture.columns}x{picture.rows} on {emulator.columns}x{emulator.lines}")
        self.compared += 1
        wrong = differences(picture.cells, emulator)
        if wrong:
            cells = [f"  column {x}, row {y}: {wanted} was drawn, {there} is shown" for x, y, wanted, there in wrong[:10]]
            raise Problem("\n".join([f"{len(wrong)} cells are wrong in picture {picture.number}:", *cells, self.terminal.text()]))

    # MARK: Going on

    def turn(self, seconds, data=b""):
        """Waits for anything to happen, and deals with it. What could not be typed yet."""
        reading, writing = self.daemon.descriptors()
        typing = [self.terminal.master] if data else []
        ready, room, _ = select.select([self.terminal.master, self.reading, *reading], [*writing, *typing], [], seconds)
        self.daemon.serve()
        self.hear()
        if self.terminal.master in ready:
            self.see()
        if data and self.terminal.master in room:
            # The other end may wait for us to read: never more than there surely is room for.
            data = data[os.write(self.terminal.master, data[:256]):]
        if self.terminal.process.poll() is not None:
            raise Quit
        return data

    def type(self, data):
        """What a person types, or the terminal reports."""
        self.sent.append(data)
        if b"\x03" in data:
            self.is_told_of_interrupt = True
        if b"\x1a" in data:
            # The kernel throws away what has been written and typed; all is painted anew.
            self.is_settled = False
        began = time.monotonic()
        while data:
            data = self.turn(1, data)
            if time.monotonic() - began > PATIENCE:
                raise Problem("it does not read what is typed")

    def settle(self):
        """Until everything that was typed has been taken: the terminal tells its background last, and is painted anew."""
        began = time.monotonic()
        asked = 0
        before = self.picture.recoloured if self.picture else 0
        while not self.picture or self.picture.recoloured <= before:
            waited = time.monotonic() - began
            if waited > PATIENCE:
                raise Problem(f"it is stuck, {self.state()}:\n{self.terminal.text()}")
            # A sequence that was begun before may have swallowed it.
            if waited >= asked * 3:
                asked += 1
                colour = self.chance.choice(["ffff/ffff/ffff", "0000/0000/0000"])
                self.type(f"\033]11;rgb:{colour}\033\\".encode())
            self.turn(0.5)
        self.slowest = max(self.slowest, time.monotonic() - began)

    def state(self):
        """What the kernel says of it."""
        folder = f"/proc/{self.terminal.process.pid}"
        with open(f"{folder}/stat") as stat, open(f"{folder}/task/{self.terminal.process.pid}/children") as children:
            fields = stat.read().rpartition(")")[2].split()
            return f"in state {fields[0]} after {fields[11]} ticks, with the children {children.read()!r}"

    def look(self):
        """Compares what is there once it is quiet."""
        self.settle()
        if not self.is_settled:
            # It may have taken what was typed before it heard of the signal.
            self.settle()
            self.is_settled = True
        self.compare()

    def resize(self):
        self.is_settled = False
        for _ in range(self.chance.choice([1, 1, 1, 2, 20])):
            size = self.some_size()
            self.sent.append(size)
            self.terminal.resize(*size)
            if self.chance.random() < 0.5:
                self.turn(0)

    def step(self):
        kind = self.chance.random()
        if kind < 0.06:
            self.resize()
        elif kind < 0.4:
            self.daemon.start() if self.chance.random() < 0.5 else self.daemon.happen()
            self.daemon.release()
        elif kind < 0.48:
            self.type(b"\033[200~" + self.typed(self.hostile.lines(5)) + b"\033[201~")
        elif kind < 0.58:
            self.type(b"".join(self.pointer() for _ in range(self.chance.choice([1, 1, 2, 10]))))
        else:
            self.type(b"".join(self.key() for _ in range(self.chance.choice([1, 1, 2, 5, 30]))))
        if self.chance.random() < 0.5:
            self.look()

    def typed(self, text):
        """Without what is a signal."""
        return text.encode().replace(b"\x03", b"").replace(b"\x1c", b"")

    def key(self):
        chance = self.chance
        kind = chance.random()
        if kind < 0.35:
            return chance.choice(STEPS).encode()
        if kind < 0.5:
            return chance.choice(KEYS).encode()
        if kind < 0.76:
            return bytes([chance.randint(0x20, 0x7E)])
        if kind < 0.88:
            return bytes([chance.choice([n for n in range(32) if n not in (3, 28)])])
        if kind < 0.91:
            return b"\033" + bytes([chance.randint(0x20, 0x7E)])
        if kind < 0.912:
            return b"\x03"
        return self.typed(self.hostile.text(3))

    def pointer(self):
        chance = self.chance
        x = chance.randint(1, self.terminal.emulator.columns + 2)
        y = chance.randint(1, self.terminal.emulator.lines + 2)
        button = chance.choice([0, 0, 0, 32, 64, 65, 2, 35, 4, 66])
        if chance.random() < 0.1:
            return b"\033[M" + bytes([32 + button, min(32 + x, 126), min(32 + y, 126)])
        return f"\033[<{button};{x};{y}{chance.choice('MMMm')}".encode()

    # MARK: The end

    def finish(self):
        """Has it end, by a signal where it is still there, and looks at what it leaves."""
        process = self.terminal.process
        wanted = {0}
        if process.poll() is None:
            chosen = self.chance.choice([signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
            wanted = {-chosen, 0}
            process.send_signal(chosen)
        if self.is_told_of_interrupt:
            wanted.add(-signal.SIGINT)
        began = time.monotonic()
        while process.poll() is None:
            if time.monotonic() - began > PATIENCE:
                raise Problem("it does not end")
            select.select([self.terminal.master, self.reading], [], [], 0.1)
            self.hear()
            self.see()
        while select.select([self.terminal.master], [], [], 0)[0] and self.see():
            pass
        # A signal may come in the middle of a sequence. An ESC begins anew, but not for pyte.
        self.stream = self.stream.replace(b"\033[?1006l", b"\007\030\033[?1006l")
        self.feed(len(self.stream))
        if process.returncode not in wanted:
            raise Problem(f"it ended with {process.returncode}:\n{self.terminal.text()}")
        modes = self.terminal.emulator.mode
        left = [name for name, mode in LEFT_OFF.items() if mode << PRIVATE in modes]
        if 25 << PRIVATE not in modes:
            left.append("no cursor")
        flags = termios.tcgetattr(self.slave)[3]
        left += [name for name in ("ECHO", "ICANON", "ISIG", "IEXTEN") if not flags & getattr(termios, name)]
        if left:
            raise Problem(f"it leaves behind: {', '.join(left)}")

    def close(self):
        if self.terminal.process.poll() is None:
            self.terminal.process.kill()
            self.terminal.process.wait()
        self.daemon.stop()
        for descriptor in (self.slave, self.terminal.master, self.reading):
            os.close(descriptor)


def run(life, steps, deadline):
    """How many steps it took."""
    step = 0
    try:
        life.look()
        while step < steps and time.monotonic() < deadline:
            life.step()
            step += 1
    except Quit:
        pass
    life.finish()
    return step


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("probe")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--seconds", type=float, default=10)
    arguments.add_argument("--steps", type=int, default=200, help="of one seed")
    chosen = arguments.parse_args()
    deadline = time.monotonic() + chosen.seconds
    without = frozenset(disputed())
    folder = tempfile.mkdtemp(prefix="orch-fuzz-")
    seed = chosen.seed
    steps = compared = 0
    asked = Counter()
    slowest = 0.0
    try:
        while time.monotonic() < deadline:
            life = Life(chosen.probe, folder, seed, without)
            try:
                steps += run(life, chosen.steps, deadline)
            except Problem as problem:
                print(f"seed {seed}: {problem}", file=sys.stderr)
                print(f"what came last: {life.sent[-30:]}", file=sys.stderr)
                for drawn in [*life.drawn, life.stream]:
                    print(f"it was drawn by {drawn[-4000:]}", file=sys.stderr)
                raise SystemExit(1)
            finally:
                life.close()
            compared += life.compared
            asked += life.daemon.asked
            slowest = max(slowest, life.slowest)
            seed += 1
    finally:
        shutil.rmtree(folder)
    print(f"{steps} steps of {seed - chosen.seed} dashboards, {compared} pictures are shown as drawn; "
          f"slowest answer {slowest:.1f} s; {len(without)} disputed characters are left out")
    print("asked of the daemon: " + ", ".join(f"{method} {count}" for method, count in sorted(asked.items())))


main()
