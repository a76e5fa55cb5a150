"""Moments and days that come in from outside: read strictly, within years that every later computation can bear.

A time at either end of the calendar overflows as soon as it is moved to another offset or a day is added; one far ahead
is the slip of a clock. Both are refused where they come in, with the way out.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Final, TypeVar

from pipelines.values.calendar import JST

When = TypeVar("When", bound=date)

NO_TIME: Final = "Must be an RFC 3339 time with an offset, such as 2026-11-20T14:59:30+09:00."
NO_DATE: Final = "Must be a date written YYYY-MM-DD, such as 2026-11-20."

_FIRST_YEAR: Final = 2001
_LAST_YEAR: Final = 2098  # the national holidays are known a year further

_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MONTH: Final = re.compile(r"(?!0000)\d{4}-(0[1-9]|1[0-2])", re.ASCII)
_JST_AHEAD: Final = timedelta(hours=9)


def read_moment(text: object) -> datetime:
    """An RFC 3339 time with its offset, in Asia/Tokyo; of a second's fraction six digits are kept.

    Raises ValueError with one sentence for what is none, and for one outside of the years 2001 to 2098.
    """
    if not isinstance(text, str) or not _RFC_3339.fullmatch(text):
        raise ValueError(NO_TIME)
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        raise ValueError("There is no such time; check the day, the hour and the offset.") from None
    return bounded(moment).astimezone(JST)


def read_day(text: object) -> date:
    """A date written YYYY-MM-DD.

    Raises ValueError with one sentence for what is none, and for one outside of the years 2001 to 2098.
    """
    if not isinstance(text, str) or not _DAY.fullmatch(text):
        raise ValueError(NO_DATE)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError("There is no such day in the calendar.") from None
    return bounded(day)


def read_month(text: object) -> date:
    """The first day of a month written YYYY-MM.

    Raises ValueError with one sentence for what is none, and for one outside of the years 2001 to 2098.
    """
    if not isinstance(text, str) or not _MONTH.fullmatch(text):
        raise ValueError("Must be a month written YYYY-MM, such as 2026-11.")
    return read_day(f"{text}-01")


def bounded(when: When) -> When:
    """``when`` (a day, or an aware moment) as it came; raises ValueError outside of the years 2001 to 2098."""
    if not _FIRST_YEAR <= when.year <= _LAST_YEAR:
        raise ValueError(f"Must lie between the years {_FIRST_YEAR} and {_LAST_YEAR}.")
    return when


def too_far_ahead(moment: datetime, now: datetime, allowed: timedelta) -> str | None:
    """Why ``moment`` cannot have come yet, in one sentence; None if it lies at most ``allowed`` after ``now``.

    The likeliest cause is named: a clock that shows Japan's time and says it were UTC is nine hours ahead.
    """
    ahead = moment - now
    if ahead <= allowed:
        return None
    says = f"Lies {_duration(ahead)} in the future, and at most {_duration(allowed)} are allowed"
    if ahead <= _JST_AHEAD + allowed:
        return f"{says}; a time of Japan ends in +09:00, not in Z: correct the offset or the clock."
    return f"{says}; correct the clock or the date."


def _duration(length: timedelta) -> str:
    """Rounded up, in the largest unit that it has two of, or in minutes."""
    for unit, name in ((timedelta(days=1), "days"), (timedelta(hours=1), "hours")):
        if length >= 2 * unit:
            return f"{-(-length // unit)} {name}"
    return f"{-(-length // timedelta(minutes=1))} minutes"
