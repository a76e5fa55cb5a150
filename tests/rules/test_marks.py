"""What a shop counts of a customer, and what follows: INT-14, INT-15, CUT-05 with CON-04."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipelines.rules.consent import way_of_coupon
from pipelines.rules.marks import Mark, counters, proposed_methods
from tests.rules.build import SHOPS, at, day, shop_with

NOW = at("2026-11-20 09:00:00")
REUSE = SHOPS["reuse"]


def ago(kind: str, days: int, seconds: int = 0) -> Mark:
    return Mark(kind, NOW - timedelta(days=days, seconds=seconds))


@pytest.mark.parametrize(
    ("marks", "counted"),
    [
        ([], (0, 0, 0)),
        ([ago("undelivered_returns", 365), ago("customer_returns", 0), ago("customer_cancels", 1)], (1, 1, 1)),
        (
            [ago("undelivered_returns", 365, 1), ago("customer_returns", -1)],
            (0, 0, 0),
        ),  # before the window, and after it
        ([ago("same_mailbox", 1), ago("methods_decided", 1)], (0, 0, 0)),
        # what an operator has decided is not counted again, but for cancels alone
        ([ago("customer_cancels", 9), ago("methods_decided", 5), ago("customer_cancels", 2)], (0, 0, 1)),
        ([ago("undelivered_returns", 9), ago("methods_decided", 5)], (1, 0, 0)),
    ],
)
def test_marks_count_in_one_window(marks: list[Mark], counted: tuple[int, int, int]) -> None:
    """INT-14, INT-15: 365 days, to the second."""
    found = counters(marks, REUSE, NOW)
    assert tuple(found.counts.values()) == counted
    assert (found.first, found.last, found.days) == (day("2025-11-20"), day("2026-11-20"), 365)


@pytest.mark.parametrize(("cancels", "limit", "reached"), [(2, 3, False), (3, 3, True), (9, 0, False)])
def test_a_limit_of_nought_is_never_reached(cancels: int, limit: int, reached: bool) -> None:
    shop = shop_with("reuse", **{"max_customer_cancels = 3": f"max_customer_cancels = {limit}"})
    found = counters([ago("customer_cancels", 1)] * cancels, shop, NOW)
    assert (found.reached(), found.reached("customer_cancels"), found.reached("customer_returns")) == (
        reached,
        reached,
        False,
    )
    assert list(proposed_methods(found, shop)) == (["card", "bank_transfer"] if reached else [])


def test_only_methods_that_the_shop_has_are_proposed() -> None:
    """INT-15."""
    shop = shop_with("reuse", **{'["card", "bank_transfer"]': '["direct_debit", "bank_transfer"]'})
    assert proposed_methods(counters([ago("customer_cancels", 1)] * 3, shop, NOW), shop) == ["bank_transfer"]


@pytest.mark.parametrize(
    ("postal_stop", "withdrawn", "way"),
    [(False, False, "post"), (True, False, "mail"), (False, True, None), (True, True, None)],
)
def test_how_the_coupon_reaches_the_customer(postal_stop: bool, withdrawn: bool, way: str | None) -> None:
    """CUT-05, CON-04, CON-06."""
    assert way_of_coupon(postal_stop=postal_stop, withdrawn=withdrawn) == way
