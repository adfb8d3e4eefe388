"""What TUIProbe says that it has shown."""
import functools
import re
from collections import namedtuple

from terminal import Cell, colour_name

BOLD, DIM, REVERSE, UNDERLINE = 1, 2, 4, 8

# Where in the terminal's stream a picture is complete.
MARK = re.compile(rb"\033\]7777;(\d+)\007")

# `recoloured`: how often the terminal had told its background.
Picture = namedtuple("Picture", "number columns rows recoloured cells")


@functools.lru_cache(1 << 16)
def cell_of(word):
    """`SCALARS,FOREGROUND,BACKGROUND,ATTRIBUTES`; scalars in hexadecimal, none for a right half."""
    scalars, foreground, background, attributes = word.split(",")
    data = "".join(chr(int(scalar, 16)) for scalar in scalars.split(".") if scalar)
    attributes = int(attributes)
    return Cell(
        data, colour_name(int(foreground)), colour_name(int(background), True), bool(attributes & BOLD),
        bool(attributes & DIM), bool(attributes & UNDERLINE), bool(attributes & REVERSE),
    )


def picture_of(text):
    """Of the lines up to and with `end NUMBER`."""
    first, *rows, last = text.decode().splitlines()
    columns, lines, recoloured = map(int, first.split())
    cells = [[cell_of(word) for word in row.split(" ")] for row in rows]
    return Picture(int(last.split()[1]), columns, lines, recoloured, cells)
