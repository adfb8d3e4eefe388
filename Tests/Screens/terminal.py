"""A program in a pseudo-terminal, with pyte as the terminal it believes in.

pyte and the widths of PyPI's wcwidth have nothing in common with curses and libc: where both say the same of a screen,
a third terminal will, too.
"""
import ctypes
import fcntl
import locale
import os
import select
import signal
import struct
import subprocess
import termios
import time
from collections import namedtuple

import pyte
from pyte import graphics
from wcwidth import wcwidth

# Of SGR.
FAINT, NOT_FAINT, ITALIC, NOT_ITALIC = 2, 22, 3, 23


class Emulator(pyte.Screen):
    """pyte's screen, with what xterm does and pyte does not."""

    def draw(self, data):
        # One by one: pyte leaves out what follows a mark of combining class 0, and composes others.
        for character in data:
            width = wcwidth(character)
            self.last_drawn = character
            if width == 0:
                self._mark(character)
                continue
            if self.cursor.x + width > self.columns and self.cursor.x < self.columns:
                self.cursor.x = self.columns
            x = self.cursor.x if self.cursor.x < self.columns else 0
            y = self.cursor.y if self.cursor.x < self.columns else min(self.cursor.y + 1, self.lines - 1)
            self._split(y, x)
            self._split(y, x + width)
            super().draw(character)

    def _mark(self, character):
        line = self.buffer[self.cursor.y]
        x = self.cursor.x - 1
        if x > 0 and line[x].data == "":
            x -= 1
        if x >= 0:
            line[x] = line[x]._replace(data=line[x].data + character)

    def _split(self, y, x):
        """Of a wide character that has x as its right half, nothing stays behind."""
        line = self.buffer[y]
        if 0 < x < self.columns and line[x].data == "":
            line[x - 1] = line[x - 1]._replace(data=" ")
            line[x] = line[x]._replace(data=" ")

    def repeat(self, count=1):
        """REP: what curses uses for long rows of the same character."""
        self.draw(self.last_drawn * max(count, 1))

    def back_tab(self, count=1):
        for _ in range(max(count, 1)):
            self.cursor.x = max([0] + [stop for stop in self.tabstops if stop < self.cursor.x])

    def scroll_up(self, count=1):
        self._scroll(count, self.index, last=True)

    def scroll_down(self, count=1):
        self._scroll(count, self.reverse_index, last=False)

    def _scroll(self, count, step, last):
        place = self.cursor.y
        top, bottom = self.margins or (0, self.lines - 1)
        self.cursor.y = bottom if last else top
        for _ in range(min(max(count, 1), bottom - top + 1)):
            step()
        self.cursor.y = place

    def select_graphic_rendition(self, *attributes, **_):
        # pyte knows no faint text; its italics, which orch does not use, stand for it.
        if attributes and attributes[0] in (38, 48):
            return super().select_graphic_rendition(*attributes)
        swapped = []
        for attribute in attributes:
            if attribute == FAINT:
                swapped.append(ITALIC)
            elif attribute == NOT_FAINT:
                swapped += [NOT_FAINT, NOT_ITALIC]
            else:
                swapped.append(attribute)
        super().select_graphic_rendition(*swapped)


def _settled(name):
    """Behind the last column, whatever is not a character finds the cursor on that column. What becomes empty has the
    background of the moment, and nothing else of what is drawn in."""
    def method(self, *arguments, **named):
        self.cursor.x = min(self.cursor.x, self.columns - 1)
        attributes = self.cursor.attrs
        self.cursor.attrs = empty = self.default_char._replace(bg=attributes.bg)
        getattr(pyte.Screen, name)(self, *arguments, **named)
        self.cursor.attrs = attributes
        if attributes.bg != "default":
            self._fill(name, max(arguments[0] if arguments else 1, 1), empty)
    return method


def _fill(self, name, count, empty):
    """pyte fills what is moved in from a side with nothing at all."""
    line = self.buffer[self.cursor.y]
    if name == "delete_characters":
        for x in range(max(self.columns - count, self.cursor.x), self.columns):
            line[x] = empty
    elif name == "insert_characters":
        for x in range(self.cursor.x, min(self.cursor.x + count, self.columns)):
            line[x] = empty


Emulator._fill = _fill
for _name in ("cursor_to_line", "cursor_up", "cursor_up1", "cursor_down", "cursor_down1", "cursor_back", "backspace",
              "erase_in_line", "erase_in_display", "erase_characters", "insert_characters", "delete_characters",
              "index", "reverse_index"):
    setattr(Emulator, _name, _settled(_name))


class Stream(pyte.ByteStream):
    csi = dict(pyte.ByteStream.csi, b="repeat", Z="back_tab", S="scroll_up", T="scroll_down")
    events = pyte.ByteStream.events | {"repeat", "back_tab", "scroll_up", "scroll_down"}


class Terminal:
    """Runs `command` in a terminal of its own until `close`."""

    def __init__(self, command, columns, rows, environment=None, pass_fds=()):
        self.emulator = Emulator(columns, rows)
        self.stream = Stream(self.emulator)
        self.master, slave = os.openpty()
        self.device = os.ttyname(slave)
        self._set_size(columns, rows)
        variables = dict(os.environ if environment is None else environment, TERM="xterm-256color")

        def take_terminal():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=variables, pass_fds=pass_fds,
            start_new_session=True, preexec_fn=take_terminal,
        )
        os.close(slave)
        os.set_blocking(self.master, False)
        self.unread = b""
        self.is_open = True

    def _set_size(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns, rows):
        """As when a window is dragged: the terminal has the new size at once, the program learns of it."""
        self.emulator.resize(rows, columns)
        self._set_size(columns, rows)

    def write(self, data):
        """What a person types."""
        os.set_blocking(self.master, True)
        try:
            os.write(self.master, data)
        finally:
            os.set_blocking(self.master, False)

    def pump(self, seconds, until=lambda: False, others=()):
        """Shows what the program writes, until `until` or for so long; true when it was `until` that ended it.

        `others`: descriptors whose readability is waited for, too."""
        deadline = time.monotonic() + seconds
        while not until():
            left = deadline - time.monotonic()
            if left <= 0 or not self.is_open:
                return until()
            select.select([self.master, *others], [], [], left)
            self.receive()
        return True

    def receive(self):
        try:
            data = os.read(self.master, 1 << 16)
        except BlockingIOError:
            return
        except OSError:  # EIO: nobody has the other end any more
            data = b""
        if not data:
            self.is_open = False
        self.take(data)

    def take(self, data):
        self.stream.feed(data)

    def text(self):
        return "\n".join(row.rstrip() for row in self.emulator.display)

    def wait_for(self, text, seconds=30):
        if not self.pump(seconds, lambda: text in self.text()):
            raise SystemExit(f"{text!r} did not appear:\n{self.text()}")

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        os.close(self.master)


# MARK: Comparing

Cell = namedtuple("Cell", "data fg bg bold faint underline reverse")


def colour_name(number, background=False):
    """A colour of the palette, as pyte calls it."""
    if number < 0:
        return "default"
    if number < 8:
        return (graphics.BG_ANSI if background else graphics.FG_ANSI)[number + (40 if background else 30)]
    if number < 16:
        return (graphics.BG_AIXTERM if background else graphics.FG_AIXTERM)[number - 8 + (100 if background else 90)]
    return graphics.FG_BG_256[number]


def shown(emulator, x, y):
    cell = emulator.buffer[y][x]
    return seen(Cell(cell.data, cell.fg, cell.bg, cell.bold, cell.italics, cell.underscore, cell.reverse))


def seen(cell):
    """Without what nobody can see: an empty place has no foreground."""
    if cell.data not in (" ", ""):
        return cell
    keeps_foreground = cell.reverse or cell.underline
    return cell._replace(
        fg=cell.fg if keeps_foreground else "default",
        bold=cell.bold if keeps_foreground else False,
        faint=cell.faint if keeps_foreground else False,
    )


def differences(expected, emulator):
    """Where a screen shows something else than rows of cells: (x, y, expected, shown)."""
    found = []
    for y, row in enumerate(expected):
        for x, cell in enumerate(row):
            is_half = cell.data == ""
            there = shown(emulator, x, y)
            # The right half looks as the left one does.
            if there != seen(cell) and not (is_half and there.data == ""):
                found.append((x, y, seen(cell), there))
    return found


def disputed():
    """Characters that libc, by which orch counts columns, and wcwidth disagree about: versions of Unicode. No picture
    can be right for both."""
    locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    libc = ctypes.CDLL(None)
    found = []
    for value in range(0x20, 0x110000):
        if 0x7F <= value < 0xA0 or 0xD800 <= value < 0xE000:
            continue
        theirs = libc.wcwidth(ctypes.c_uint32(value))
        # What libc cannot draw is never sent.
        if theirs >= 0 and theirs != wcwidth(chr(value)):
            found.append(value)
    return found
