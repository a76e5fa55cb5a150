"""What an injury is: where it strikes, what it does, how it is healed, and how it knows that it really struck."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from benchmarks.chaos.field import Field
from benchmarks.wire import Wire


class Boundary(StrEnum):
    """Between what and what an injury strikes."""

    PROCESSES = "processes"
    DATABASE = "database"
    REDIS = "redis"
    HTTP = "http"
    SMTP = "smtp"
    CLOCK = "clock"
    DISK = "disk"


Count = Callable[[], int]
"""How often an injury really struck since it began: what it met, never what was ordered."""
Inflict = Callable[[Field], AbstractContextManager[Count]]
"""Begins an injury and gives its count; leaving the block heals it, and raises Unhealed if it cannot."""


class Unhealed(Exception):
    """What was struck did not come back; the words say what."""


@dataclass(frozen=True, slots=True)
class Injury:
    """One row of the matrix.

    ``lasts``: real seconds that it goes on at least; then it ends as soon as it has struck, at the latest after ``patience``
    more. ``heals``: what ends it. ``is_quick``: also in the short form, which has no time for what has to outlast a lease.
    ``leaves``: seconds of the Clock for which what it touched may wait afterwards. ``hours``: of the Clock, from and before which
    it finds something to strike.
    """

    name: str
    boundary: Boundary
    does: str
    heals: str
    inflict: Inflict
    lasts: float = 0.0
    patience: float = 15.0
    is_quick: bool = True
    leaves: float = 0.0
    hours: tuple[int, int] = (0, 24)

    def is_time(self, now: datetime) -> bool:
        """Whether it finds something to strike now."""
        begins, ends = self.hours
        return begins <= now.hour < ends


def since(total: Count) -> Count:
    """How much more ``total`` says than it says now."""
    before = total()
    return lambda: total() - before


def wired(of: Callable[[Field], Wire], hurt: Callable[[Wire], object]) -> Inflict:
    """What is done to the wire ``of`` a field until it is healed; the count is of what it held up or cut."""

    @contextmanager
    def inflict(field: Field) -> Iterator[Count]:
        wire = of(field)
        count = since(lambda: wire.hurt)
        hurt(wire)
        try:
            yield count
        finally:
            wire.heal()

    return inflict


def refuse(wire: Wire) -> None:
    """Connections are reset, and new ones refused."""
    wire.refuse()
    wire.cut()
