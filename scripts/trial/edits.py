"""What the scripted agents of the trial do to a project: edits of its files, and the tickets they belong to."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

Edit = Callable[[], None]


def new(path: str, text: str) -> Edit:
    """A file with this text."""

    def edit() -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text, encoding="utf-8")

    return edit


def add(path: str, text: str) -> Edit:
    """The text at the end of a file, two lines below what is there; once, however often that is asked."""

    def edit() -> None:
        before = Path(path).read_text(encoding="utf-8")
        if text not in before:
            Path(path).write_text(before.rstrip("\n") + "\n\n\n" + text, encoding="utf-8")

    return edit


def swap(path: str, old: str, new: str) -> Edit:
    """`new` in the place of `old`, which has to be there once, unless `new` is there already."""

    def edit() -> None:
        before = Path(path).read_text(encoding="utf-8")
        if new in before:
            return
        if before.count(old) != 1:
            raise SystemExit(f"{path} has {before.count(old)} times, not once: {old!r}")
        Path(path).write_text(before.replace(old, new), encoding="utf-8")

    return edit


def rename(path: str, function: str, old: str, new: str) -> Edit:
    """Another name for a local of a function of the module."""

    def edit() -> None:
        before = Path(path).read_text(encoding="utf-8")
        body = re.search(rf"^( *)def {function}\(.*?(?=^\1(?:def|class|@)|\Z)", before, re.M | re.S)
        if body is None:
            raise SystemExit(f"{path} has no function {function}")
        renamed = re.sub(rf"\b{old}\b", new, body.group())
        Path(path).write_text(before[: body.start()] + renamed + before[body.end() :], encoding="utf-8")

    return edit


LANDS = "lands"
REJECTED = "rejected"


@dataclass
class Ticket:
    """One of a project's tickets, with what its agent does.

    `fate` is LANDS, REJECTED or a regular expression for the reason with which it comes to wait for a human.
    """

    id: str
    title: str
    locks: list[str]
    edits: list[Edit]
    """The first attempt."""
    repair: list[Edit] = field(default_factory=list)
    """What is done after feedback, beside the edits where that is a conflict."""
    fate: str = LANDS
    leaves: list[tuple[str, str]] = field(default_factory=list)
    """(path, text): what has to be in the target branch at the end where it has landed, and must not be where it has not."""
    depends_on: list[str] = field(default_factory=list)
    meets: str | None = None
    """The ticket whose agent it waits for before it edits anything, so that both start from the same commit."""
    sent_back: str | None = None
    """The comment with which the human sends its first attempt back."""
    exit: int = 0
    commits: bool = True
    """Whether the agent commits, or leaves that to orch."""
    attempts: int = 1
    """How often its agent has to have been at work."""


def function(id: str, title: str, path: str, code: str, tested: str, test: str, **more) -> Ticket:
    """A ticket for a function at the end of a module, with a test of its own."""
    more.setdefault("locks", [path, tested])
    return Ticket(
        id, title, edits=[add(path, code), new(tested, test)], leaves=[(path, code), (tested, test)], **more
    )


def change(id: str, title: str, path: str, old: str, text: str, **more) -> Ticket:
    """A ticket that puts one text in the place of another."""
    more.setdefault("locks", [path])
    return Ticket(id, title, edits=[swap(path, old, text)], leaves=[(path, text)], **more)


@dataclass
class Project:
    name: str
    version: str
    requirements: list[str]
    """What its tests need, pinned."""
    tests: list[str]
    """The arguments of pytest, for the whole suite."""
    quick: list[str]
    """The same, for a few seconds' worth of it."""
    configuration: dict
    """What else its .orch/config.json says."""
    tickets: list[Ticket]
    ignored: str | None = None
    """Its .gitignore, where the source distribution has none."""
