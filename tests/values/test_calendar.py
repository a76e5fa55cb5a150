"""CUT-02, CUT-03 and the golden days of formats.md B.3."""

import pytest

from pipelines.values.calendar import BusinessCalendar
from tests.rules.build import day

WEEKDAYS = BusinessCalendar()


@pytest.mark.parametrize(
    "closed",
    [
        *("2019-04-30", "2019-05-01", "2019-05-02", "2019-10-22"),  # enthronement, by special act
        *("2020-07-23", "2020-07-24", "2020-08-10", "2021-07-22", "2021-07-23", "2021-08-09"),  # Olympics moves
        *("2024-02-12", "2024-05-06", "2024-08-12", "2024-09-23", "2024-11-04"),  # substitute holidays
        *("2025-02-24", "2025-05-06", "2025-11-24", "2026-05-06", "2027-03-22"),
        "2026-09-22",  # citizens' holiday between two holidays
    ],
)
def test_golden_days_are_closed(closed: str) -> None:
    assert not WEEKDAYS.is_open(day(closed))


@pytest.mark.parametrize("open_day", ["2020-10-12", "2021-10-11", "2026-12-29", "2026-12-31", "2029-01-02"])
def test_moved_holidays_and_the_year_end_are_ordinary_days(open_day: str) -> None:
    assert WEEKDAYS.is_open(day(open_day))


def test_the_shops_own_lists_override_weekdays_and_holidays() -> None:
    calendar = BusinessCalendar(closed_dates=[day("2026-12-29")], open_dates=[day("2026-11-23"), day("2026-11-21")])
    assert not calendar.is_open(day("2026-12-29"))
    assert calendar.is_open(day("2026-11-23"))  # a holiday
    assert calendar.is_open(day("2026-11-21"))  # a Saturday


def test_a_shop_may_work_on_holidays() -> None:
    assert BusinessCalendar(national_holidays=False).is_open(day("2026-11-23"))


@pytest.mark.parametrize(
    ("start", "count", "answer"),
    [
        ("2026-09-17", 5, "2026-09-29"),  # CUT-05: about 5 business days after the first order
        ("2026-11-20", 1, "2026-11-24"),
        ("2026-11-21", 0, "2026-11-24"),  # a closed day counts from the next open one
        ("2026-11-20", 0, "2026-11-20"),
    ],
)
def test_business_days_skip_closed_days(start: str, count: int, answer: str) -> None:
    assert WEEKDAYS.add_business_days(day(start), count) == day(answer)


def test_open_days_are_found_in_both_directions() -> None:
    assert WEEKDAYS.next_open(day("2026-09-19")) == day("2026-09-24")
    assert WEEKDAYS.previous_open(day("2026-09-23")) == day("2026-09-18")
