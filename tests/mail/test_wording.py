"""Money, numbers, days and times as a reader of each locale writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal
from jinja2 import TemplateRuntimeError

from workers.mail.wording import filters

FRIDAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("locale", "name", "value", "reads"),
    [
        ("ja", "yen", 13970, "13,970円"),
        ("en", "yen", 13970, "¥13,970"),
        ("ja", "yen", 0, "0円"),
        ("ja", "number", 1270, "1,270"),
        ("ja", "points", 1270, "1,270ポイント"),
        ("en", "points", 1270, "1,270 points"),
        ("en", "points", 1, "1 point"),
        ("ja", "day", FRIDAY, "2026年11月20日(金)"),
        ("en", "day", FRIDAY, "Fri, 20 Nov 2026"),
        ("ja", "moment", datetime(2026, 11, 20, 15, 30, tzinfo=UTC), "2026年11月21日(土) 00:30"),
        ("en", "moment", datetime(2026, 11, 20, 5, 59, tzinfo=UTC), "Fri, 20 Nov 2026 14:59"),
    ],
)
def test_how_a_value_reads(locale: str, name: str, value: object, reads: str) -> None:
    assert filters(locale)[name](value) == reads


@pytest.mark.parametrize(("locale", "pattern"), [("ja", "y年M月d日(E)"), ("en", "EEE, d MMM y")])
def test_every_day_of_a_leap_year_reads_as_cldr_has_it(locale: str, pattern: str) -> None:
    days = [date(2028, 1, 1) + timedelta(days=after) for after in range(366)]
    written = filters(locale)
    assert [written["day"](day) for day in days] == [format_date(day, pattern, locale=locale) for day in days]


@pytest.mark.parametrize(("locale", "pattern"), [("ja", "y年M月"), ("en", "MMMM y")])
def test_every_month_reads_as_cldr_has_it(locale: str, pattern: str) -> None:
    months = [date(2026, month, 1) for month in range(1, 13)]
    written = filters(locale)
    assert [written["month"](month) for month in months] == [
        format_date(month, pattern, locale=locale) for month in months
    ]


@pytest.mark.parametrize("value", [0, 7, 999, 1_000, 1_234_567, -13_970])
def test_numbers_and_amounts_read_as_cldr_has_them_but_for_the_sign_of_the_yen_in_japanese(value: int) -> None:
    for locale in ("ja", "en"):
        assert filters(locale)["number"](value) == format_decimal(value, locale=locale)
    assert filters("en")["yen"](value) == format_currency(value, "JPY", locale="en")
    assert filters("ja")["yen"](value) == format_currency(value, "JPY", "#,##0円", locale="ja")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("yen", 13970.0),
        ("yen", "13970"),
        ("yen", True),
        ("points", 1.5),
        ("day", "2026-11-20"),
        ("day", datetime(2026, 11, 20, 15, 30, tzinfo=UTC)),
        ("moment", FRIDAY),
        ("moment", datetime(2026, 11, 20, 15, 30)),  # noqa: DTZ001
    ],
)
def test_a_value_of_another_type_is_refused(name: str, value: object) -> None:
    with pytest.raises(TemplateRuntimeError, match=f"the filter .* takes .*, not {type(value).__name__}"):
        filters("ja")[name](value)
