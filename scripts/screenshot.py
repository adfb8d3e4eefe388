"""Runs a program in a terminal of its own and draws what that shows as an SVG picture, in colours.

    scripts/screens.sh scripts/screenshot.py OUT.svg [--size 100x30] [--keys "j j Enter"] [--wait TEXT] -- COMMAND...

`--keys` are pressed one after the other once `--wait` is shown; `Enter`, `Esc`, `Tab`, `Space` and the arrows by name.
"""
import argparse
import os
import sys
from html import escape

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "Tests", "Screens"))
from terminal import Terminal  # noqa: E402

KEYS = {
    "Enter": "\r", "Esc": "\033", "Tab": "\t", "Space": " ", "Up": "\033OA", "Down": "\033OB", "Right": "\033OC",
    "Left": "\033OD",
}
# One Dark, near enough: what the palette's names look like.
COLOURS = {
    "default": "#d7dae0", "black": "#3f4451", "red": "#e05561", "green": "#8cc265", "brown": "#d18f52", "blue": "#4aa5f0",
    "magenta": "#c162de", "cyan": "#42b3c2", "white": "#d7dae0", "brightblack": "#7f848e", "brightred": "#ff616e",
    "brightgreen": "#a5e075", "brightbrown": "#f0a45d", "brightblue": "#4dc4ff", "bfightmagenta": "#de73ff",
    "brightmagenta": "#de73ff", "brightcyan": "#4cd1e0", "brightwhite": "#e6e6e6",
}
PAPER = "#1e2127"
WIDTH, HEIGHT, MARGIN = 8.4, 18, 12


def colour(name, otherwise):
    if name == "default":
        return otherwise
    return COLOURS.get(name, f"#{name}")


def look(cell):
    front, back = colour(cell.fg, COLOURS["default"]), colour(cell.bg, PAPER)
    if cell.reverse:
        front, back = back, front
    return front, back, cell.bold, cell.italics, cell.underscore


def runs(emulator, y):
    """Cells next to each other that look alike: (column, columns, text, look). What is not plain stands alone, so that no
    font moves what follows; so does a space, of which SVG keeps only one."""
    found = []
    for x in range(emulator.columns):
        cell = emulator.buffer[y][x]
        if cell.data == "":
            continue
        is_wide = x + 1 < emulator.columns and emulator.buffer[y][x + 1].data == ""
        is_plain = " " < cell.data < "\x7f"
        last = found[-1] if found else None
        if last and is_plain and last[4] and last[3] == look(cell):
            found[-1] = (last[0], last[1] + 1, last[2] + cell.data, last[3], True)
        else:
            found.append((x, 2 if is_wide else 1, cell.data, look(cell), is_plain))
    return [run[:4] for run in found]


def picture(emulator):
    width = emulator.columns * WIDTH + 2 * MARGIN
    height = emulator.lines * HEIGHT + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}">',
        f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>',
        '<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14" xml:space="preserve">',
    ]
    for y in range(emulator.lines):
        for x, columns, text, (front, back, bold, faint, underline) in runs(emulator, y):
            left, top = MARGIN + x * WIDTH, MARGIN + y * HEIGHT
            if back != PAPER:
                parts.append(
                    f'<rect x="{left:.1f}" y="{top}" width="{columns * WIDTH:.1f}" height="{HEIGHT}" fill="{back}"/>'
                )
            if not text.strip():
                continue
            extra = ' font-weight="bold"' if bold else ""
            extra += ' opacity="0.65"' if faint else ""
            extra += ' text-decoration="underline"' if underline else ""
            parts.append(
                f'<text x="{left:.1f}" y="{top + 13.5}" textLength="{columns * WIDTH:.1f}" lengthAdjust="spacingAndGlyphs"'
                f' fill="{front}"{extra}>{escape(text)}</text>'
            )
    return "\n".join(parts + ["</g>", "</svg>", ""])


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("out")
    arguments.add_argument("--size", default="100x30")
    arguments.add_argument("--keys", default="")
    arguments.add_argument("--wait", default="")
    arguments.add_argument("command", nargs="+")
    chosen = arguments.parse_args()
    columns, rows = map(int, chosen.size.split("x"))
    terminal = Terminal(chosen.command, columns, rows)
    try:
        terminal.wait_for(chosen.wait)
        for key in chosen.keys.split():
            terminal.write(KEYS.get(key, key).encode())
            terminal.pump(0.3)
        terminal.pump(0.5)
        with open(chosen.out, "w") as file:
            file.write(picture(terminal.emulator))
    finally:
        terminal.close()


main()
