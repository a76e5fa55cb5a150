"""Attend (担当者対応): an operator looked at a held order and lets it go on."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from models.states import Condition, HoldReason, OrderState, PaymentState, may_move
from pipelines.changes.money import (
    HAS_MONEY,
    MAY_HAVE_MONEY,
    TAKES,
    after_refund,
    capture_early,
    look_up,
    outstanding,
    unheard_refunds,
)
from pipelines.changes.payment_books import LOOKS
from pipelines.changes.payment_terms import count_from_answer
from pipelines.changes.points import stand_again
from pipelines.changes.requests import heard
from pipelines.engine.decision import REPLACEMENT_STANDS
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts, Need
from pipelines.engine.stage import Stage
from pipelines.gateway import Capability
from pipelines.orders.actions.release import ACTION, lets_go, stands_after_all
from pipelines.orders.mails import customer_mail, refunded_mail
from pipelines.ports import MailIntent
from pipelines.shops import Shop

#: Holds whose release means to wait on.
_WAIT_ON: Final = frozenset({HoldReason.SUPPLIER_SILENT, HoldReason.DISPATCH_LATE})
#: Holds of which the customer was told that the sum would follow, and what a release says of it instead: no fee for an
#: individual is added (INT-04), none of the codes in the remarks applies (CPN-03).
_PROMISED: Final = {
    HoldReason.QUOTE_NEEDED: ("fee:none", "no_fee"),
    HoldReason.COUPONS_IN_REMARKS: ("coupons:none", "no_coupons"),
}
_GIVEN_BACK: Final = "given back, says the operator"
#: Where the goods wait for the money.
_UNPAID: Final = frozenset({OrderState.ACCEPTED, OrderState.AWAITING_PAYMENT})
#: What the gateway would not let go of, or not speak of, when the order was cancelled.
_UNSETTLED: Final = frozenset({PaymentState.AUTHORIZED, PaymentState.NEEDS_REVIEW})


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Lift the hold, which wakes the stage at which the order stands; a cancelled order only comes to rest, and nothing is held
    for it any more."""
    granted = [event for event in draft.waiting if heard(ACTION, draft, shop, now, event) is not None]
    for event in granted:
        draft.applied(event)
    if not granted:
        return
    if draft.state == OrderState.CANCELLED:
        if stands_after_all(draft):
            draft.move_order(OrderState.DELIVERED, "received and paid for after all")
            stand_again(draft, shop, now)
            if (first := draft.facts.order.replaces) is not None:
                draft.tell_order(first, REPLACEMENT_STANDS)
        elif any(hold.reason != HoldReason.UNEXPECTED_DEPOSIT for hold in draft.holds):
            _let_go_elsewhere(draft)
            _gone_back(draft, shop, now)
        draft.drop_holds("operator")
        draft.settle(Condition.DONE, "operator")
        return
    released, reasons = lets_go(draft), {hold.reason for hold in draft.holds}
    if {HoldReason.CAPTURE_FAILED, HoldReason.AUTHORIZATION_LOST} & reasons:
        _received_elsewhere(draft)
    if HoldReason.VOID_FAILED in reasons:
        _let_go_elsewhere(draft)
    if HoldReason.REFUND_FAILED in reasons:
        _gone_back(draft, shop, now)
    for reason in (one for one in _PROMISED if one in reasons):
        draft.tell(_as_it_was(draft, shop, now, reason))
    if HoldReason.AUTHORIZATION_ENDS in reasons:
        capture_early(draft, shop)
    if HoldReason.PAYMENT_DIFFERS in reasons:
        _ask_again(draft, shop, granted[0])
    for hold in draft.holds:
        if hold.reason in _WAIT_ON and hold.shipment is not None:
            draft.shipment(hold.shipment).tell(now)  # waited for anew, from now
    draft.lift(lambda hold: hold in released, "operator")
    count_from_answer(draft, now)


def _received_elsewhere(draft: OrderDraft) -> None:
    """What the gateway would not take, or not all of it, came in another way."""
    says, money = "received another way, says the operator", draft.money
    if money.state == PaymentState.AUTHORIZED:
        draft.move_payment(PaymentState.CAPTURED, says, captured=min(money.authorized, max(0, draft.due)))
    elif may_move("payment", money.state, PaymentState.CAPTURED) and draft.due > 0:  # the gateway let it go
        draft.move_payment(PaymentState.CAPTURED, says, authorized=draft.due, captured=draft.due)
    elif money.state in HAS_MONEY and outstanding(draft) < 0:
        draft.move_payment(None, says, captured=money.captured - outstanding(draft))


def _ask_again(draft: OrderDraft, shop: Shop, event: EventFacts) -> None:
    """It was settled at the gateway: the books are to hear how the payment stands, or what is held there would never be captured. Says it
    the same again, the operator has seen that; only who has not paid yet is held for it once more."""
    gateway = shop.gateway(draft.money.gateway)
    if draft.money.state != PaymentState.NEEDS_REVIEW or gateway is None:
        return
    if Capability.LOOKS_UP in gateway.capabilities:
        seen = next(hold.facts.get("theirs") for hold in draft.holds if hold.reason == HoldReason.PAYMENT_DIFFERS)
        about = f"released:{event.source}:{event.event_id}"
        look_up(draft, about, wakes="settle", seen="" if draft.state in _UNPAID else str(seen))


def _let_go_elsewhere(draft: OrderDraft) -> None:
    """What no gateway would release, or speak of, an operator has seen to there."""
    if (
        draft.money.state in _UNSETTLED and not draft.money.captured
    ):  # what was taken goes back, and is let go of by nobody
        draft.move_payment(PaymentState.VOIDED, "let go at the gateway, says the operator")


def _gone_back(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """What no gateway said it gave back an operator has seen there: the books have it, and the customer hears of it."""
    for key, amount in unheard_refunds(draft) if draft.money.state in MAY_HAVE_MONEY else ():
        draft.move_payment(None, _GIVEN_BACK, refunded=draft.money.refunded + amount)
        draft.move_payment(after_refund(draft), _GIVEN_BACK)
        draft.tell(refunded_mail(draft, shop, now, key, amount))


def _as_it_was(draft: OrderDraft, shop: Shop, now: datetime, reason: HoldReason) -> MailIntent:
    """The customer was promised to hear of a new sum; what he was told stays, and why."""
    about, why = _PROMISED[reason]
    return customer_mail("order_accepted", draft.facts, shop, now, about=about, shipments=[], repriced=why)


STAGE = Stage(
    "attend",
    decide,
    Need.PAYMENT | Need.SHIPMENTS | Need.LOTS | Need.PURSE | Need.EVENTS | Need.EFFECTS | Need.ADJUSTMENTS,
    consumes=(ACTION.wakes,),
    leads_to=("settle", "reward"),
    asks=(*TAKES, LOOKS),
)
