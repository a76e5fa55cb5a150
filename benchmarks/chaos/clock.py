"""Injuries of the clock: the service comes back with another time than the world's, and later with the right one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.chaos.field import Field
from benchmarks.chaos.injury import Boundary, Count, Inflict, Injury, Unhealed
from benchmarks.chaos.processes import OWN

_HOUR, _DAY = 3600.0, 86_400.0


def _jumps(seconds: float) -> Inflict:
    @contextmanager
    def inflict(field: Field) -> Iterator[Count]:
        clock = field.trial.clock
        anchor = clock.anchor - seconds / clock.rate
        with field.told(SHUKKA_CLOCK_ANCHOR=repr(anchor)):
            restarted = _restart(field)
            yield lambda: restarted
        _restart(field)

    return inflict


def _restart(field: Field) -> int:
    """Kill worker, clock and web and wait for those that follow; how many there are."""
    before = {name: field.pid(name) for name in OWN}
    for pid in before.values():
        field.kill(pid)
    for name, pid in before.items():
        if not field.came_back(name, pid):
            raise Unhealed(f"{name} did not come back")
    return len(before)


def _injury(name: str, seconds: float) -> Injury:
    does = "worker, clock and web are killed and come back with that time; the world has the right one"
    heals, leaves = "the same back again; what was to be done at once then is done at that time", max(0.0, seconds)
    return Injury(f"clock {name}", Boundary.CLOCK, does, heals, _jumps(seconds), 6.0, is_quick=False, leaves=leaves)


INJURIES: Sequence[Injury] = (
    _injury("an hour ahead", _HOUR),
    _injury("an hour behind", -_HOUR),
    _injury("a day ahead", _DAY),
    _injury("a day behind", -_DAY),
)
