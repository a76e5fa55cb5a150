"""Every injury there is."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from benchmarks.chaos import clock, database, disk, http, processes, redis, smtp
from benchmarks.chaos.injury import Injury

INJURIES: Sequence[Injury] = (
    *processes.INJURIES,
    *database.INJURIES,
    *redis.INJURIES,
    *http.INJURIES,
    *smtp.INJURIES,
    *clock.INJURIES,
    *disk.INJURIES,
)


def named(names: Collection[str]) -> Sequence[Injury]:
    """The injuries whose name or boundary is among ``names``; raises KeyError for one that is neither."""
    known = {one.name for one in INJURIES} | {one.boundary.value for one in INJURIES}
    if strange := sorted(set(names) - known):
        raise KeyError(f"{strange[0]} is no injury and no boundary; --list shows them")
    return [one for one in INJURIES if one.name in names or one.boundary in names]
