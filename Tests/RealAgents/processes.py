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


def zombies(pid):
    """Children that have ended and that it has not waited for."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    state, parent = file.read().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if int(parent) == pid and state == "Z":
                found.append(int(name))
    return found


RING = 16 << 10
"""KiB of the ring that the daemon keeps the last events in, which takes memory as it fills."""


def memory(pid):
    """KiB that are resident in all, of these what is no file (pages of a program come in as it is used), and of these the ring."""
    with open(f"/proc/{pid}/status") as file:
        values = dict(line.split(":", 1) for line in file)
    ring = size = 0
    with open(f"/proc/{pid}/smaps") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name == "Size":
                size = int(value.split()[0])
            elif name == "Rss" and RING <= size <= RING + 16:
                ring += int(value.split()[0])
    return int(values["VmRSS"].split()[0]), int(values["RssAnon"].split()[0]), ring


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))
