"""Which shipment of an order collects its money on delivery, and how much (PAY-09)."""

from __future__ import annotations

import pytest

from pipelines.rules.money.adjustments import CANCEL, adjust
from pipelines.rules.money.collecting import Candidate, Left, Which, collecting, is_brought, to_collect
from pipelines.rules.money.pricing import price
from tests.rules.build import SHOPS, a_line, an_order, at

EARLY, LATE = at("2026-11-20 08:00"), at("2026-11-24 08:00")
STOCK = Candidate("SH-B", "planned", False, LATE)
MAKER = Candidate("SH-C", "planned", False, EARLY)
BACK = Candidate("SH-A", "backordered", True, EARLY)


@pytest.mark.parametrize(
    ("why", "shipments", "which", "chosen"),
    [
        ("the first to be instructed", [STOCK, MAKER], "first", "SH-C"),
        ("the last to be instructed", [STOCK, MAKER], "last", "SH-B"),
        ("a back-order is told at once and leaves last", [BACK, STOCK], "first", "SH-B"),
        ("a back-order is last", [BACK, STOCK], "last", "SH-A"),
        ("what is cancelled goes nowhere", [STOCK, MAKER._replace(state="cancelled")], "first", "SH-B"),
        ("what is refused goes nowhere", [STOCK, MAKER._replace(state="refused")], "first", "SH-B"),
        ("what has left stays the one", [STOCK, MAKER._replace(state="shipped")], "first", "SH-C"),
        ("of one moment, the same one always", [STOCK, STOCK._replace(id="SH-A")], "first", "SH-A"),
        ("who was told stays the one", [STOCK._replace(collects=True, state="instructed"), MAKER], "first", "SH-B"),
        (
            "who was told not to is not told otherwise",
            [MAKER._replace(collects=True, state="refused"), STOCK._replace(collects=False, state="instructed"), BACK],
            "first",
            "SH-A",
        ),
        (
            "nobody is left to be told",
            [MAKER._replace(collects=True, state="refused"), STOCK._replace(collects=False, state="shipped")],
            "first",
            None,
        ),
        ("nothing goes", [BACK._replace(state="cancelled")], "first", None),
    ],
)
def test_one_shipment_collects(why: str, shipments: list[Candidate], which: Which, chosen: str | None) -> None:
    assert collecting(shipments, which) == collecting(shipments[::-1], which) == chosen, why


@pytest.mark.parametrize(
    ("why", "parcels", "brought"),
    [
        ("nothing has left", [], False),
        ("it is on its way", [Left(EARLY, "1", None, None)], True),
        ("the customer has it", [Left(EARLY, "1", "delivered", LATE)], True),
        ("it came back", [Left(EARLY, "1", "returned", LATE)], False),
        ("it is lost", [Left(EARLY, "1", "lost", LATE)], False),
        (
            "one that left beside it brings nothing",
            [Left(EARLY, "1", "lost", LATE), Left(EARLY, "2", None, None)],
            False,
        ),
        ("one that was sent for it does", [Left(EARLY, "1", "lost", EARLY), Left(LATE, "2", None, None)], True),
        ("that came back, too", [Left(EARLY, "1", "lost", EARLY), Left(LATE, "2", "returned", LATE)], False),
    ],
)
def test_whether_a_parcel_brings_the_money(why: str, parcels: list[Left], brought: bool) -> None:
    """PAY-09: what leaves while one does collects nothing."""
    assert is_brought(parcels) == is_brought(parcels[::-1]) == brought, why


def test_what_is_collected_follows_the_order() -> None:
    """What was taken out is not collected, nor the tax on it."""
    shop = SHOPS["salon"]
    breakdown = price(an_order("salon", a_line(price=10_000, quantity=2), method="cod"), shop)
    whole = to_collect(breakdown, [])
    assert whole == {"amount": breakdown.grand_total, "tax": breakdown.tax_total}
    one = adjust(breakdown, [], CANCEL, [("1", 1)])
    rest = to_collect(breakdown, [one])
    assert rest is not None
    assert rest["amount"] == breakdown.grand_total - one.money
    assert rest["tax"] < breakdown.tax_total


def test_nothing_is_collected_where_nothing_is_left_to_pay() -> None:
    """PAY-13: points covered all of it, or all of it was taken out."""
    by_points = an_order("salon", a_line(price=10_000), method="cod", points_use="all")
    assert to_collect(price(by_points, SHOPS["salon"], balance=100_000), []) is None
    breakdown = price(an_order("salon", a_line(price=10_000), method="cod"), SHOPS["salon"])
    assert to_collect(breakdown, [adjust(breakdown, [], CANCEL, [("1", 1)])]) is None
