"""What is alive on this machine, by what it was started with."""

import os


def alive(*marks):
    """Processes that have one of the texts in their environment, command line or working directory, this one left out."""
    wanted = [mark.encode() for mark in marks]
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                command = file.read()
            with open(f"/proc/{name}/environ", "rb") as file:
                environment = file.read()
            place = os.readlink(f"/proc/{name}/cwd").encode()
        except OSError:
            continue  # It has ended, or is a zombie.
        if any(mark in text for mark in wanted for text in (command, environment, place)):
            found[int(name)] = command.replace(b"\0", b" ").decode(errors="replace")[:200]
    return found


def children(pid):
    """Its children, and of each the state that the kernel says."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    state, parent = file.read().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if int(parent) == pid:
                found[int(name)] = state
    return found


def resident(pid):
    """Resident memory in KiB."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))
