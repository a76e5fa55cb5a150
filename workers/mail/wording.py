"""How money, numbers, dates and times read in each locale: the filters of the mail templates.

Babel is exact but slow: it is asked once how a locale writes amounts, and every day it wrote is remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal
from jinja2 import TemplateRuntimeError

TOKYO: Final = ZoneInfo("Asia/Tokyo")
_DAY_PATTERN: Final = {"ja": "y年M月d日(E)", "en": "EEE, d MMM y"}
_MONTH_PATTERN: Final = {"ja": "y年M月", "en": "MMMM y"}


def filters(locale: str) -> Mapping[str, Callable[..., str]]:
    """The filters for ``locale`` ("ja" or "en"). Each raises TemplateRuntimeError on a value of another type.

    ``number``: int -> ``1,270``.  ``points``: int -> ``1,270ポイント`` / ``1,270 points``.  ``yen``: int, yen -> ``13,970円`` / ``¥13,970``.
    ``day``: date -> ``2026年11月20日(金)`` / ``Fri, 20 Nov 2026``.  ``month``: date -> ``2026年11月`` /
    ``November 2026``.  ``moment``: aware datetime -> the day and ``14:59`` in Tokyo.
    """

    # Babel says once how the locale writes a number and an amount; amounts vary too much to remember each.
    sample = format_decimal(1_234_567, locale=locale)
    separator = sample.replace("1", "", 1).partition("234")[0]
    before, _, after = format_currency(1_234_567, "JPY", locale=locale).partition(sample)
    if locale == "ja":
        before, after = "", "円"

    def number(value: int) -> str:
        if type(value) is not int:
            raise _refusal("number", "an int", value)
        return f"{value:,}" if separator == "," else f"{value:,}".replace(",", separator)

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
        return format_date(value, _DAY_PATTERN[locale], locale=locale)

    def moment(value: datetime) -> str:
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise _refusal("moment", "an aware datetime", value)
        here = value if value.tzinfo is TOKYO else value.astimezone(TOKYO)
        return f"{day(here.date())} {here.hour:02d}:{here.minute:02d}"

    @lru_cache(maxsize=64, typed=True)
    def month(value: date) -> str:
        if type(value) is not date:
            raise _refusal("month", "a date", value)
        return format_date(value, _MONTH_PATTERN[locale], locale=locale)

    return {"number": number, "points": points, "yen": yen, "day": day, "month": month, "moment": moment}


def _refusal(name: str, wanted: str, value: object) -> TemplateRuntimeError:
    return TemplateRuntimeError(f"the filter {name} takes {wanted}, not {type(value).__name__}")
