"""Clocks: the one source of business time, real or set to start anywhere and run at any rate.

Business time decides what is due; leases and time-outs use real time and never this module.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from pipelines.errors import Misconfigured
from pipelines.values.moment import bounded

TOKYO = ZoneInfo("Asia/Tokyo")

FASTEST = 1_000_000.0
_TOO_LATE = datetime(2099, 1, 1, tzinfo=TOKYO).timestamp()


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's own time, in Asia/Tokyo."""

    def now(self) -> datetime:
        """Now, aware, Asia/Tokyo."""
        return datetime.now(TOKYO)

    def real_seconds_until(self, at: datetime) -> float:
        """Real seconds to wait until this clock shows ``at`` (aware); 0.0 if it already does."""
        return max(0.0, at.timestamp() - time.time())


@dataclass(frozen=True, slots=True)
class SettableClock:
    """A clock that showed ``start`` at the real time ``anchor`` and runs ``rate`` times as fast as real time.

    ``start`` is aware; ``anchor`` is in seconds since the epoch, so that every process given the same three values
    shows the same time.
    """

    start: datetime
    rate: float
    anchor: float

    def now(self) -> datetime:
        """Now, aware, Asia/Tokyo."""
        passed = (time.time() - self.anchor) * self.rate
        # Through the epoch: adding a timedelta to a zoned time is wall-clock arithmetic.
        return datetime.fromtimestamp(self.start.timestamp() + passed, TOKYO)

    def real_seconds_until(self, at: datetime) -> float:
        """Real seconds to wait until this clock shows ``at`` (aware); 0.0 if it already does."""
        shown_at = self.anchor + (at - self.start).total_seconds() / self.rate
        return max(0.0, shown_at - time.time())


AnyClock = SystemClock | SettableClock


def from_settings(clock: str | None, rate: float = 1.0, anchor: float | None = None) -> AnyClock:
    """The clock that the settings ask for.

    ``clock``: ISO 8601 start, Asia/Tokyo where it names no offset; None starts at the present time.  ``rate``: business
    seconds a real second.  ``anchor``: epoch seconds at which the clock shows its start, None for now.
    Raises Misconfigured for a start or an anchor that is no time, or lies in a year of which no order may be, and for a rate that
    is not above zero.
    """
    if not 0 < rate <= FASTEST:
        raise Misconfigured("SHUKKA_CLOCK_RATE", f"must be above 0 and at most {FASTEST:.0f}; 1 is real time")
    if clock is None and rate == 1.0:
        return SystemClock()
    real = time.time() if anchor is None else _anchor(anchor)
    return SettableClock(start=_start(clock, real), rate=rate, anchor=real)


def _anchor(epoch: float) -> float:
    """``epoch`` as it came; the likeliest that is none are milliseconds."""
    if not 0 <= epoch < _TOO_LATE:
        says = "is no time until the year 2098; write seconds since 1970, as `date +%s` prints them"
        raise Misconfigured("SHUKKA_CLOCK_ANCHOR", says)
    return epoch


def _start(clock: str | None, anchor: float) -> datetime:
    if clock is None:
        return datetime.fromtimestamp(anchor, TOKYO)
    try:
        start = datetime.fromisoformat(clock)
    except ValueError:
        raise Misconfigured("SHUKKA_CLOCK", "is no ISO 8601 time; write it like 2026-11-20T08:00:00+09:00") from None
    try:
        bounded(start)
    except ValueError as refused:
        raise Misconfigured("SHUKKA_CLOCK", str(refused)) from None
    return start.replace(tzinfo=TOKYO) if start.tzinfo is None else start.astimezone(TOKYO)
