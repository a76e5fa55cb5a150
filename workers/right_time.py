"""Whether the machine's clock is right: as the database's is, by which all processes of a house are measured."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

import structlog
from sqlalchemy import Connection, Engine

from models.database import glance
from models.store import vitals
from workers.metrics import CLOCK_AHEAD

log = structlog.get_logger(__name__)

#: Seconds of difference that are worth a line in the log.
MOST: Final = 2.0
#: Real seconds between two looks of a process that looks for work.
EVERY: Final = 60.0


class ClockWatch:
    """Looks at the clock of a process that looks for work, once in a while."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._looked = -math.inf

    def look(self) -> None:
        """Look, unless it was looked at within ``EVERY`` seconds."""
        if time.monotonic() - self._looked >= EVERY:
            with glance(self._engine) as connection:
                look_at_clock(connection)
            self._looked = time.monotonic()


def look_at_clock(connection: Connection, real: Callable[[], float] = time.time) -> float:
    """Set the gauge of this process, and say so where the clock, ``real``, is wrong; the seconds by which it is ahead.

    Whoever is ahead makes things due when the others' clocks get there, and sees deadlines pass that have not.
    """
    ahead = vitals.clock_ahead(connection, real)
    CLOCK_AHEAD.set(ahead)
    if abs(ahead) > MOST:
        log.warning("clock.wrong", ahead=round(ahead, 1))
    return ahead
