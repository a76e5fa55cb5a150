"""Whether the machine's clock is right: as the database's is, by which all processes of a house are measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog
from sqlalchemy import Connection

from models.store import vitals
from workers.metrics import CLOCK_AHEAD

log = structlog.get_logger(__name__)

#: Seconds of difference that are worth a line in the log.
MOST: Final = 2.0


def look_at_clock(connection: Connection, real: Callable[[], float] = time.time) -> float:
    """Set the gauge of this process, and say so where the clock, ``real``, is wrong; the seconds by which it is ahead.

    Whoever is ahead makes things due when the others' clocks get there, and sees deadlines pass that have not.
    """
    ahead = vitals.clock_ahead(connection, real)
    CLOCK_AHEAD.set(ahead)
    if abs(ahead) > MOST:
        log.warning("clock.wrong", ahead=round(ahead, 1))
    return ahead
