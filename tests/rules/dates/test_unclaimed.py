"""Until when a parcel that is paid on delivery is waited for (PAY-09)."""

from __future__ import annotations

import pytest

from pipelines.rules.dates.unclaimed import unclaimed
from tests.rules.build import SHOPS, at, day, shop_with

LEFT = at("2026-11-01 15:00:00")
REUSE = SHOPS["reuse"]


@pytest.mark.parametrize(
    ("why", "status", "as_of", "cancel_at"),
    [
        ("nothing is known", None, None, "2026-11-08 00:00:00"),
        ("it could not be handed over", "attempt_failed", "2026-11-07 20:00:00", "2026-11-08 00:00:00"),
        ("it was refused", "refused", "2026-11-03 12:00:00", "2026-11-08 00:00:00"),
        ("it is being brought", "out_for_delivery", "2026-11-07 08:00:00", "2026-11-09 00:00:00"),
        ("it is kept for a redelivery", "held", "2026-11-05 08:00:00", "2026-11-09 00:00:00"),
        ("it is being brought again on the last day", "out_for_delivery", "2026-11-08 09:00:00", "2026-11-09 09:00:00"),
    ],
)
def test_an_order_ends_when_seven_days_have_elapsed(
    why: str, status: str | None, as_of: str | None, cancel_at: str
) -> None:
    """Dispatched 2026-11-01: from 2026-11-08 00:00, the last second in and the first second out; a day more while it may be
    received yet."""
    due = unclaimed(REUSE, "cod", LEFT, status, at(as_of) if as_of else None)
    assert due is not None
    assert due.cancel_at == at(cancel_at), why
    assert due.receive_by == day("2026-11-07")


@pytest.mark.parametrize(
    ("days", "remind_at"), [(2, "2026-11-05 10:00:00"), (1, "2026-11-06 10:00:00"), (6, None), (0, None)]
)
def test_the_customer_is_reminded_before_the_last_day(days: int, remind_at: str | None) -> None:
    """Never before it left, and not at all where the profile says so."""
    shop = shop_with("reuse", cod_unclaimed_days=f"cod_reminder_days = {days}\ncod_unclaimed_days")
    due = unclaimed(shop, "cod", LEFT)
    assert due is not None
    assert due.remind_at == (at(remind_at) if remind_at else None)


@pytest.mark.parametrize("method", ["card", "bank_transfer", "loan", "none"])
def test_nothing_is_claimed_where_nothing_is_collected(method: str) -> None:
    assert unclaimed(REUSE, method, LEFT) is None
