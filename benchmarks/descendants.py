"""Which processes a process started, and those which they did."""

from __future__ import annotations

import subprocess


def children_of(pid: int) -> list[int]:
    """The processes that the process ``pid`` started, the lowest number first."""
    return sorted(child for child, parent in _parents().items() if parent == pid)


def tree(root: int) -> list[int]:
    """A process and all its descendants."""
    parents = _parents()
    found = [root]
    for one in found:
        found += [pid for pid, parent in parents.items() if parent == one]
    return found


def _parents() -> dict[int, int]:
    listing = subprocess.run(["/bin/ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return {int(pid): int(parent) for pid, parent in map(str.split, listing.splitlines())}
