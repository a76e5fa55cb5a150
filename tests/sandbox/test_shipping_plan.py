"""What a simulated supplier reports: repeatable, complete, with numbers that a carrier could have given."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.carriers import carrier
from workers.sandbox.contradictions import is_contradiction
from workers.sandbox.faults import Faults
from workers.sandbox.shipping_plan import FAULTS, Habits, Sending, plan

NOW = datetime.fromisoformat("2026-11-20T10:00:00+09:00")
LINES = st.lists(st.integers(1, 5), min_size=1, max_size=4)


def request(quantities: list[int], dispatch_on: str | None = "2026-11-20", **more: Any) -> dict[str, Any]:
    lines = [{"line": str(n), "quantity": quantity} for n, quantity in enumerate(quantities, 1)]
    return {"shipment": "SH-1", "supplier": "warehouse", "dispatch_on": dispatch_on, "lines": lines, **more}


def planned(
    quantities: list[int],
    *,
    seed: int = 1,
    attempt: int = 1,
    dispatch_on: str | None = "2026-11-20",
    no_tracking: bool = False,
    collect: dict[str, int] | None = None,
    **faults: float,
) -> list[Sending]:
    switches = Faults(FAULTS)
    switches.set(faults)
    habits = Habits(no_tracking=no_tracking)
    asked = request(quantities, dispatch_on, collect=collect)
    return plan(asked, attempt=attempt, now=NOW, seed=seed, habits=habits, faults=switches)


def of_type(sendings: list[Sending], kind: str) -> list[Sending]:
    return [sending for sending in sendings if sending.event.type == kind]


@given(quantities=LINES, seed=st.integers(0, 10_000))
def test_the_parcels_hold_exactly_what_was_asked_for(quantities: list[int], seed: int) -> None:
    sent: Counter[str] = Counter()
    for parcel in of_type(planned(quantities, seed=seed, split_rate=0.5), "shipment.shipped"):
        for line in parcel.event.data["lines"]:
            assert line["quantity"] > 0
            sent[line["line"]] += line["quantity"]
    assert sent == {str(n): quantity for n, quantity in enumerate(quantities, 1)}


@given(seed=st.integers(0, 10_000))
def test_tracking_numbers_pass_the_carriers_check(seed: int) -> None:  # TRK-03
    parcels = of_type(planned([1, 2], seed=seed), "shipment.shipped")
    assert parcels
    for parcel in parcels:
        assert carrier("yamato").check(parcel.event.data["tracking_number"]) is None


@given(seed=st.integers(0, 10_000), attempt=st.integers(1, 3))
def test_the_same_seed_tells_the_same_story_under_the_same_ids(seed: int, attempt: int) -> None:
    first = planned([1, 2], seed=seed, attempt=attempt, duplicate_rate=0.3)
    assert planned([1, 2], seed=seed, attempt=attempt, duplicate_rate=0.3) == first
    ids = [sending.event.id for sending in first]
    assert len(set(ids)) == len(ids)


def test_without_faults_a_parcel_goes_its_way_in_order() -> None:
    sendings = planned([1], split_rate=0)
    assert [sending.event.type for sending in sendings] == [
        "shipment.acknowledged",
        "shipment.shipped",
        "shipment.tracking_updated",
        "shipment.tracking_updated",
        "shipment.delivered",
    ]
    assert all(NOW < sending.at < NOW + timedelta(hours=12) for sending in sendings)


@pytest.mark.parametrize(
    ("dispatch_on", "not_before"),
    [
        (None, "2026-11-20T10:00:00+09:00"),
        ("2026-11-19", "2026-11-20T10:00:00+09:00"),
        ("2026-11-20", "2026-11-20T10:00:00+09:00"),
        ("2026-11-24", "2026-11-24T09:00:00+09:00"),
    ],
)
def test_nothing_ships_before_its_day(dispatch_on: str | None, not_before: str) -> None:
    [parcel] = of_type(planned([1], split_rate=0, dispatch_on=dispatch_on), "shipment.shipped")
    delay = parcel.at - datetime.fromisoformat(not_before)
    assert timedelta(minutes=20) <= delay <= timedelta(minutes=90)


@given(seed=st.integers(0, 10_000))
def test_a_supplier_that_often_gives_no_number_still_reports_what_left(seed: int) -> None:  # TRK-01
    sendings = planned([1], seed=seed, split_rate=0, no_tracking=True)
    [parcel] = of_type(sendings, "shipment.shipped")
    untracked = parcel.event.data["tracking_number"] is None
    assert len(of_type(sendings, "shipment.tracking_updated")) == (0 if untracked else 2)
    assert len(of_type(sendings, "shipment.delivered")) == 1


def test_a_refusal_is_the_end_of_the_story() -> None:
    [refusal] = planned([1], refuse_rate=1)
    assert (refusal.event.type, refusal.event.data["shipment"]) == ("shipment.refused", "SH-1")


def test_late_reordered_and_repeated_events_say_what_the_plain_ones_say() -> None:
    plain = {sending.event.id: sending.event for sending in planned([1], split_rate=0)}
    switched: list[dict[str, Any]] = [{"duplicate_rate": 1.0}, {"reorder_rate": 1.0}, {"late_rate": 1.0}]
    for switches in switched:
        disturbed = planned([1], split_rate=0, **switches)
        assert {sending.event.id: sending.event for sending in disturbed} == plain
    assert {sending.copies for sending in planned([1], duplicate_rate=1)} == {2}
    orders_of_arrival = {
        tuple(sending.event.type for sending in planned([1], seed=seed, split_rate=0, reorder_rate=0.5))
        for seed in range(20)
    }
    assert len(orders_of_arrival) > 1


def types(sendings: list[Sending]) -> list[str]:
    return [sending.event.type.removeprefix("shipment.") for sending in sendings]


WAY = ["shipped", "tracking_updated", "tracking_updated"]


@pytest.mark.parametrize(
    ("faults", "story"),
    [
        ({"silent_rate": 1}, []),
        ({"delay_rate": 1}, ["acknowledged", "delayed", *WAY, "delivered"]),
        ({"overdue_rate": 1}, ["acknowledged", *WAY, "delivered"]),
        ({"short_rate": 1}, ["acknowledged", "short", *WAY, "delivered"]),
        ({"lost_rate": 1}, ["acknowledged", *WAY, "lost"]),
        ({"return_rate": 1}, ["acknowledged", *WAY, "tracking_updated", "returned"]),
        ({"unclaimed_rate": 1}, ["acknowledged", *WAY, "tracking_updated", "returned"]),
    ],
)
def test_each_fault_is_a_story_of_its_own(faults: dict[str, float], story: list[str]) -> None:
    assert types(planned([2, 1], split_rate=0, collect={"amount": 9_790}, **faults)) == story


def test_only_what_is_paid_on_delivery_is_unclaimed_and_what_lacks_everything_ships_nothing() -> None:
    assert types(planned([1], split_rate=0, unclaimed_rate=1))[-1] == "delivered"
    assert types(planned([1], short_rate=1)) == ["acknowledged", "short"]


def test_who_is_delayed_says_so_and_who_is_overdue_does_not() -> None:
    for fault, days in (("delay", 2), ("overdue", 1)):
        [plain], [late] = (
            of_type(planned([1], split_rate=0, **switches), "shipment.shipped")
            for switches in ({}, {f"{fault}_rate": 1.0})
        )
        assert (late.at.date() - plain.at.date()).days == days
    [delay] = of_type(planned([1], delay_rate=1), "shipment.delayed")
    assert delay.event.data["expected_on"] == "2026-11-22"


@given(seed=st.integers(0, 10_000), quantities=LINES)
def test_a_contradiction_comes_beside_the_true_story_and_is_known_by_its_id(seed: int, quantities: list[int]) -> None:
    true = planned(quantities, seed=seed, split_rate=0)
    told = planned(quantities, seed=seed, split_rate=0, contradict_rate=1)
    [false] = [sending for sending in told if is_contradiction(sending.event.id)]
    assert [sending for sending in told if sending is not false] == true


def test_a_plan_survives_the_journal() -> None:
    plan = planned([1, 2])
    assert plan
    for sending in plan:
        assert Sending.of_record(sending.record()) == sending
