"""The shop's business calendar: which days are open, and stepping from open day to open day (CUT-02, CUT-03, B.3)."""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import date, datetime, timedelta, timezone
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Final

import holidays

JST: Final = timezone(timedelta(hours=9), "JST")
"""Asia/Tokyo: one offset, no daylight saving."""

_DAY: Final = timedelta(days=1)
_LONGEST_CLOSURE: Final = 400


def _of_japan() -> Container[date]:
    """The holidays of Japan, from the library's one file of them: asked for by name it imports those of all others first, 8 MiB and a
    quarter of a second for every process."""
    spec = spec_from_file_location(
        "holidays_of_japan", Path(holidays.__file__).with_name("countries").joinpath("japan.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    days: Container[date] = module.Japan()
    return days


_NATIONAL: Final = _of_japan()


def is_national_holiday(day: date) -> bool:
    """True on the Cabinet Office's holidays, substitute (振替休日) and citizens' (国民の休日) holidays included."""
    return day in _NATIONAL


class BusinessCalendar:
    """Open and closed days of one shop, supplier or carrier.

    ``closed_weekdays``: 0 Monday .. 6 Sunday. ``national_holidays``: closed on them, those of ``added_holidays`` included and
    without ``removed_holidays``, as laws move them (B.3). ``closed_dates`` close single days; ``open_dates`` open them against
    everything else. ``within``: closed whenever that one is. Look-ups are remembered, so one calendar a shop is right.
    """

    __slots__ = ("_added", "_closed", "_closed_weekdays", "_known", "_national", "_open", "_removed", "_within")

    def __init__(
        self,
        closed_weekdays: Iterable[int] = (5, 6),
        national_holidays: bool = True,
        closed_dates: Iterable[date] = (),
        open_dates: Iterable[date] = (),
        added_holidays: Iterable[date] = (),
        removed_holidays: Iterable[date] = (),
        within: BusinessCalendar | None = None,
    ) -> None:
        self._added = frozenset(added_holidays)
        self._removed = frozenset(removed_holidays)
        self._within = within
        self._closed_weekdays = frozenset(closed_weekdays)
        self._national = national_holidays
        self._closed = frozenset(closed_dates)
        self._open = frozenset(open_dates)
        self._known: dict[date, bool] = {}

    def is_open(self, day: date) -> bool:
        """True if goods leave on ``day``."""
        known = self._known.get(day)
        if known is None:
            known = self._known[day] = self._decide(day)
        return known

    def _decide(self, day: date) -> bool:
        if self._within is not None and not self._within.is_open(day):
            return False
        if day in self._open:
            return True
        if day in self._closed or day.weekday() in self._closed_weekdays:
            return False
        return not (self._national and self._is_holiday(day))

    def _is_holiday(self, day: date) -> bool:
        return day in self._added or (is_national_holiday(day) and day not in self._removed)

    def next_open(self, day: date) -> date:
        """``day`` itself if open, else the first open day after it."""
        for _ in range(_LONGEST_CLOSURE):
            if self.is_open(day):
                return day
            day += _DAY
        raise ValueError("the calendar has no open day within a year")

    def previous_open(self, day: date) -> date:
        """``day`` itself if open, else the last open day before it."""
        for _ in range(_LONGEST_CLOSURE):
            if self.is_open(day):
                return day
            day -= _DAY
        raise ValueError("the calendar has no open day within a year")

    def add_business_days(self, day: date, count: int) -> date:
        """The ``count``-th open day after ``day``, which is not counted itself; ``count`` 0 is ``next_open(day)``."""
        if count == 0:
            return self.next_open(day)
        for _ in range(count):
            day = self.next_open(day + _DAY)
        return day


def in_japan(at: datetime) -> datetime:
    """``at`` (aware) in Asia/Tokyo."""
    return at.astimezone(JST)
