"""How money, numbers, dates and times read in each locale: the filters of the mail templates.

The forms and the names of days and months are those of CLDR, which the tests ask through Babel. They stand written out in `day_names`: what Babel
holds of all languages takes every process some 4 MiB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import TemplateRuntimeError

from pipelines.values.day_names import MONTHS_EN, SHORT_MONTHS_EN, WEEKDAYS_EN, WEEKDAYS_JA
from pipelines.values.honorific import called

TOKYO: Final = ZoneInfo("Asia/Tokyo")


def filters(locale: str) -> Mapping[str, Callable[..., str]]:
    """The filters for ``locale`` ("ja" or "en"). Each raises TemplateRuntimeError on a value of another type.

    ``number``: int -> ``1,270``.  ``points``: int -> ``1,270ポイント`` / ``1,270 points``.  ``yen``: int, yen -> ``13,970円`` / ``¥13,970``.
    ``day``: date -> ``2026年11月20日(金)`` / ``Fri, 20 Nov 2026``.  ``month``: date -> ``2026年11月`` /
    ``November 2026``.  ``moment``: aware datetime -> the day and ``14:59`` in Tokyo.  ``called``: an addressee -> ``サロン髙橋 御中`` / the name.
    """
    before, after = ("", "円") if locale == "ja" else ("¥", "")

    def number(value: int) -> str:
        if type(value) is not int:
            raise _refusal("number", "an int", value)
        return f"{value:,}"

    def points(value: int) -> str:
        if locale == "ja":
            return f"{number(value)}ポイント"
        return f"{number(value)} point" if value == 1 else f"{number(value)} points"

    def yen(value: int) -> str:
        if type(value) is not int:
            raise _refusal("yen", "an int", value)
        return f"-{before}{number(-value)}{after}" if value < 0 else f"{before}{number(value)}{after}"

    @lru_cache(maxsize=1024, typed=True)
    def day(value: date) -> str:
        if type(value) is not date:
            raise _refusal("day", "a date", value)
        if locale == "ja":
            return f"{value.year}年{value.month}月{value.day}日({WEEKDAYS_JA[value.weekday()]})"
        return f"{WEEKDAYS_EN[value.weekday()]}, {value.day} {SHORT_MONTHS_EN[value.month - 1]} {value.year}"

    def moment(value: datetime) -> str:
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise _refusal("moment", "an aware datetime", value)
        here = value if value.tzinfo is TOKYO else value.astimezone(TOKYO)
        return f"{day(here.date())} {here.hour:02d}:{here.minute:02d}"

    @lru_cache(maxsize=64, typed=True)
    def month(value: date) -> str:
        if type(value) is not date:
            raise _refusal("month", "a date", value)
        return f"{value.year}年{value.month}月" if locale == "ja" else f"{MONTHS_EN[value.month - 1]} {value.year}"

    def addressee(to: Mapping[str, Any]) -> str:
        return called(to, locale)

    return {
        "number": number,
        "points": points,
        "yen": yen,
        "day": day,
        "month": month,
        "moment": moment,
        "called": addressee,
    }


def _refusal(name: str, wanted: str, value: object) -> TemplateRuntimeError:
    return TemplateRuntimeError(f"the filter {name} takes {wanted}, not {type(value).__name__}")
