"""Settle and reward: what became of the money, and when points count."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from models.states import HoldReason
from pipelines.engine.facts import LineFacts
from pipelines.rules.holds import Hold
from pipelines.rules.lots import Activation
from pipelines.stages import reward, settle
from tests.rules.build import at, shop_with
from tests.stages.build import (
    NOW,
    decide,
    due,
    effect,
    facts,
    lot,
    mails,
    moves,
    parcel,
    payment,
    reasons,
    shipment,
    stands,
)


@pytest.mark.parametrize(
    ("kind", "money", "outcome", "moved", "hold"),
    [
        ("capture", "authorized", "done", "payment: authorized -> captured", None),
        ("capture", "authorized", "declined", "condition: running -> held", "capture_failed"),
        ("capture", "authorized", "needs_review", "condition: running -> held", "capture_failed"),
        ("capture", "authorized", "pending", None, None),
        ("capture", "captured", "done", None, None),
        ("void", "authorized", "done", "payment: authorized -> voided", None),
        ("void", "authorized", "needs_review", "condition: running -> held", "void_failed"),
        ("refund", "captured", "done", "payment: captured -> refunded", None),
        ("refund", "captured", "declined", "condition: running -> held", "refund_failed"),
        ("refund", "refunded", "done", None, None),
    ],
)
def test_what_became_of_the_money(kind: str, money: str, outcome: str, moved: str | None, hold: str | None) -> None:
    """PAY-06, CAN-04; an outcome counts once."""
    after = {
        "capture": stands("captured", 1_000, 1_000),
        "void": stands("voided", 1_000),
        "refund": stands("refunded", 1_000, 1_000, 1_000),
    }
    said = after[kind] if outcome == "done" else {"code": "G99"}
    done = effect(f"payment.{kind}", "key", outcome, said, amount=1_000)
    due = 0 if kind in ("refund", "void") else 1_000
    known = facts(state="partly_shipped", grand_total=due, payment=payment(money, 1_000), effects={"key": done})
    decision = decide(settle.STAGE, known)
    assert moves(decision) == ([moved] if moved else [])
    assert reasons(decision) == ([hold] if hold else [])


@pytest.mark.parametrize(
    ("outcome", "points", "condition"),
    [("done", "valid", "done"), ("done", "pending", None), ("declined", "valid", "held")],
    ids=["the money was the last thing", "points still wait", "a human has it"],
)
def test_the_last_of_money_and_points_brings_the_order_to_rest(
    outcome: str, points: str, condition: str | None
) -> None:
    said = stands("captured", 1_760, 1_760) if outcome == "done" else {}
    captured = effect("payment.capture", "key", outcome, said, amount=1_760)
    known = finished(lots=(lot(points),), payment=payment("authorized", 1_760), effects={"key": captured})
    assert decide(settle.STAGE, known).condition == condition


ENDS, LONGER = at("2026-12-20 10:00:00"), at("2027-01-19 10:00:00")


def after_renewal(outcome: str, said: Any = None) -> Any:
    renewal = effect("payment.renew", "salon/N-1:renew:1", outcome, said or {"code": "G12"}, amount=1_760)
    money = payment("authorized", 1_760, expires_at=ENDS)
    return decide(
        settle.STAGE,
        facts(state="authorized", grand_total=1_760, payment=money, effects={renewal.key: renewal}),
    )


def test_what_was_renewed_is_watched_from_its_new_end() -> None:
    """SPL-04: another reference may hold it now, by which it is captured."""
    renewed = after_renewal(
        "done", stands("authorized", 1_760, reference="auth_2", expires_at=LONGER, when=NOW + timedelta(1))
    )
    assert (renewed.payment.reference, renewed.payment.expires_at) == ("auth_2", LONGER)
    assert (due(renewed), reasons(renewed), mails(renewed)) == ([("dispatch", NOW)], [], [])


@pytest.mark.parametrize(("outcome", "told"), [("declined", ["authorization_not_renewed"]), ("needs_review", [])])
def test_what_was_not_renewed_is_before_a_person_and_the_customer_hears_of_a_no(outcome: str, told: list[str]) -> None:
    decision = after_renewal(outcome)
    assert (reasons(decision), mails(decision)) == (["authorization_ends"], told)


def test_what_held_the_amount_before_may_end_as_it_likes() -> None:
    """Its gateway tells of the old hold's release after the new one stands."""
    money = payment("authorized", 1_760, reference="auth_2", expires_at=LONGER)
    released = effect("payment.lookup", "look", "done", stands("voided", 1_760, when=NOW + timedelta(1)))
    decision = decide(settle.STAGE, facts(state="authorized", payment=money, effects={"look": released}))
    assert (decision.moves, reasons(decision)) == ([], [])


@pytest.mark.parametrize("ended", ["voided", "expired"])
@pytest.mark.parametrize("state", ["authorized", "released", "partly_shipped", "shipped", "delivered"])
def test_goods_do_not_go_for_money_that_the_gateway_let_go(ended: str, state: str) -> None:
    """SPL-04: released in its dashboard, or over its time; what left is a human's to get the money for."""
    told = effect("payment.lookup", "look", "done", stands(ended, 1_760, when=NOW + timedelta(1)))
    known = facts(state=state, grand_total=1_760, payment=payment("authorized", 1_760), effects={"look": told})
    decision = decide(settle.STAGE, known)
    assert (moves(decision)[0], reasons(decision)) == (f"payment: authorized -> {ended}", ["authorization_lost"])


@pytest.mark.parametrize("changes", [{"state": "cancelled"}, {"grand_total": 0}])
def test_nothing_is_missing_where_nothing_is_due(changes: Any) -> None:
    told = effect("payment.lookup", "look", "done", stands("voided", 1_760, when=NOW + timedelta(1)))
    money = payment("authorized", 1_760)
    assert (
        reasons(
            decide(settle.STAGE, facts(**{"state": "released", "payment": money, "effects": {"look": told}, **changes}))
        )
        == []
    )


def test_a_part_of_a_refund_is_a_part() -> None:
    done = effect("payment.refund", "key", "done", stands("partly_refunded", 1_000, 1_000, 300), amount=300)
    decision = decide(settle.STAGE, facts(payment=payment("captured", 1_000), effects={"key": done}))
    assert moves(decision) == ["payment: captured -> partly_refunded"]
    assert (mails(decision), decision.mails[0].context["refund"]["amount"]) == (["refund_done"], 300)


def test_a_refund_that_is_under_way_is_not_told_as_given() -> None:
    """Its gateway answered yes and counts it later; what it gave meanwhile, in its dashboard, is told and no more."""
    asked = effect("payment.refund", "key", "done", stands("captured", 1_000, 1_000), amount=300)
    look = effect(
        "payment.lookup", "look", "done", stands("partly_refunded", 1_000, 1_000, 200, when=NOW + timedelta(1))
    )
    decision = decide(settle.STAGE, facts(payment=payment("captured", 1_000), effects={"key": asked, "look": look}))
    assert [mail.context["refund"]["amount"] for mail in decision.mails] == [200]


def finished(state: str = "shipped", **changes: Any) -> Any:
    """An order whose goods left on 2026-11-20 at 10:00 and whose money is in."""
    left = shipment(1, "shipped", lines={"1": LineFacts(1, 0, 1)})
    known = {"state": state, "lots": (lot(),), "shipments": (left,), "parcels": (parcel(),)}
    return facts(**{**known, "payment": payment("captured", 1_760), **changes})


def test_points_count_once_the_goods_have_left() -> None:
    """PTS-05, SPL-05."""
    decision = decide(reward.STAGE, finished(balance=30))
    assert moves(decision) == ["condition: running -> done"]
    assert decision.lot_moves == [Activation("order:7:activate", 1, at("2027-11-21 00:00:00"))]
    assert mails(decision) == ["points_activated"]
    assert decision.mails[0].context["points"]["balance"] == 130


@pytest.mark.parametrize("state", ["authorized", "released", "partly_shipped", "cancelled"])
def test_not_before(state: str) -> None:
    """SPL-05: with the last parcel, not with the first."""
    decision = decide(reward.STAGE, finished(state))
    assert (decision.lot_moves, decision.mails, decision.moves) == ([], [], [])


@pytest.mark.parametrize(
    ("activated_on", "expires_at"),
    [("2026-11-22 10:00:00", "2027-11-23 00:00:00"), ("2028-02-29 09:00:00", "2029-03-01 00:00:00")],
)
def test_they_last_through_the_same_day_next_year(activated_on: str, expires_at: str) -> None:
    """PTS-11."""
    decision = decide(reward.STAGE, finished(), now=at(activated_on))
    assert decision.lot_moves == [Activation("order:7:activate", 1, at(expires_at))]


@pytest.mark.parametrize(("days", "moved"), [(6, 0), (7, 1)])
def test_a_delay_counts_from_the_last_parcel(days: int, moved: int) -> None:
    """PTS-05, B.8."""
    shop = shop_with("salon", **{"[points]": "[points]\nactivation_delay_days = 7"})
    early = parcel(key="444413758714", shipped_at=NOW - timedelta(days=3))
    decision = decide(reward.STAGE, finished(parcels=(early, parcel())), shop=shop, now=NOW + timedelta(days=days))
    assert len(decision.lot_moves) == moved
    assert due(decision) == ([] if moved else [("reward", NOW + timedelta(days=7))])


@pytest.mark.parametrize(("state", "moved"), [("shipped", 0), ("delivered", 1)])
def test_a_shop_may_wait_for_the_delivery(state: str, moved: int) -> None:
    """PTS-05."""
    shop = shop_with("salon", **{"[points]": '[points]\nactivation_event = "delivered"'})
    assert len(decide(reward.STAGE, finished(state), shop=shop).lot_moves) == moved


@pytest.mark.parametrize(("days", "moved"), [(11, 0), (12, 1)])
def test_then_a_delay_counts_from_the_delivery(days: int, moved: int) -> None:
    """PTS-05, B.8: a parcel was five days on its way, another never arrived and was settled."""
    shop = shop_with("salon", **{"[points]": '[points]\nactivation_event = "delivered"\nactivation_delay_days = 7'})
    came = parcel(tracking_status="delivered", status_as_of=NOW + timedelta(days=5))
    lost = parcel(key="444413758714", tracking_status="lost", status_as_of=NOW + timedelta(days=9))
    known = finished("delivered", parcels=(came, lost))
    decision = decide(reward.STAGE, known, shop=shop, now=NOW + timedelta(days=days))
    assert len(decision.lot_moves) == moved
    assert due(decision) == ([] if moved else [("reward", NOW + timedelta(days=12))])


@pytest.mark.parametrize(
    ("state", "fared", "held", "moved"),
    [
        ("undelivered", ("lost",), True, 0),
        ("undelivered", ("lost",), False, 1),
        ("undelivered", ("returned",), False, 1),
        ("shipped", ("delivered", "damaged"), True, 0),
        ("shipped", ("delivered", "damaged"), False, 1),
        ("shipped", ("delivered", "in_transit"), False, 0),
        ("partly_shipped", ("lost",), False, 0),
    ],
)
def test_points_of_what_never_arrived_count_once_a_human_let_it_go(
    state: str, fared: tuple[str, ...], held: bool, moved: int
) -> None:
    """PTS-05, RET-07: what was taken back earns nothing, and of the rest no delivery will ever be told."""
    shop = shop_with("salon", **{"[points]": '[points]\nactivation_event = "delivered"'})
    parcels = tuple(parcel(key=f"44441375871{at}", tracking_status=one) for at, one in enumerate(fared))
    holds = (Hold(HoldReason.TRANSIT_ACCIDENT, "SH-1"),) if held else ()
    known = finished(state, parcels=parcels, holds=holds)
    assert len(decide(reward.STAGE, known, shop=shop).lot_moves) == moved


@pytest.mark.parametrize(
    ("released", "later", "moved"),
    [
        (None, 20, 0),  # nobody looked yet
        (10, 20, 0),  # something else was let go of, before the parcel was missed
        (16, 20, 1),  # 14 days after its arrival on 21 November, and as long after the last that was heard
    ],
)
def test_points_of_a_parcel_without_news_count_once_a_human_let_it_go(
    released: int | None, later: int, moved: int
) -> None:
    """PTS-05: the way out of its hold is to release it where the goods arrived, and no carrier will say so any more."""
    shop = shop_with("salon", **{"[points]": '[points]\nactivation_event = "delivered"'})
    at_ = None if released is None else NOW + timedelta(days=released)
    known = finished(parcels=(parcel(),), released_at=at_)
    assert len(decide(reward.STAGE, known, shop=shop, now=NOW + timedelta(days=later)).lot_moves) == moved


@pytest.mark.parametrize("state", ["valid", "void", "held"])
def test_points_are_activated_once(state: str) -> None:
    decision = decide(reward.STAGE, finished(lots=(lot(state),)))
    assert (decision.lot_moves, decision.mails) == ([], [])
    assert decision.condition == "done"


@pytest.mark.parametrize(
    ("changes", "condition"),
    [({"payment": payment("authorized", 1_760)}, None), ({"condition": "held"}, None), ({}, "done")],
    ids=["the capture is under way", "a human has it", "nothing left to do"],
)
def test_an_order_rests_when_nothing_is_left_to_do(changes: dict[str, Any], condition: str | None) -> None:
    assert decide(reward.STAGE, finished(**changes)).condition == condition
