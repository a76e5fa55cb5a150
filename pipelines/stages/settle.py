"""Settle (売上・返金): what became of captures, voids and refunds, and what an operator gave back by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from models.states import HoldReason, OrderState, PaymentState
from pipelines.changes.ending import finish
from pipelines.changes.money import HAS_MONEY, LETS_GO, ask_for_refund, outstanding, refund
from pipelines.changes.requests import heard
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EffectFacts, Need
from pipelines.engine.stage import Stage
from pipelines.orders.actions.refunds import ACTION
from pipelines.orders.mails import customer_mail, what_is_left
from pipelines.rules.holds import Hold
from pipelines.shops import Shop


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Move the payment by the outcomes that came in; what failed goes before a human."""
    outcomes = list(draft.effects.values())
    for effect in outcomes:
        if draft.money.state == PaymentState.AUTHORIZED and effect.kind == "payment.capture":
            _captured(draft, effect)
        elif draft.money.state == PaymentState.AUTHORIZED and effect.kind == "payment.void":
            _voided(draft, effect)
    if draft.money.state in HAS_MONEY:
        _refunds(draft, shop, now, [effect for effect in outcomes if effect.kind == "payment.refund"])
    for event in draft.waiting:
        heard(ACTION, draft, shop, now, event)  # where there is no money to give back, it is refused
    finish(draft)


def _captured(draft: OrderDraft, effect: EffectFacts) -> None:
    if effect.state == "done":
        draft.move_payment(PaymentState.CAPTURED, "captured with the goods", captured=int(effect.payload["amount"]))
        refund(draft, "lines were taken out while the capture was on its way")
    else:
        _failed(draft, effect, HoldReason.CAPTURE_FAILED)


def _voided(draft: OrderDraft, effect: EffectFacts) -> None:
    if effect.state == "done":
        draft.move_payment(PaymentState.VOIDED, "authorization released")
    else:
        _failed(draft, effect, HoldReason.VOID_FAILED)


def _refunds(draft: OrderDraft, shop: Shop, now: datetime, refunds: Sequence[EffectFacts]) -> None:
    """Count what has gone back in all; each refund is told once, since a mail about it is known by its key."""
    done = [(effect.key, int(effect.payload["amount"])) for effect in refunds if effect.state == "done"]
    through_gateway = sum(amount for _, amount in done)
    news = through_gateway > draft.money.refunded - draft.money.refunded_by_hand
    told = [*(done if news else ()), *_given_by_hand(draft, shop, now)]
    if told:
        refunded = through_gateway + draft.money.refunded_by_hand
        whole = refunded >= draft.money.captured
        state = PaymentState.REFUNDED if whole else PaymentState.PARTLY_REFUNDED
        draft.move_payment(state, "refunded", refunded=refunded)
    for key, amount in told:
        _tell(draft, shop, now, key, amount)
    _attend(draft, refunds)


def _given_by_hand(draft: OrderDraft, shop: Shop, now: datetime) -> list[tuple[str, int]]:
    """What operators say they gave back: (key, yen) of each that can be so."""
    given = []
    for event in draft.waiting:
        if (asked := heard(ACTION, draft, shop, now, event)) is None:
            continue
        by_hand = draft.money.refunded_by_hand + asked.amount
        draft.move_payment(None, "given back by hand", refunded_by_hand=by_hand)
        draft.applied(event)
        given.append((f"by hand:{event.source}:{event.event_id}", asked.amount))
    return given


def _tell(draft: OrderDraft, shop: Shop, now: datetime, key: str, amount: int) -> None:
    facts = draft.facts
    context: dict[str, Any] = {"refund": {"amount": amount, "method": facts.method}, "changed": False}
    if draft.adjustments and draft.state != OrderState.CANCELLED:
        context |= {"changed": True, **what_is_left(draft, shop)}
    draft.tell(customer_mail("refund_done", facts, shop, now, about=key, **context))


def _attend(draft: OrderDraft, refunds: Sequence[EffectFacts]) -> None:
    """What is still to be given back waits for a human."""
    left = outstanding(draft)
    for effect in refunds:
        if effect.state == "needs_review" or left > 0:
            _failed(draft, effect, HoldReason.REFUND_FAILED, outcome=effect.state)
    if left <= 0 and all(effect.state != "needs_review" for effect in refunds):
        draft.lift(lambda hold: hold.answered_by(ACTION.name), "nothing is due back any more")
    elif any(hold.reason == HoldReason.REFUND_DUE for hold in draft.holds):
        ask_for_refund(draft, left, "a part was given back by hand")


def _failed(draft: OrderDraft, effect: EffectFacts, reason: HoldReason, **facts: str) -> None:
    if effect.state in ("declined", "needs_review"):
        code = str((effect.outcome or {}).get("code"))
        draft.hold(Hold(reason, facts={"code": code, **facts}), f"{effect.kind}: {effect.state}")


STAGE = Stage(
    "settle",
    decide,
    Need.PAYMENT | Need.EFFECTS | Need.EVENTS | Need.LOTS | Need.ADJUSTMENTS,
    consumes=(ACTION.wakes,),
    asks=LETS_GO,
)
