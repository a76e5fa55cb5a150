"""Authorize (決済): card through the gateway, bank transfer by deposit, the rest released at once.

Reminders and the unpaid cancel are this stage's timers; money that comes after a cancel goes through here too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from models.states import HoldReason, OrderState, PaymentState
from pipelines.changes.ending import cancel_order, finish
from pipelines.changes.money import LETS_GO, ask_for_refund, authorize_key, hold_unknown, outstanding, void
from pipelines.engine.decision import EffectIntent
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EffectFacts, EventFacts, Need
from pipelines.engine.stage import Stage
from pipelines.orders.mails import customer_mail
from pipelines.rules.holds import Hold
from pipelines.rules.payment_terms import Terms, terms
from pipelines.shops import Shop

DEPOSIT = "deposit.received"

#: How a payment that had ended stands once more money came in.
_LATE = {
    PaymentState.VOIDED: PaymentState.CAPTURED,
    PaymentState.EXPIRED: PaymentState.CAPTURED,
    PaymentState.REFUNDED: PaymentState.PARTLY_REFUNDED,
}
_UNDECIDED = (PaymentState.PENDING, PaymentState.NEEDS_REVIEW)


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Move the payment, and the order once its goods may go."""
    facts = draft.facts
    agreed = terms(facts.method if facts.grand_total else "none", shop, facts.placed_at)
    deposits = [event for event in draft.waiting if event.type == DEPOSIT]
    authorization = draft.effects.get(authorize_key(facts))
    if agreed.release_when not in ("paid", "approved"):
        _unexpected(draft, deposits)
        deposits = []
    if draft.state not in (OrderState.ACCEPTED, OrderState.AWAITING_PAYMENT):
        _late_money(draft, deposits, authorization)
    elif facts.grand_total == 0:
        draft.move_payment(PaymentState.CAPTURED, "nothing to pay", authorized=0, captured=0)
        _authorized(draft, "nothing to pay", now)
    elif agreed.release_when == "at_once":
        _authorized(draft, f"{facts.method}: released at once", now)
    elif agreed.release_when == "authorized":
        _by_gateway(draft, shop, authorization, now)
    else:
        _by_deposit(draft, shop, agreed, deposits, now)


def _authorized(draft: OrderDraft, cause: str, now: datetime) -> None:
    draft.move_order(OrderState.AUTHORIZED, cause)
    draft.next("split", now)


def _by_gateway(draft: OrderDraft, shop: Shop, authorization: EffectFacts | None, now: datetime) -> None:
    facts = draft.facts
    if authorization is None:
        payload = {"amount": facts.grand_total}
        draft.ask(EffectIntent("payment.authorize", authorize_key(facts), wakes="authorize", payload=payload))
        return
    outcome: Mapping[str, Any] = authorization.outcome or {}
    if authorization.state == "done":
        data = outcome.get("data", {})
        draft.move_payment(
            PaymentState.AUTHORIZED,
            "gateway",
            authorized=facts.grand_total,
            reference=outcome.get("reference"),
            expires_at=_moment(data.get("expires_at")),
        )
        if data.get("funding") == "debit" and not shop.payment.accept_debit:
            _fail(draft, shop, now, "debit_card")  # PAY-02; the cancel voids what was authorized
        else:
            _authorized(draft, "card authorized", now)
    elif authorization.state == "declined":
        draft.move_payment(PaymentState.FAILED, "declined by the gateway", code=outcome.get("code"))
        _fail(draft, shop, now, "declined")
    elif authorization.state == "needs_review":
        _unknown(draft, outcome)


def _unknown(draft: OrderDraft, outcome: Mapping[str, Any]) -> None:
    draft.move_payment(PaymentState.NEEDS_REVIEW, "outcome unknown", code=outcome.get("code"))
    hold_unknown(draft, "authorize: outcome unknown")


def _fail(draft: OrderDraft, shop: Shop, now: datetime, why: str) -> None:
    """A final no of the gateway ends the order; the mail names no cause (PAY-04)."""
    draft.tell(customer_mail("payment_failed", draft.facts, shop, now))
    cancel_order(draft, shop, now, reason="payment_failed", cause=f"payment failed: {why}", mail=False)


def _by_deposit(draft: OrderDraft, shop: Shop, agreed: Terms, deposits: Sequence[EventFacts], now: datetime) -> None:
    facts = draft.facts
    if deposits:
        _deposited(draft, shop, deposits, now)
        return
    if draft.money.captured:
        # Another sum than was due: a human has it, and lets the order go on with it by lifting the hold (B.6.7).
        if not draft.held:
            draft.move_payment(PaymentState.CAPTURED, "taken as it was paid")
            _authorized(draft, "taken as it was paid", now)
        return
    context: dict[str, Any] = {
        "bank": shop.payment.bank.model_dump() if shop.payment.bank else None,
        "payment": {"method": facts.method, "amount": facts.grand_total, "pay_by": agreed.pay_by},
    }
    if draft.state == OrderState.ACCEPTED:
        draft.move_order(OrderState.AWAITING_PAYMENT, f"{facts.method}: waits for the money")
        draft.tell(customer_mail("payment_instructions", facts, shop, now, **context))
    elif agreed.cancel_at is not None and now >= agreed.cancel_at:
        draft.move_payment(PaymentState.EXPIRED, "not paid in time")
        cancel_order(draft, shop, now, reason="unpaid", cause="not paid in time (PAY-07)")
        return
    elif agreed.remind_at is not None and now >= agreed.remind_at:
        draft.tell(customer_mail("payment_reminder", facts, shop, now, **context))
    _await_money(draft, agreed, now)


def _await_money(draft: OrderDraft, agreed: Terms, now: datetime) -> None:
    """Until the next of the reminder and the cancel; a method without either waits for ever."""
    steps = [(at, then) for at, then in ((agreed.remind_at, "remind"), (agreed.cancel_at, "cancel")) if at is not None]
    if later := [(at, then) for at, then in steps if at > now]:
        until, then = min(later)
        draft.await_for("customer.money", "customer", until, then)


def _deposited(draft: OrderDraft, shop: Shop, deposits: Sequence[EventFacts], now: datetime) -> None:
    """The whole sum releases the order; any other is held for a human (B.6.7)."""
    due = draft.facts.grand_total
    paid = sum(int(event.body["amount"]) for event in deposits) + draft.money.captured
    for event in deposits:
        draft.applied(event)
    if abs(paid - due) > shop.payment.transfer_tolerance:
        draft.hold(Hold(HoldReason.DEPOSIT_MISMATCH, amount=paid, facts={"due": due}), "deposit differs")
        draft.move_payment(None, "deposit differs", authorized=paid, captured=paid)
        return
    draft.move_payment(PaymentState.CAPTURED, "deposit received", authorized=paid, captured=paid)
    draft.lift(lambda hold: hold.reason == HoldReason.DEPOSIT_MISMATCH, "deposit received")
    draft.tell(customer_mail("payment_received", draft.facts, shop, now))
    _authorized(draft, "deposit received", now)


def _late_money(draft: OrderDraft, deposits: Sequence[EventFacts], authorization: EffectFacts | None) -> None:
    """Money for an order that moved on: nothing is kept silently (CAN-03, PAY-07)."""
    if deposits:
        total = draft.money.captured + sum(int(event.body["amount"]) for event in deposits)
        new = _LATE.get(PaymentState(draft.money.state))
        draft.move_payment(new, "deposit after the order moved on", authorized=total, captured=total)
        for event in deposits:
            draft.applied(event)
        ask_for_refund(draft, outstanding(draft), "late deposit")
    elif draft.state == OrderState.CANCELLED and draft.money.state in _UNDECIDED:
        _cancelled_meanwhile(draft, authorization)


def _cancelled_meanwhile(draft: OrderDraft, authorization: EffectFacts | None) -> None:
    """The order was cancelled before it was known what became of its card."""
    if authorization is None or authorization.state == "declined":
        draft.move_payment(PaymentState.VOIDED, "cancelled")
        _known(draft)
    elif authorization.state == "done":
        draft.move_payment(
            PaymentState.AUTHORIZED,
            "authorized while the order was being cancelled",
            authorized=draft.facts.grand_total,
            reference=(authorization.outcome or {}).get("reference"),
        )
        void(draft)
        _known(draft)
    elif authorization.state == "needs_review" and draft.money.state == PaymentState.PENDING:
        _unknown(draft, authorization.outcome or {})


def _known(draft: OrderDraft) -> None:
    """The gateway has said after all what became of the card; a cancelled order that only waited for that rests."""
    draft.lift(lambda hold: hold.reason == HoldReason.PAYMENT_UNKNOWN, "the gateway answered")
    finish(draft)


def _unexpected(draft: OrderDraft, deposits: Sequence[EventFacts]) -> None:
    """A deposit for an order that awaits none (by card, on delivery, nothing to pay): a human has it, and the payment's
    numbers, which are of other money, stay as they are."""
    for event in deposits:
        amount, named = int(event.body["amount"]), {"event": event.event_id}
        draft.hold(Hold(HoldReason.UNEXPECTED_DEPOSIT, amount=amount, facts=named), "unexpected deposit")
        draft.applied(event)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


STAGE = Stage(
    "authorize",
    decide,
    Need.PAYMENT | Need.EVENTS | Need.EFFECTS | Need.SHIPMENTS | Need.LOTS | Need.COUPONS | Need.ADJUSTMENTS,
    consumes=(DEPOSIT,),
    leads_to=("split", "settle"),
    asks=("payment.authorize", *LETS_GO),
)
