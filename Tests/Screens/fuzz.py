"""Draws pictures of hostile text with `TUIProbe --pictures`, and looks whether a terminal shows them cell by cell.

fuzz.py PROBE [--seed N] [--seconds N] [--pictures N]
"""
import argparse
import os
import random
import sys
import tempfile
import time

from terminal import Terminal, differences, disputed
from witness import picture_of


class Painter:
    """The probe, and what it says it has drawn."""

    def __init__(self, probe, seed, columns, rows, leave_out):
        reading, writing = os.pipe()
        self.terminal = Terminal(
            [probe, "--pictures", str(seed), str(writing), leave_out], columns, rows,
            environment={"PATH": os.environ["PATH"], "ORCH_THEME": "dark"},
            pass_fds=[writing],
        )
        os.close(writing)
        os.set_blocking(reading, False)
        self.reading = reading
        self.told = b""
        self.sent = b""
        self.terminal.take = self.take

    def take(self, data):
        self.sent += data
        self.terminal.stream.feed(data)

    def hear(self):
        try:
            self.told += os.read(self.reading, 1 << 20)
        except BlockingIOError:
            pass

    def picture(self, number):
        """The next picture, once it is shown as a whole."""
        mark = b"\033]7777;%d\007" % number
        end = b"end %d\n" % number

        def is_whole():
            self.hear()
            return mark in self.sent and end in self.told

        if not self.terminal.pump(60, is_whole, [self.reading]):
            raise SystemExit(f"picture {number} was not drawn:\n{self.terminal.text()}")
        text, _, self.told = self.told.partition(end)
        self.drawn, _, self.sent = self.sent.partition(mark)
        return picture_of(text + end)

    def close(self):
        self.terminal.close()
        os.close(self.reading)


def check(painter, number):
    picture = painter.picture(number)
    emulator = painter.terminal.emulator
    if (picture.columns, picture.rows) != (emulator.columns, emulator.lines):
        return [f"drawn for {picture.columns}x{picture.rows} on a screen of {emulator.columns}x{emulator.lines}"]
    return [
        f"column {x}, row {y}: {wanted} was drawn, {there} is shown" for x, y, wanted, there in differences(picture.cells, emulator)
    ]


def some_size(chance):
    return chance.randint(2, 120), chance.randint(1, 40)


def run(probe, seed, pictures, leave_out, deadline):
    chance = random.Random(seed)
    columns, rows = some_size(chance)
    painter = Painter(probe, seed, columns, rows, leave_out)
    try:
        for number in range(pictures):
            problems = check(painter, number)
            if problems:
                print(f"seed {seed}, picture {number}, {len(problems)} cells are wrong:", file=sys.stderr)
                for problem in problems[:10]:
                    print(f"  {problem}", file=sys.stderr)
                print(f"it was drawn by {painter.drawn[-2000:]}", file=sys.stderr)
                raise SystemExit(1)
            if time.monotonic() > deadline:
                return number + 1
            if chance.random() < 0.2:
                sizes = [some_size(chance) for _ in range(chance.choice([1, 1, 2, 20]))]
                if chance.random() < 0.5:  # a size that comes and goes
                    sizes.append((painter.terminal.emulator.columns, painter.terminal.emulator.lines))
                for size in sizes:
                    painter.terminal.resize(*size)
            painter.terminal.write(b"n")
        return pictures
    finally:
        painter.close()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("probe")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--seconds", type=float, default=10)
    arguments.add_argument("--pictures", type=int, default=100, help="of one seed")
    chosen = arguments.parse_args()
    deadline = time.monotonic() + chosen.seconds
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as leave_out:
        without = disputed()
        leave_out.write("\n".join(f"{value:x}" for value in without))
        leave_out.flush()
        seeds = total = 0
        while time.monotonic() < deadline:
            total += run(chosen.probe, chosen.seed + seeds, chosen.pictures, leave_out.name, deadline)
            seeds += 1
    print(f"{total} pictures of {seeds} seeds are shown as drawn; {len(without)} disputed characters are left out")


main()
