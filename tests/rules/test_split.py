"""SPL-01, SPL-03, SPL-07, INT-11."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.rules.order import Line
from pipelines.rules.split import Package, Part, merged, split
from pipelines.shops import Shop
from pipelines.shops.load import ProfileErrors
from tests.examples import examples
from tests.rules.build import SHOPS, a_line, day, plain_shop

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


@settings(max_examples=examples(2_000), deadline=None)
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


def links(*names: str, supplier: str = "", **split_: str) -> Shop:
    """A shop that drop-ships, with these links after ``source``."""
    chain = ", ".join(f'"{name}"' for name in ("source", *names))
    more = "\n".join(f"{name} = {value}" for name, value in split_.items())
    return plain_shop(f"[split]\ndrop_ship = true\nchain = [{chain}]\n{more}\n[suppliers.warehouse]\n{supplier}\n")


def flagged(line: str, *flags: str, **changes: Any) -> Line:
    return a_line(line, flags=frozenset(flags), **changes)


def contents(lines: list[Line], shop: Shop) -> list[list[tuple[str, int]]]:
    return [list(part.lines) for part in split(lines, shop)]


def test_frozen_chilled_and_other_goods_travel_apart() -> None:
    lines = [flagged("1", "frozen"), flagged("2"), flagged("3", "chilled"), flagged("4", "frozen", "chilled")]
    assert contents(lines, links("temperature")) == [[("1", 1), ("4", 1)], [("2", 1)], [("3", 1)]]
    assert len(contents(lines, links())) == 1  # only where the profile says so


def test_goods_that_are_prepared_go_before_those_that_take_longer() -> None:
    shop = plain_shop(
        '[split]\nchain = ["source", "home", "promise"]\n[suppliers.warehouse]\n[suppliers.store-1]\nships_via = "warehouse"\nlead_days = 2'
    )
    assert contents([a_line("1", supplier="store-1"), a_line("2")], shop) == [[("1", 1)], [("2", 1)]]


@pytest.mark.parametrize(
    ("lines", "parcels"),
    [
        ([flagged("1", "food"), flagged("2", "chemical"), flagged("3")], [[("1", 1), ("3", 1)], [("2", 1)]]),
        ([flagged("1", "food"), flagged("2", "food")], [[("1", 1), ("2", 1)]]),
        ([flagged("1"), flagged("2", "liquid_alone"), flagged("3")], [[("1", 1), ("3", 1)], [("2", 1)]]),
        (
            [flagged("1", "liquid_alone", quantity=3)],
            [[("1", 3)]],
        ),  # with nothing else, and its own pieces are nothing else
        ([flagged("1", "liquid_alone"), flagged("2", "liquid_alone")], [[("1", 1)], [("2", 1)]]),
        ([flagged("1", "food", "chemical"), flagged("2")], [[("1", 1), ("2", 1)]]),
    ],
)
def test_what_may_not_travel_together(lines: list[Line], parcels: list[list[tuple[str, int]]]) -> None:
    shop = links("together", apart='[["liquid_alone"], ["food", "chemical"]]')
    assert contents(lines, shop) == parcels


@pytest.mark.parametrize(
    ("lines", "parcels"),
    [
        ([a_line("1", quantity=7, weight_g=4_000)], [[("1", 5)], [("1", 2)]]),
        ([a_line("1", quantity=2, weight_g=8_000), a_line("2", quantity=3, weight_g=2_000)], [[("1", 2), ("2", 2)], [("2", 1)]]),
        ([a_line("1", weight_g=25_000), a_line("2", weight_g=1_000)], [[("1", 1)], [("2", 1)]]),  # too heavy: alone
        ([a_line("1", quantity=99), a_line("2", weight_g=20_000)], [[("1", 99), ("2", 1)]]),  # nobody told its weight
        ([a_line("1", quantity=2, size_cm=161), a_line("2")], [[("1", 1)], [("1", 1)], [("2", 1)]]),
        ([a_line("1", quantity=2, size_cm=160), a_line("2")], [[("1", 2), ("2", 1)]]),
    ],
)  # fmt: skip
def test_parcels_are_what_their_carrier_takes(lines: list[Line], parcels: list[list[tuple[str, int]]]) -> None:
    assert contents(lines, links("limits", supplier="parcel_weight_g = 20000\nparcel_size_cm = 160")) == parcels


def test_nothing_stays_apart_without_need() -> None:
    """Links that follow one another leave more packages than the whole chain asks for; those are merged."""
    shop = links("together", "limits", apart='[["food", "chemical"]]', supplier="parcel_weight_g = 1000")
    lines = (flagged("1", "food"), flagged("2"))
    loose = (Package("warehouse", lines[:1]), Package("warehouse", lines[1:]))
    assert merged(loose, shop) == (Package("warehouse", lines),)
    strict = (Package("warehouse", lines[:1]), Package("warehouse", (flagged("3", "chemical"),)))
    assert merged(strict, shop) == strict


_LINKS = ("availability", "temperature", "promise", "together", "limits")


@given(
    drawn=st.lists(
        st.tuples(
            st.integers(1, 9),
            st.sets(st.sampled_from(("frozen", "chilled", "food", "chemical", "liquid_alone"))),
            st.sampled_from(("warehouse", "maker-a")),
            st.one_of(st.none(), st.integers(1, 30_000)),
            st.one_of(st.none(), st.integers(1, 200)),
            st.sampled_from(("in_stock", "backorder")),
        ),
        min_size=1,
        max_size=8,
    ),
    order=st.permutations(_LINKS),
    count=st.integers(0, len(_LINKS)),
)
@settings(max_examples=examples(150), deadline=None)
def test_every_piece_is_in_exactly_one_package_whatever_the_chain(
    drawn: list[Any], order: list[str], count: int
) -> None:
    """And merging again changes nothing."""
    lines = [
        a_line(str(n), quantity=pieces, flags=frozenset(flags), supplier=who, weight_g=weight, size_cm=size, availability=kind)
        for n, (pieces, flags, who, weight, size, kind) in enumerate(drawn)
    ]  # fmt: skip
    limits = "parcel_weight_g = 20000\nparcel_size_cm = 160"
    shop = links(*order[:count], supplier=limits, apart='[["liquid_alone"], ["food", "chemical"]]')
    parts = split(lines, shop)
    assert all(len({line for line, _ in part.lines}) == len(part.lines) for part in parts)
    counted = Counter[str]()
    for part in parts:
        counted.update(dict(part.lines))
    assert counted == {line.line: line.quantity for line in lines}
    by_id = {line.line: line for line in lines}
    packages = tuple(
        Package(part.supplier, tuple(replace(by_id[line], quantity=pieces) for line, pieces in part.lines))
        for part in parts
    )
    once = merged(packages, shop)
    assert merged(once, shop) == once
    assert len(once) <= len(packages)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('chain = ["home", "source"]', "split.chain"),
        ('chain = ["source", "limits", "limits"]', "split.chain"),
        ('apart = [["a", "b", "c"]]', "split.apart"),
    ],
)
def test_a_chain_that_cannot_be_gone_through_is_refused(text: str, key: str) -> None:
    with pytest.raises(ProfileErrors) as refused:
        plain_shop(f"[split]\n{text}\n")
    assert [name for _, name, _ in refused.value.entries] == [key]
