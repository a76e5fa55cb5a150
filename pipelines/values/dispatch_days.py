"""The days on which a supplier's goods leave, and until when an order is in time for one (CUT-01 to CUT-03)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from pipelines.values.calendar import JST, BusinessCalendar

_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class DispatchDays:
    """``calendar``: the days on which the supplier is open and its carrier collects; ``cutoff_on``: the time of day up to which
    an order is in time on one of them; ``cutoff_inclusive``: whether that second is; ``capacity``: shipments a day, None for any
    number."""

    calendar: BusinessCalendar
    cutoff_on: Callable[[date], time]
    cutoff_inclusive: bool = True
    capacity: int | None = None

    def is_in_time(self, at: datetime) -> bool:
        """Whether ``at`` (Asia/Tokyo) is by the cutoff of its day, to the second."""
        cutoff, moment = self.cutoff_on(at.date()), at.time().replace(microsecond=0)
        return moment < cutoff or (self.cutoff_inclusive and moment == cutoff)

    def in_time_until(self, day: date) -> datetime:
        """The last second that is in time for ``day``, Asia/Tokyo."""
        cutoff = datetime.combine(day, self.cutoff_on(day), JST)
        return cutoff if self.cutoff_inclusive else cutoff - _SECOND

    def first_for(self, at: datetime) -> date:
        """The first open day for which ``at`` (Asia/Tokyo) is in time; a closed day counts as before the next one's cutoff."""
        today = at.date()
        missed = self.calendar.is_open(today) and not self.is_in_time(at)
        return self.calendar.next_open(today + _DAY if missed else today)
