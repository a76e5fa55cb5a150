"""CUT-01 to CUT-04, SPL-01, SPL-03, INT-11: the promise before the order is the plan of the order, and exact to the second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.methods import METHODS
from pipelines.orders.plan import Assume, plan
from pipelines.rules.dates.capacity import Load
from pipelines.rules.dates.cutoff import plan_dispatch
from pipelines.rules.dates.promise import Promise, Wanted, promises, right_until
from pipelines.rules.order import Line
from pipelines.rules.routing import routed
from pipelines.rules.split import split
from pipelines.shops import Shop
from tests.rules.build import SHOPS, a_line, an_order, at, day, plain_shop
from tests.rules.dates.test_dispatch_days import shops

_SECOND = timedelta(seconds=1)
_AICHI = "愛知県"


def promised(shop: Shop, asked_at: str | datetime, *lines: Line, load: Load | None = None, **how: str) -> Promise:
    moment = at(asked_at) if isinstance(asked_at, str) else asked_at
    wanted = Wanted(lines or (a_line(),), **{"region": _AICHI, "locale": "en", **how})
    return promises(wanted, shop, moment, load or Load())[0]


@pytest.mark.parametrize(
    ("shop", "asked_at", "dispatched", "order_by", "left", "same_day"),
    [
        # the contract's example
        ("salon", "2026-11-20 13:37:00", "2026-11-20", "2026-11-20 15:00:00", 4_980, True),
        ("salon", "2026-11-20 15:00:00", "2026-11-20", "2026-11-20 15:00:00", 0, True),
        ("salon", "2026-11-20 15:00:00.900000", "2026-11-20", "2026-11-20 15:00:00", 0, True),
        ("salon", "2026-11-20 15:00:01", "2026-11-24", "2026-11-24 15:00:00", 345_599, False),  # CUT-02: Mon 23 is a holiday
        ("clinic", "2026-11-20 12:00:01", "2026-11-24", "2026-11-24 12:00:00", 345_599, False),
        ("clinic", "2026-05-01 12:30:00", "2026-05-07", "2026-05-07 12:00:00", 516_600, False),  # 6 May: substitute
        ("salon", "2026-09-18 15:00:01", "2026-09-24", "2026-09-24 15:00:00", 518_399, False),  # 22 Sep: citizens'
        ("salon", "2026-12-28 15:00:01", "2027-01-05", "2027-01-05 15:00:00", 691_199, False),  # CUT-03
    ],
)  # fmt: skip
def test_until_when_to_order_for_which_day(
    shop: str, asked_at: str, dispatched: str, order_by: str, left: int, same_day: bool
) -> None:
    """CUT-01 to CUT-03, the vectors of the planned day."""
    answer = promised(SHOPS[shop], asked_at)
    assert (answer.dispatch_on, answer.order_by) == (day(dispatched), at(order_by))
    assert (answer.seconds_left, answer.same_day) == (left, same_day)


def test_an_exclusive_cutoff_ends_a_second_earlier() -> None:
    """CUT-01."""
    shop = plain_shop("[calendar]\ncutoff_inclusive = false")
    assert promised(shop, "2026-11-20 10:00:00").order_by == at("2026-11-20 14:59:59")


@pytest.mark.parametrize(
    ("line", "dispatched", "order_by"),
    [
        # INT-11: two business days to prepare; each cutoff moves the day
        (a_line(supplier="store-1"), "2026-11-25", "2026-11-20 15:00:00"),
        # the goods come first: whoever orders until the cutoff of that day has them on it
        (a_line(availability="backorder", expected_on=day("2026-12-10")), "2026-12-10", "2026-12-10 15:00:00"),
        (a_line(availability="backorder", expected_on=day("2026-12-12")), "2026-12-14", "2026-12-14 15:00:00"),
    ],
)
def test_goods_that_are_not_at_hand(line: Line, dispatched: str, order_by: str) -> None:
    answer = promised(SHOPS["reuse"], "2026-11-20 10:00:00", line)
    assert (answer.dispatch_on, answer.order_by) == (day(dispatched), at(order_by))


def test_what_nobody_can_promise_is_not_promised() -> None:
    """SPL-03: a back-order without a date."""
    answer = promised(SHOPS["clinic"], "2026-11-20 10:00:00", a_line(availability="backorder"))
    assert (answer.dispatch_on, answer.order_by, answer.seconds_left, answer.same_day) == (None, None, None, False)
    assert [why.rule for why in answer.because] == ["backorder"]


def test_a_method_that_waits_for_money_counts_from_then() -> None:
    """CUT-01: the promise holds for an order whose money is in by then, and says so."""
    answer = promised(SHOPS["salon"], "2026-11-20 10:00:00", method="bank_transfer")
    assert answer.order_by == at("2026-11-20 15:00:00")
    assert answer.because[0].says.startswith("Payment confirmed by the 15:00 cutoff")


def test_without_a_region_no_arrival_is_promised() -> None:
    """B.4.6: nobody knows how far it goes."""
    near, unknown = (promised(SHOPS["salon"], "2026-11-20 10:00:00", region=one) for one in (_AICHI, ""))
    assert (near.arrive_on, unknown.arrive_on) == (day("2026-11-21"), None)
    assert [why.rule for why in unknown.because] == ["cutoff", "no_region"]


def test_a_full_day_moves_promise_and_deadline_on() -> None:
    shop = plain_shop("[suppliers.warehouse]\ncapacity = 5")
    answer = promised(shop, "2026-11-20 10:00:00", load=Load.of({("warehouse", day("2026-11-20")): 5}))
    assert (answer.dispatch_on, answer.order_by) == (day("2026-11-24"), at("2026-11-24 15:00:00"))


def test_a_cart_has_one_promise_a_parcel() -> None:
    """SPL-01, SPL-03: as its order would be split."""
    lines = (
        a_line("1"),
        a_line("2", supplier="maker-a"),
        a_line("3", availability="backorder", expected_on=day("2026-12-10")),
    )
    found = promises(Wanted(lines, _AICHI), SHOPS["clinic"], at("2026-11-20 10:00:00"))
    assert [(one.part.supplier, one.part.lines) for one in found] == [
        (part.supplier, part.lines) for part in split(lines, SHOPS["clinic"])
    ]
    assert found[2].dispatch_on == day("2026-12-10")


_CART = plain_shop(
    """[split]
    chain = ["source", "availability", "temperature", "together", "limits"]
    allow_split_backorder = true
    apart = [["liquid_alone"], ["food", "chemical"]]
    routing = ["goods", "company", "day"]
    [suppliers.warehouse]
    capacity = 2
    parcel_weight_g = 10000
    parcel_size_cm = 120
    [suppliers.maker-a]
    lead_days = 2
    skus = ["A-"]
    """.replace("\n    ", "\n")
)


@given(
    st.lists(
        st.tuples(
            st.integers(1, 4),
            st.sets(st.sampled_from(("frozen", "chilled", "food", "chemical", "liquid_alone")), max_size=2),
            st.sampled_from(("warehouse", "maker-a", "")),
            st.sampled_from(("A-1", "B-1")),
            st.sampled_from((None, 4_000, 12_000)),
            st.sampled_from((None, 60, 150)),
            st.sampled_from((None, "2026-12-10")),
        ),
        min_size=1,
        max_size=5,
    ),
    st.datetimes(at("2026-11-18 00:00:00").replace(tzinfo=None), at("2026-11-25 00:00:00").replace(tzinfo=None)),
    st.integers(0, 2),
)
@settings(max_examples=60, deadline=None)
def test_a_cart_s_parcels_are_those_of_its_order(drawn: list[Any], moment: datetime, taken: int) -> None:
    """SPL-01, SPL-03: the same parcels, each with the same day, and until `order_by` alone; lines that name no supplier go to whom the
    order's would, and parcels of one supplier take its places one after another."""
    lines = tuple(
        a_line(
            str(place),
            sku=sku,
            quantity=pieces,
            flags=frozenset(flags),
            supplier=who,
            weight_g=weight,
            size_cm=size,
            availability="backorder" if expected else "in_stock",
            expected_on=day(expected) if expected else None,
        )
        for place, (pieces, flags, who, sku, weight, size, expected) in enumerate(drawn)
    )
    load = {("warehouse", day("2026-11-20")): taken}
    now = at(str(moment))

    def ordered(asked_at: datetime) -> list[tuple[object, object]]:
        order = routed(an_order("plain", *lines, placed_at=str(asked_at.replace(tzinfo=None))), _CART)
        found = plan(order, _CART, Assume(now=asked_at, load=Load.of(load))).shipments
        return [(one.part, one.dispatch.dispatch_on) for one in found]

    promised = promises(Wanted(lines, _AICHI), _CART, now, Load.of(load))
    assert [(one.part, one.dispatch_on) for one in promised] == ordered(now)
    for place, one in enumerate(promised):
        assert one.order_by is not None
        assert ordered(one.order_by)[place] == (one.part, one.dispatch_on)
        assert ordered(one.order_by + _SECOND)[place] != (one.part, one.dispatch_on)


@pytest.mark.parametrize(
    ("asked_at", "changes"),
    [
        ("2026-11-20 13:37:00", "2026-11-20 15:00:00"),  # the last second that counts
        ("2026-11-20 15:00:01", "2026-11-21 00:00:00"),  # the same promise in other words: it is a closed day now
    ],
)
def test_how_long_an_answer_stays_right(asked_at: str, changes: str) -> None:
    answer = promised(SHOPS["salon"], asked_at)
    assert right_until([answer], at(asked_at)) == at(changes)


@given(
    shops(),
    st.datetimes(at("2026-11-01 00:00:00").replace(tzinfo=None), at("2027-01-31 00:00:00").replace(tzinfo=None)),
    st.dictionaries(st.dates(day("2026-11-01"), day("2027-02-20")), st.integers(0, 3), max_size=30),
    st.sampled_from([None, "2026-12-10", "2027-02-01"]),
    st.sampled_from(["card", "bank_transfer"]),
)
def test_the_promise_is_the_plan_and_its_deadline_is_exact(
    shop: Shop, moment: datetime, taken: dict[object, int], expected: str | None, method: str
) -> None:
    """An order of any moment up to `order_by` is planned for the promised day; a second later it is planned for a later one."""
    asked_at, load = at(str(moment)), Load.of({("maker", one): n for one, n in taken.items()})  # type: ignore[misc]
    goods = {"availability": "backorder", "expected_on": day(expected)} if expected else {}
    line = a_line(supplier="maker", **goods)  # type: ignore[arg-type]
    answer = promised(shop, asked_at, line, load=load, method=method)
    planned = _planner(shop, line, load, method)
    assert answer.order_by is not None
    assert asked_at < answer.order_by + _SECOND
    assert (answer.dispatch_on, answer.because) == planned(asked_at)
    assert answer.dispatch_on == planned(answer.order_by)[0]
    assert answer.dispatch_on == planned(asked_at + (answer.order_by - asked_at) / 2)[0]
    assert answer.dispatch_on < planned(answer.order_by + _SECOND)[0]
    assert METHODS[method].secured_by.is_awaited == (method == "bank_transfer")


def _planner(shop: Shop, line: Line, load: Load, method: str) -> Callable[[datetime], tuple[object, object]]:
    def planned(moment: datetime) -> tuple[object, object]:
        order = replace(an_order("plain", line, method=method), placed_at=moment)
        (part,) = split(order.lines, shop)
        plan = plan_dispatch(part, order, shop, counts_at=moment, load=load)
        return plan.dispatch_on, plan.because

    return planned
