"""One-of-a-kind goods (INT-10): what an order cannot ask of them, and the shops where every item is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from pipelines.rules.one_of_a_kind import as_sold, items_of, problems
from pipelines.rules.order import Line
from pipelines.shops import Shop
from tests.rules.build import SHOPS, a_line, an_order

SALON, REUSE = SHOPS["salon"], SHOPS["reuse"]


def bag(line: str = "1", quantity: int = 1, availability: str = "unique", sku: str = "BAG") -> Line:
    return a_line(line, quantity=quantity, availability=availability, sku=sku)


@pytest.mark.parametrize(
    ("shop", "lines", "taken", "refused"),
    [
        (SALON, [bag()], (), []),
        (SALON, [bag(quantity=3)], (), ["lines[0].quantity"]),
        (SALON, [bag()], ("BAG",), ["lines[0].sku"]),
        (SALON, [bag(), bag("2")], (), ["lines[1].sku"]),
        (SALON, [bag(), bag("2"), bag("3")], (), ["lines[1].sku", "lines[2].sku"]),
        (SALON, [bag(availability="in_stock"), bag("2")], (), ["lines[1].sku"]),
        (SALON, [bag(), bag("2", sku="WATCH")], ("RING",), []),
        (SALON, [bag(availability="in_stock", quantity=3), bag("2", availability="in_stock")], ("BAG",), []),
        (REUSE, [bag(availability="in_stock", quantity=3)], (), ["lines[0].quantity"]),
        (REUSE, [bag(availability="in_stock"), bag("2", availability="in_stock")], (), ["lines[1].sku"]),
        (REUSE, [bag(availability="in_stock")], ("BAG",), ["lines[0].sku"]),
        (REUSE, [bag(availability="backorder", quantity=3)], (), ["lines[0].quantity"]),
        (REUSE, [bag(availability="made_to_order")], ("BAG",), ["lines[0].sku"]),
        (REUSE, [bag(), bag("2", availability="backorder")], (), ["lines[1].sku"]),
        (SALON, [bag(availability="backorder", quantity=3)], ("BAG",), []),
    ],
)
def test_what_is_refused(shop: Shop, lines: Sequence[Line], taken: Sequence[str], refused: list[str]) -> None:
    """INT-10."""
    order = as_sold(an_order(shop.key, *lines), shop)
    assert [one.field for one in problems(order, taken)] == refused


def test_only_a_profile_makes_an_item_unique() -> None:
    order = an_order("salon", bag(availability="in_stock"))
    assert as_sold(order, SALON) is order
    assert items_of(as_sold(order, REUSE)) == ["BAG"]


@pytest.mark.parametrize("availability", ["in_stock", "backorder", "made_to_order", "unique"])
def test_no_storefront_can_make_an_item_of_such_a_shop_otherwise(availability: str) -> None:
    """INT-10: no back-order, and so no day to wait for."""
    waits = replace(bag(availability=availability), expected_on=date(2026, 12, 24))
    (sold,) = as_sold(an_order("reuse", waits), REUSE).lines
    assert (sold.availability, sold.expected_on) == ("unique", None)
