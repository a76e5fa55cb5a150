"""Every row of formats.md B.10, and PTS-11's end of February."""

from collections.abc import Callable
from datetime import date

import pytest

from pipelines.rules.dates.periods import (
    elapsed,
    end_of,
    exclusive,
    inclusive,
    inclusive_business_days,
    last_day,
    same_day_months_later,
)
from pipelines.values.calendar import BusinessCalendar
from tests.rules.build import at, day


@pytest.mark.parametrize(
    ("rule", "count", "days", "start", "answer"),
    [
        ("receipt, dispatch day included", inclusive, 30, "2026-11-01", "2026-11-30"),
        ("return applied for", exclusive, 10, "2026-11-01", "2026-11-11"),
        ("returned goods back", exclusive, 14, "2026-11-01", "2026-11-15"),
        ("COD unclaimed", elapsed, 7, "2026-11-01", "2026-11-08"),
        ("7 days after arrival", exclusive, 7, "2026-11-03", "2026-11-10"),
        ("8 days after arrival", exclusive, 8, "2026-11-03", "2026-11-11"),
        ("1 week from dispatch", exclusive, 7, "2026-11-01", "2026-11-08"),
        ("statutory 8 days from delivery", inclusive, 8, "2026-11-01", "2026-11-08"),
    ],
)
def test_periods_are_counted_as_worded(
    rule: str, count: Callable[[date, int], date], days: int, start: str, answer: str
) -> None:
    assert count(day(start), days) == day(answer), rule


@pytest.mark.parametrize(
    ("ordered", "last_day"),
    [
        ("2026-09-17", "2026-09-24"),
        ("2026-11-20", "2026-11-25"),
        ("2026-09-19", "2026-09-28"),  # ordered on a closed day: the next open day is day 1
    ],
)
def test_three_business_days_include_the_orders_day(ordered: str, last_day: str) -> None:
    assert inclusive_business_days(day(ordered), 3, BusinessCalendar()) == day(last_day)


@pytest.mark.parametrize(
    ("start", "months", "answer"),
    [("2026-11-22", 12, "2027-11-22"), ("2028-02-29", 12, "2029-02-28"), ("2026-01-31", 1, "2026-02-28")],
)
def test_months_end_on_the_same_day_or_the_last(start: str, months: int, answer: str) -> None:
    assert same_day_months_later(day(start), months) == day(answer)


def test_a_day_ends_at_midnight_in_japan() -> None:
    assert end_of(day("2026-09-24")) == at("2026-09-25 00:00:00")
    assert last_day(end_of(day("2026-09-24"))) == day("2026-09-24")
    assert last_day(at("2026-09-25 00:00:01")) == day("2026-09-25")
