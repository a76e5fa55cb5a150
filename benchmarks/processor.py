"""Processor time of processes and of all they started, as Linux counts it in /proc."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from benchmarks.descendants import tree

_TICKS: Final = os.sysconf("SC_CLK_TCK")


def processor_seconds(roots: Iterable[int]) -> float:
    """Seconds that ``roots`` and their descendants have had so far, those that ended among them: their parent has waited for them."""
    ticks = 0
    for pid in {one for root in roots for one in tree(root)}:
        with suppress(FileNotFoundError, ProcessLookupError):
            _, _, rest = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")
            ticks += sum(int(field) for field in rest.split()[11:15])
    return ticks / _TICKS


def seconds_by_part(parts: Mapping[str, Iterable[int]]) -> dict[str, float]:
    """The same of each part's roots: a connection that came or went meanwhile is a process of PostgreSQL's too."""
    return {part: processor_seconds(roots) for part, roots in parts.items()}
