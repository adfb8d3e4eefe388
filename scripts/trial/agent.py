"""An agent that needs no model: agent.py PROJECT. It does what the project's plan has for $ORCH_TICKET, in its worktree."""

import os
import re
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout


def commit(message: str) -> None:
    git("add", "-A")
    if git("status", "--porcelain"):
        git("commit", "-qm", message)


def meet(other: str, folder: Path) -> None:
    """Waits until the other ticket's agent has come as far as this one."""
    deadline = time.monotonic() + 240
    (folder / os.environ["ORCH_TICKET"]).touch()
    while not (folder / other).exists():
        if time.monotonic() > deadline:
            raise SystemExit(f"{other} has not come")
        time.sleep(0.05)


def merge(feedback: str) -> None:
    """Takes the target's side of what conflicts; what this ticket does is done again on top of that."""
    tip = re.search(r"rebase onto ([0-9a-f]{40})", feedback)
    assert tip is not None, feedback
    if subprocess.run(["git", "merge", "--quiet", "--no-edit", tip[1]]).returncode == 0:
        return
    paths = git("diff", "--name-only", "--diff-filter=U", "-z").rstrip("\0").split("\0")
    git("checkout", "--theirs", "--", *paths)
    commit(f"Merge {tip[1]}")


def main() -> None:
    project = import_module(f"{sys.argv[1]}_project").PROJECT
    ticket = next(t for t in project.tickets if t.id == os.environ["ORCH_TICKET"])
    scratch = Path(os.environ["TRIAL_FOLDER"])
    with open(scratch / "runs" / ticket.id, "a") as runs:
        print(os.environ["ORCH_RUN"], file=runs)

    path = os.environ.get("ORCH_FEEDBACK_FILE")
    feedback = Path(path).read_text() if path else ""
    print(f"attempt {os.environ['ORCH_ATTEMPT']} at {ticket.title!r}", feedback, sep="\n", flush=True)
    if "conflicts with the target" in feedback:
        merge(feedback)
        todo = ticket.edits + ticket.repair
    elif feedback:
        todo = ticket.repair
        if ticket.sent_back and ticket.sent_back not in feedback:
            raise SystemExit("it was sent back without the comment")
    else:
        if ticket.meets:
            meet(ticket.meets, scratch / "met")
        todo = ticket.edits
    for edit in todo:
        edit()
    if ticket.commits:
        commit(ticket.title)
    sys.exit(ticket.exit)


if __name__ == "__main__":
    main()
