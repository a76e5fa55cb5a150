"""Days as people write them, in Japanese and English, and the date each means on the day of the order.

11/25, 11月25日, 2026.11.25, 令和8年11月25日, R8.11.25, 25日(水), 十一月二十五日, 明日, 来週月曜, Nov 25, the 25th, tomorrow, next Monday.
What has no single date is no day here: 11/31, a weekday that does not fit, 来週日曜 (a week may begin on Sunday), 5/6/2026.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from pipelines.values.calendar import is_national_holiday
from pipelines.values.day_names import SHORT_MONTHS_EN, WEEKDAYS_EN, WEEKDAYS_JA

_DAY: Final = timedelta(days=1)
_WEEK: Final = 7
#: A day without a year is one that comes within so many days: beyond, it is rather one that is over.
_WITHOUT_YEAR: Final = 180
#: A bare day of the month that is over this month is next month's only if that is near.
_WITHOUT_MONTH: Final = 14
_REIWA: Final = 2018

_NUMBERS: Final = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_MONTH: Final = r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
_EN_WEEKDAY: Final = (
    r"mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
)
_MONTHS: Final = tuple(name.lower() for name in SHORT_MONTHS_EN)
_EN_WEEKDAYS: Final = tuple(name.lower() for name in WEEKDAYS_EN)
_RELATIVE: Final[Mapping[str, int]] = {
    "本日": 0, "今日": 0, "today": 0, "明日": 1, "あした": 1, "あす": 1, "tomorrow": 1, "明後日": 2, "あさって": 2,
    "the day after tomorrow": 2, "day after tomorrow": 2,
}  # fmt: skip

_N: Final = r"\d{1,2}|[一二三四五六七八九十]{1,3}"
_START: Final = r"(?<![\d/.\-第約毎各])(?<!毎月)(?<!あと)"
_YEAR: Final = r"(?:(?P<year>20\d\d)|(?:令和|R)\s?(?P<era>\d{1,2}|元))\s?[-/.年]\s?"
#: After a day it would be a length of time, or something else: 3日間, 2日以内, 5日前, 10日分, 25日休み.
_NO_DAY: Final = r"(?!\s?(?:間|分|以内|前|後|目|毎|ごと|おき|ほど|程|くらい|ぐらい|位|かか|本|付|締|休|定休|祝|不))"
_JA_DAY: Final = rf"""
    {_START}(?:
        {_YEAR}(?P<month>\d{{1,2}})\s?[-/.月]\s?(?P<day>\d{{1,2}})(?:\s?日|(?![\d/年月日]))
      | (?P<us_month>\d{{1,2}})/(?P<us_day>\d{{1,2}})/(?P<us_year>20\d\d)(?![\d/年])
      | (?P<compact>20\d{{6}})(?![\d年月])
      | (?:(?P<rel_year>今年|本年|来年)の?\s?)?(?P<md_month>{_N})\s?(?:/|月)\s?(?P<md_day>{_N})(?:\s?日|(?![\d/年月日十]))
      | (?:(?P<rel_month>今月|来月)の?\s?)?(?P<d_day>{_N})\s?日{_NO_DAY}
      | (?P<loose_month>\d{{1,2}})(?:\.|-(?=2[5-9]|3))(?P<loose_day>\d{{1,2}})(?![\d/年月日時:]|[.\-]\d)
    )
    (?:\s?の?\s?(?:\(\s?(?P<weekday>[{WEEKDAYS_JA}])(?:曜日?)?(?P<holiday>[・/.,、]?\s?祝日?)?\s?\)|(?P<weekday2>[{WEEKDAYS_JA}])曜日?)
      |\s?\((?P<holiday2>祝日?)\))?
"""
_EN_DAY: Final = rf"""
    (?<![A-Za-z\d])(?:
      (?:(?P<en_weekday>{_EN_WEEKDAY})\.?,?\s(?:the\s)?)?
      (?: (?P<en_month>{_MONTH})\.?\s?(?:the\s)?(?P<en_day>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s(?P<en_year>20\d\d))?
        | (?:the\s)?(?P<en_day2>\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?(?P<en_month2>{_MONTH})(?:,?\s(?P<en_year2>20\d\d))?
        | (?:the\s)?(?P<th_day>\d{{1,2}})(?:st|nd|rd|th)
      )(?![\dA-Za-z/])(?:\s?\((?P<en_weekday2>{_EN_WEEKDAY})\.?\))?
    )
"""
_NEAR_DAY: Final = rf"""
      (?P<relative>本日|今日|明後日|あさって|明日|あした|あす|(?:the\s)?day\safter\stomorrow|tomorrow|today)
    | (?:(?P<which>今週|来週|再来週|今度|次)の?\s?)?(?P<near_weekday>[{WEEKDAYS_JA}])曜日?
    | (?P<which2>今週|来週|再来週)の?\s?(?P<near_weekday2>[{WEEKDAYS_JA}])(?![一-龠])
    | (?<![A-Za-z])(?:(?P<en_which>this|next|coming)\s)?(?P<en_near>{_EN_WEEKDAY})(?![A-Za-z])
"""
_SPELLED: Final = re.compile(f"(?:{_JA_DAY})|(?:{_EN_DAY})|(?:{_NEAR_DAY})", re.VERBOSE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Day:
    """A day in a text. ``day``: the date, None where it has no single one. ``full``: month and day were written, and 1/2 may not
    as well count something.
    ``certain_weekday``: the customer knew which weekday it is: by its name, as a holiday, or as tomorrow."""

    start: int
    end: int
    day: date | None
    full: bool
    certain_weekday: bool


def days_in(text: str, placed_on: date) -> Iterator[Day]:
    """The days spelled in ``text``, in order, as meant by one who orders on ``placed_on``."""
    for found in _SPELLED.finditer(text):
        part = {name: value for name, value in found.groupdict().items() if value is not None}
        day = _resolve(part, placed_on)
        weekday = _weekday(part)
        holiday = "holiday" in part or "holiday2" in part
        if day is not None and (
            (weekday is not None and day.weekday() != weekday) or (holiday and not is_national_holiday(day))
        ):
            day = None
        full = not part.keys() & {
            "d_day",
            "th_day",
            "relative",
            "near_weekday",
            "near_weekday2",
            "en_near",
            "loose_day",
        }
        full = full and not _is_fraction(part, found[0])
        near = part.keys() & {"relative", "near_weekday", "near_weekday2", "en_near"}
        yield Day(found.start(), found.end(), day, full, weekday is not None or holiday or bool(near))


def _is_fraction(part: Mapping[str, str], spelled: str) -> bool:
    """1/2 may also be the first of two; 11/25 is nothing else but a day."""
    return "md_day" in part and "/" in spelled and (_number(part["md_day"]) or 0) <= len(_MONTHS)


def same_month(day: date, number: int) -> date | None:
    """Day ``number`` of the month of ``day``: the end of a range such as 11/25~27."""
    return _date(day.year, day.month, number)


def _resolve(part: Mapping[str, str], placed_on: date) -> date | None:
    if relative := part.get("relative"):
        return placed_on + _RELATIVE[" ".join(relative.lower().split())] * _DAY
    if weekday := part.get("near_weekday") or part.get("near_weekday2"):
        return _weekday_near(WEEKDAYS_JA.index(weekday), part.get("which") or part.get("which2") or "", placed_on)
    if weekday := part.get("en_near"):
        return _weekday_near(_EN_WEEKDAYS.index(weekday[:3].lower()), part.get("en_which", "").lower(), placed_on)
    if compact := part.get("compact"):
        return _date(int(compact[:4]), int(compact[4:6]), int(compact[6:]))
    month, day = _month_and_day(part)
    if day is None:
        return None
    if month is None:
        return _day_of_month(day, part.get("rel_month", ""), placed_on)
    year = _year(part, placed_on)
    return _date(year, month, day) if year is not None else _next(month, day, placed_on)


def _month_and_day(part: Mapping[str, str]) -> tuple[int | None, int | None]:
    month = next((part[name] for name in ("month", "us_month", "md_month", "loose_month") if name in part), None)
    day = next(
        (
            part[n]
            for n in ("day", "us_day", "md_day", "d_day", "loose_day", "en_day", "en_day2", "th_day")
            if n in part
        ),
        None,
    )
    if named := part.get("en_month") or part.get("en_month2"):
        return _MONTHS.index(named[:3].lower()) + 1, _number(day)
    if "us_year" in part and month and day and month != day and int(day) <= len(_MONTHS):
        return None, None  # 5/6/2026: the fifth of June, or the sixth of May
    return _number(month), _number(day)


def _year(part: Mapping[str, str], placed_on: date) -> int | None:
    if era := part.get("era"):
        return _REIWA + (1 if era == "元" else int(era))
    if spelled := next((part[name] for name in ("year", "us_year", "en_year", "en_year2") if name in part), None):
        return int(spelled)
    relative = part.get("rel_year")
    return None if relative is None else placed_on.year + (relative == "来年")


def _next(month: int, day: int, placed_on: date) -> date | None:
    """The next such day; None where that is so far that it is rather one that is over."""
    for year in (placed_on.year, placed_on.year + 1):
        found = _date(year, month, day)
        if found is not None and found >= placed_on:
            return found if (found - placed_on).days <= _WITHOUT_YEAR else None
    return None


def _day_of_month(day: int, which: str, placed_on: date) -> date | None:
    this = _date(placed_on.year, placed_on.month, day)
    following = _date(placed_on.year + placed_on.month // 12, placed_on.month % 12 + 1, day)
    if which:
        return this if which == "今月" else following
    if this is None or this > placed_on:
        return this
    return following if following is not None and (following - placed_on).days <= _WITHOUT_MONTH else None


def _weekday_near(weekday: int, which: str, placed_on: date) -> date | None:
    """The day that every reading agrees on: weeks begin on Monday or on Sunday, 次 and ``next`` are this week or the next."""
    coming = placed_on + ((weekday - placed_on.weekday()) % _WEEK) * _DAY
    monday = placed_on - placed_on.weekday() * _DAY + weekday * _DAY
    sunday = placed_on - ((placed_on.weekday() + 1) % _WEEK) * _DAY + ((weekday + 1) % _WEEK) * _DAY
    weeks = {"来週": 1, "再来週": 2, "今週": 0, "next": 1}.get(which)
    if which in ("", "今度", "次", "coming", "this"):
        return coming if coming > placed_on else None
    assert weeks is not None
    readings = {day + weeks * _WEEK * _DAY for day in (monday, sunday)}
    if which == "next":
        readings.add(coming)
    future = {day for day in readings if day >= placed_on}
    return future.pop() if len(future) == 1 else None


def _weekday(part: Mapping[str, str]) -> int | None:
    if spelled := part.get("weekday") or part.get("weekday2"):
        return WEEKDAYS_JA.index(spelled)
    if spelled := part.get("en_weekday") or part.get("en_weekday2"):
        return _EN_WEEKDAYS.index(spelled[:3].lower())
    return None


def _number(spelled: str | None) -> int | None:
    if spelled is None:
        return None
    if spelled.isdecimal():
        return int(spelled)
    tens, ten, ones = spelled.rpartition("十")
    if (tens and tens not in _NUMBERS) or (ones and ones not in _NUMBERS) or (not ten and not ones):
        return None
    return (_NUMBERS.get(tens, 1) * 10 if ten else 0) + _NUMBERS.get(ones, 0)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
