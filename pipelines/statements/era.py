"""Days with two digits of a year: of the era, as the Zengin records have them (08 is Reiwa 8, 2026), or of the western one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

_ERA: Final = 2018
_WESTERN: Final = 2000
#: The two readings of a year are eighteen years apart: of one that is not older than this, only one can be meant.
_OLDEST: Final = timedelta(days=3653)
#: Clocks differ, and banks prepare a file in the evening for the day after.
_AHEAD: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Years:
    """How a file writes years: ``base`` is the year 00, ``made_on`` the day on which it was made."""

    base: int
    made_on: date

    def read(self, text: str) -> date | None:
        """The day that six digits name, None if they name none."""
        return _day(text, self.base)

    def holds(self, day: date) -> bool:
        """Whether a movement of that day can be in the file."""
        return self.made_on - _OLDEST <= day <= self.made_on + _AHEAD


def years_of(made_on: str, today: date) -> Years | None:
    """How the years of a file are meant that was made on this day of six digits: in the way that makes it a day of the past ten
    years; None if it is none in either."""
    for base in (_ERA, _WESTERN):
        day = _day(made_on, base)
        if day is not None and today - _OLDEST <= day <= today + _AHEAD:
            return Years(base, day)
    return None


def _day(text: str, base: int) -> date | None:
    if len(text) != 6 or not (text.isascii() and text.isdecimal()):
        return None
    try:
        return date(base + int(text[:2]), int(text[2:4]), int(text[4:]))
    except ValueError:
        return None
