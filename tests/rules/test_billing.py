"""TAX-02, B.1.2, B.1.3: the bill of a month."""

from __future__ import annotations

import pytest

from pipelines.rules.billing import Bill, BilledOrder, bill, billed
from pipelines.rules.money.adjustments import SHORT, adjust
from pipelines.rules.money.breakdown import TaxAmount
from pipelines.rules.money.pricing import price
from tests.rules.build import SHOPS, a_line, an_order, day, plain_shop

CLINIC = SHOPS["clinic"]


def an_entry(goods: int, *, rate: int = 10, shop: str = "clinic") -> BilledOrder:
    sums = price(an_order(shop, a_line(price=goods, tax_rate=rate)), SHOPS[shop])
    return billed("N-1", day("2026-11-20"), "direct_debit", sums, [])


def bill_of(
    *orders: BilledOrder,
    display: str = "ex_tax",
    rounding: str = "half_up",
    points: str = "discount",
    unit: str = "billing_month",
) -> Bill:
    return bill(orders, display=display, rounding=rounding, points_treatment=points, tax_unit=unit)


@pytest.mark.parametrize(
    ("unit", "goods", "shown", "on_the_bill"),
    [
        ("billing_month", 1_005, 303, 302),
        ("billing_month", 1_004, 300, 301),
        ("order", 1_005, 303, 303),
        ("order", 1_004, 300, 300),
    ],
)
def test_tax_is_rounded_in_the_document_that_states_it(unit: str, goods: int, shown: int, on_the_bill: int) -> None:
    """TAX-02: clinic, three orders, 10 %, half-up; where each order is an invoice of its own, the bill sums up what they state."""
    made = bill_of(*[an_entry(goods)] * 3, rounding=CLINIC.price.rounding, unit=unit)
    assert (made.shown_tax, made.tax_total) == (shown, on_the_bill)
    assert made.total == made.due == 3 * goods + on_the_bill


def test_every_rate_is_its_own() -> None:
    """B.1.2: 1,234 at 10 %, 987 and 55 at 8 %."""
    made = bill_of(an_entry(1_234), an_entry(987, rate=8), an_entry(55, rate=8), rounding="ceil")
    assert made.tax == (TaxAmount(10, 1_234, 124), TaxAmount(8, 1_042, 84))


def test_prices_that_contain_their_tax() -> None:
    """TAX-03."""
    made = bill_of(
        *[BilledOrder("N", day("2026-11-20"), "direct_debit", {10: 1_000}, {10: 90}, 0)] * 3, display="tax_included"
    )
    assert (made.tax_total, made.total) == (273, 3_000)


@pytest.mark.parametrize(("treatment", "gross"), [("discount", {10: 539, 8: 530}), ("payment", {10: 550, 8: 540})])
def test_points_on_a_bill(treatment: str, gross: dict[int, int]) -> None:
    """B.1.3: 540 and 550 yen, 21 points."""
    order = BilledOrder("N", day("2026-11-20"), "direct_debit", {10: 550, 8: 540}, {10: 50, 8: 40}, 21)
    made = bill_of(order, display="tax_included", points=treatment)
    assert (made.due, made.after_points) == (1_069, gross)


def test_what_was_taken_out_is_not_billed() -> None:
    """INT-13."""
    sums = price(an_order("plain", a_line("1", 1_000), a_line("2", 500)), plain_shop())
    entry = billed("N-1", day("2026-11-20"), "direct_debit", sums, [adjust(sums, [], SHORT, [("2", 1)])])
    assert (entry.bases, entry.shown_tax) == ({10: 1_000}, 100)


def test_a_month_without_orders() -> None:
    made = bill_of()
    assert (made.tax, made.due) == ((), 0)
