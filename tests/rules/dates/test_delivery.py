"""Until when a delivery is waited for: counted from the planned arrival, later where the parcel left later (TRK-01)."""

from __future__ import annotations

from datetime import date

import pytest

from pipelines.rules.dates.delivery import arrival, counts_as_delivered_at, overdue_at, receive_by
from tests.rules.build import at, plain_shop

FRIDAY, SATURDAY, MONDAY, TUESDAY = (date(2026, 11, day) for day in (20, 21, 23, 24))


@pytest.mark.parametrize(
    ("dispatch_on", "arrive_on", "shipped_at", "arrives"),
    [
        (FRIDAY, SATURDAY, "2026-11-20 16:00:00", SATURDAY),
        (FRIDAY, MONDAY, "2026-11-19 16:00:00", MONDAY),
        (FRIDAY, SATURDAY, "2026-11-23 00:00:00", TUESDAY),
    ],
    ids=["on its day", "earlier", "three days late"],
)
def test_a_parcel_arrives_as_much_later_as_it_left(
    dispatch_on: date, arrive_on: date, shipped_at: str, arrives: date
) -> None:
    assert arrival(dispatch_on, arrive_on, at(shipped_at)) == arrives


def test_a_parcel_without_a_number_counts_after_the_days_of_the_profile() -> None:
    shop = plain_shop("[delivery]\ndelivered_after_days = 2")
    assert counts_as_delivered_at(shop, SATURDAY) == at("2026-11-24 00:00:00")


def test_news_of_a_parcel_puts_its_day_off() -> None:
    shop = plain_shop("[delivery]\noverdue_after_days = 3")
    left = at("2026-11-20 16:00:00")
    assert overdue_at(shop, SATURDAY, left) == at("2026-11-25 00:00:00")
    assert overdue_at(shop, SATURDAY, at("2026-11-24 09:00:00")) == at("2026-11-28 00:00:00")


@pytest.mark.parametrize(
    ("carrier", "status", "last"),
    [
        ("yamato", "attempt_failed", date(2026, 11, 26)),
        ("yamato", "held", date(2026, 11, 26)),
        ("japan_post", "attempt_failed", date(2026, 11, 26)),
        ("sagawa", "attempt_failed", date(2026, 11, 27)),
        ("yamato", "out_for_delivery", None),
        ("yamato", "refused", None),
        ("seino", "attempt_failed", None),
        ("maker_van", "attempt_failed", None),
        ("nobody knows", "attempt_failed", None),
        (None, "attempt_failed", None),
    ],
)
def test_a_carrier_keeps_a_parcel_for_its_days_that_of_the_attempt_included(
    carrier: str | None, status: str, last: date | None
) -> None:
    """B.4.5: Yamato and Japan Post 7 days, Sagawa 8; nobody is told a day that no source names."""
    assert receive_by(carrier, status, at("2026-11-20 23:59:59")) == last
