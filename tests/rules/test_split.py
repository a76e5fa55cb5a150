"""SPL-01, SPL-03, SPL-07, INT-11."""

from collections import Counter
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.rules.split import Part, split
from tests.rules.build import SHOPS, a_line, day

SOON = day("2026-12-10")


def test_a_drop_shipping_shop_sends_one_shipment_a_maker() -> None:
    """SPL-01: in the sequence of the order's lines."""
    lines = [a_line("1", supplier="maker-b"), a_line("2", quantity=3), a_line("3", supplier="maker-b")]
    assert split(lines, SHOPS["clinic"]) == (
        Part("maker-b", (("1", 1), ("3", 1))),
        Part("warehouse", (("2", 3),)),
    )


def test_back_orders_follow_on_their_own_where_the_shop_allows_it() -> None:
    """SPL-03."""
    lines = [
        a_line("1", availability="backorder", expected_on=SOON),
        a_line("2"),
        a_line("3", availability="made_to_order"),
        a_line("4", availability="backorder", expected_on=SOON),
    ]
    assert split(lines, SHOPS["clinic"]) == (
        Part("warehouse", (("1", 1), ("4", 1)), backorder=True, expected_on=SOON),
        Part("warehouse", (("2", 1),)),
        Part("warehouse", (("3", 1),), backorder=True),
    )


@pytest.mark.parametrize("other", [SOON + timedelta(days=5), None])
def test_elsewhere_everything_waits_for_the_last_line(other: date | None) -> None:
    """SPL-03: one shipment, expected when the last of its lines is; unknown if any of them is."""
    lines = [
        a_line("1"),
        a_line("2", availability="backorder", expected_on=SOON),
        a_line("3", availability="backorder", expected_on=other),
    ]
    (part,) = split(lines, SHOPS["salon"])
    assert (part.backorder, part.expected_on) == (True, other)


@pytest.mark.parametrize(
    ("suppliers", "sender"),
    [
        (["warehouse", "store-1"], "warehouse"),
        (["store-2"], "warehouse"),
        (["store-1", "store-3"], "warehouse"),
    ],
)
def test_reuse_gathers_goods_of_its_stores_in_the_warehouse(suppliers: list[str], sender: str) -> None:
    """INT-11, SPL-07: one cart is one shipment."""
    lines = [a_line(str(n), supplier=name, availability="unique") for n, name in enumerate(suppliers)]
    assert [part.supplier for part in split(lines, SHOPS["reuse"])] == [sender]


def test_no_lines_are_no_shipments() -> None:
    assert split([], SHOPS["salon"]) == ()


KINDS = list(
    product(
        ["warehouse", "maker-a", "store-1", "unlisted"],
        ["in_stock", "backorder", "made_to_order", "unique"],
        [None, SOON, SOON + timedelta(days=3)],
    )
)


@settings(max_examples=2_000, deadline=None)
@given(
    st.sampled_from(sorted(SHOPS)),
    st.lists(st.tuples(st.integers(1, 9_999), st.sampled_from(KINDS)), min_size=1, max_size=6),
)
def test_every_unit_is_in_exactly_one_shipment(shop: str, drawn: list[tuple[int, Any]]) -> None:
    lines = [
        a_line(str(n), quantity=pieces, supplier=supplier, availability=availability, expected_on=expected_on)
        for n, (pieces, (supplier, availability, expected_on)) in enumerate(drawn)
    ]
    sent = Counter[str]()
    for part in split(lines, SHOPS[shop]):
        assert part.lines
        sent.update(dict(part.lines))
    assert sent == {line.line: line.quantity for line in lines}
