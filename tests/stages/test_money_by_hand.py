"""Money that a gateway, a lender or an operator has the last word on: nothing is let go of unheard, kept silently or waited for in
vain. Each was found by the random walk."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from models.states import HoldReason
from models.subject import PAYMENT, Subject
from pipelines.engine.facts import Facts, LineFacts
from pipelines.gateway import Snapshot
from pipelines.rules.holds import Hold
from pipelines.stages import attend, cancel, dispatch, notify, settle, split
from tests.rules.build import an_order, at
from tests.stages.able import able_shop
from tests.stages.build import (
    NOW,
    ORDER_ID,
    decide,
    effect,
    effects,
    endings,
    event,
    facts,
    goes_to,
    moves,
    parcel,
    payment,
    reasons,
    shipment,
    snapshot,
    stands,
)
from tests.stages.news import instructed, news

KEY = "salon/N-1:authorize"
TOTAL = 1_760
LOAN = facts(an_order("reuse", method="loan")).grand_total
LENT = Subject(PAYMENT, str(ORDER_ID))


def released(state: str, reason: HoldReason, **changes: Any) -> Facts:
    """An order that ``reason`` holds, and that an operator releases."""
    held = {"condition": "held", "holds": (Hold(reason, amount=TOTAL, facts={"code": "E11"}, id=1),)}
    return facts(state=state, events=(event("order.release"),), **{**held, **changes})


def test_a_cancel_hears_the_authorization_that_no_stage_has_heard_yet() -> None:
    """CAN-04: else it would be let go without the reference under which the gateway knows it."""
    answered = {KEY: effect("payment.authorize", KEY, "done", stands("authorized", TOTAL), amount=TOTAL)}
    decision = decide(cancel.STAGE, facts(events=(event("order.cancel"),), effects=answered))
    assert "payment: pending -> authorized" in moves(decision)
    assert decision.payment is not None
    assert decision.payment.reference == snapshot("authorized", TOTAL).reference
    assert effects(decision) == [("payment.void", "salon/N-1:void")]


@pytest.mark.parametrize("state", ["cancelled", "released"])
def test_a_release_keeps_no_money_that_is_due_back(state: str) -> None:
    """PAY-07, CAN-04: 1,760 yen were paid, and all or 40 of them are due back."""
    paid = payment("captured", TOTAL, captured=TOTAL + 40, authorized=TOTAL + 40)
    decision = decide(attend.STAGE, released(state, HoldReason.REFUND_DUE, payment=paid))
    assert (decision.moves, endings(decision)) == ([], {1: "refused"})
    assert "refunds" in str(decision.events[0][2])


def test_money_that_was_received_another_way_ends_the_wait_for_the_gateway() -> None:
    """PAY-06: the capture was refused, the goods have left, and the customer paid otherwise."""
    known = released("shipped", HoldReason.CAPTURE_FAILED, payment=payment("authorized", TOTAL, authorized=TOTAL))
    decision = decide(attend.STAGE, known)
    assert "payment: authorized -> captured" in moves(decision)
    assert decision.payment is not None
    assert decision.payment.captured == TOTAL


@pytest.mark.parametrize("state", ["cancelled", "shipped"])
@pytest.mark.parametrize("money", ["authorized", "needs_review"])
def test_what_an_operator_voided_at_the_gateway_is_held_no_more(state: str, money: str) -> None:
    """CAN-04: the gateway would not release it."""
    known = released(state, HoldReason.VOID_FAILED, payment=payment(money, TOTAL, authorized=TOTAL))
    assert f"payment: {money} -> voided" in moves(decide(attend.STAGE, known))


def lent(**changes: Any) -> Facts:
    """An order that a lender approved (PAY-10), all of which has left."""
    money = payment("authorized", LOAN, method="loan", gateway="sandbox", expires_at=NOW)
    made = {"state": "shipped", "payment": money, "shipments": (shipment(state="shipped"),), "parcels": (parcel(),)}
    return facts(an_order("reuse", method="loan"), **{**made, **changes})


def test_the_lenders_money_is_waited_for_and_then_asked_after() -> None:
    """PAY-10."""
    waiting = decide(notify.STAGE, lent())
    (due,) = (one for one in waiting.work if one.what == "lender.payment")
    assert (due.subject, due.due_at) == (LENT, NOW + timedelta(days=45))
    assert reasons(decide(notify.STAGE, lent(), now=due.due_at))[-1] == HoldReason.CAPTURE_FAILED


def test_a_lender_who_pays_is_waited_for_no_more() -> None:
    told = snapshot("captured", LOAN, LOAN, when=NOW + timedelta(days=3)).to_json()
    known = lent(events=(event("payment.notice", snapshot=told),))
    known.events[0] = known.events[0]._replace(source="gateway:sandbox")
    assert ("notify", LENT) in decide(settle.STAGE, known).ended_waits


@pytest.mark.parametrize(
    ("source", "told", "became"),
    [
        ("gateway:sandbox", snapshot("captured", LOAN, LOAN, when=NOW + timedelta(days=3)), "applied"),
        ("gateway:sandbox", snapshot("authorized", LOAN), "ignored"),
        ("gateway:stripe", snapshot("captured", LOAN, LOAN, when=NOW + timedelta(days=3)), "refused"),
    ],
    ids=["news", "what the books know", "another gateway"],
)
def test_only_the_gateway_that_was_asked_has_a_say(source: str, told: Snapshot, became: str) -> None:
    """PAY-10: and what it says again is no news."""
    notice = event("payment.notice", snapshot=told.to_json())._replace(source=source)
    assert endings(decide(settle.STAGE, lent(events=(notice,)))) == {1: became}


def test_a_lenders_approval_is_not_captured_by_us() -> None:
    """SPL-04 is about cards and wallets: no lender can be asked for the money early."""
    known = lent(state="released", shipments=(shipment(state="instructed", told_at=NOW),), parcels=())
    assert effects(decide(dispatch.STAGE, known)) == []


def test_each_part_that_goes_back_by_hand_is_in_the_history() -> None:
    """The second one, beside a first that left the payment partly refunded, was told to nobody but the customer."""
    due = Hold(HoldReason.REFUND_DUE, amount=200, id=1)
    paid = payment("partly_refunded", TOTAL, authorized=TOTAL + 300, captured=TOTAL + 300, refunded=100, reference="r")
    word = event("refund.by_hand", amount=150, reference="transfer 7")
    decision = decide(
        settle.STAGE, facts(state="shipped", payment=paid, holds=(due,), condition="held", events=(word,))
    )
    assert moves(decision) == ["payment: partly_refunded -> partly_refunded"]
    assert decision.payment is not None
    assert (decision.payment.refunded, decision.payment.refunded_by_hand) == (250, 150)


REST = payment("captured", TOTAL, captured=600, expires_at=at("2026-12-20 10:00:00"), gateway="able")
PER_PARCEL = able_shop("salon", **{"[payment]": '[payment]\ncapture_policy = "per_shipment"\ngateways.card = "able"'})


def test_what_a_supplier_refused_leaves_the_rest_of_the_hold_watched() -> None:
    """SPL-04: another parcel has captured its part, and what is left of the authorization ends all the same."""
    refused = news("refused", reason="sold out")
    known = instructed(
        refused,
        state="partly_shipped",
        payment=REST,
        shipments=(shipment(1, "instructed"), shipment(2, "shipped", lines={"2": LineFacts(1, 0, 1)})),
    )
    assert "dispatch" in goes_to(decide(notify.STAGE, known, shop=PER_PARCEL))


def test_what_is_held_before_its_rest_is_planned_leaves_it_watched() -> None:
    """SPL-04: as that of an order of which nothing was captured yet."""
    held = Hold(HoldReason.NEEDS_HUMAN, id=1)
    known = facts(state="partly_shipped", payment=REST, condition="held", holds=(held,))
    assert goes_to(decide(split.STAGE, known, shop=PER_PARCEL)) == ["dispatch"]


def test_a_refund_of_disputed_money_that_somebody_saw_at_the_gateway_is_in_the_books() -> None:
    """The order was done, its payment called released, and what was taken of its customer in no refund."""
    disputed = payment("captured", TOTAL)._replace(state="needs_review")
    asked = effect("payment.refund", "salon/N-1:refund:1", "needs_review", {"code": "timeout"}, amount=TOTAL)
    known = released("cancelled", HoldReason.REFUND_FAILED, payment=disputed, effects={asked.key: asked})
    decision = decide(attend.STAGE, known)
    assert "payment: needs_review -> refunded" in moves(decision)
    assert decision.payment is not None
    assert decision.payment.refunded == TOTAL


def test_a_refund_of_disputed_money_that_the_gateway_declines_is_somebodys() -> None:
    """It was left unsaid: only of money in no doubt a refund that failed was put before anybody."""
    disputed = payment("captured", TOTAL)._replace(state="needs_review")
    asked = effect("payment.refund", "salon/N-1:refund:1", "declined", {"code": "disputed", "data": {}}, amount=TOTAL)
    known = facts(state="cancelled", payment=disputed, condition="done", effects={asked.key: asked})
    assert reasons(decide(settle.STAGE, known)) == ["refund_failed"]
