"""Authorize (決済): card through the gateway, bank transfer by deposit, the rest released at once.

Reminders and the unpaid cancel are this stage's timers; money that comes after a cancel goes through here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from models.states import Condition, OrderState, PaymentState
from pipelines.engine.stage import Decision, EffectFacts, EffectIntent, EventFacts, Facts, Need, Stage
from pipelines.methods import Secured, Terms, agreed
from pipelines.orders.mails import customer_mail
from pipelines.shops import Shop
from pipelines.stages.cancelling import UNKNOWN, authorize_key, cancel_order, void_intent
from pipelines.stages.finishing import finish
from pipelines.stages.refunding import ask_for_refund, outstanding

DEPOSIT = "deposit.received"

#: How a payment that had ended stands once more money came in.
_LATE = {
    PaymentState.VOIDED: PaymentState.CAPTURED,
    PaymentState.EXPIRED: PaymentState.CAPTURED,
    PaymentState.REFUNDED: PaymentState.PARTLY_REFUNDED,
}
_UNDECIDED = (PaymentState.PENDING, PaymentState.NEEDS_REVIEW)


def decide(facts: Facts, shop: Shop, now: datetime) -> Decision:
    """Move the payment, and the order once its goods may go."""
    decision = Decision(facts)
    method = agreed(facts.method, facts.grand_total)
    deposits = [event for event in facts.events if event.type == DEPOSIT]
    authorization = facts.effects.get(authorize_key(facts))
    if not method.secured_by.is_awaited:
        _unexpected(decision, facts, deposits)
        deposits = []
    if facts.state not in (OrderState.ACCEPTED, OrderState.AWAITING_PAYMENT):
        _late_money(decision, facts, deposits, authorization)
    elif facts.grand_total == 0:
        decision.move_payment(PaymentState.CAPTURED, "nothing to pay", authorized=0, captured=0)
        _authorized(decision, "nothing to pay", now)
    elif method.secured_by in (Secured.BILL, Secured.NOTHING):
        _authorized(decision, f"{facts.method}: released at once", now)
    elif method.secured_by is Secured.AUTHORIZATION:
        _by_gateway(decision, facts, shop, authorization, now)
    else:
        _by_deposit(decision, facts, shop, method.terms(shop, facts.placed_at), deposits, now)
    return decision


def _authorized(decision: Decision, cause: str, now: datetime) -> None:
    decision.move_order(OrderState.AUTHORIZED, cause)
    decision.next("split", now)


def _by_gateway(decision: Decision, facts: Facts, shop: Shop, authorization: EffectFacts | None, now: datetime) -> None:
    if authorization is None:
        decision.effects.append(
            EffectIntent(
                "payment.authorize", authorize_key(facts), wakes="authorize", payload={"amount": facts.grand_total}
            )
        )
        return
    outcome: Mapping[str, Any] = authorization.outcome or {}
    if authorization.state == "done":
        told = outcome.get("data", {}).get("snapshot") or {}
        numbers = {
            "authorized": facts.grand_total,
            "reference": outcome.get("reference"),
            "expires_at": _moment(told.get("expires_at")),
        }
        if told.get("funding") == "debit" and not shop.payment.accept_debit:
            decision.move_payment(PaymentState.AUTHORIZED, "gateway", **numbers)
            _fail(decision, facts, shop, now, "debit_card")  # PAY-02; the cancel voids what was authorized
            return
        decision.move_payment(PaymentState.AUTHORIZED, "gateway", **numbers)
        _authorized(decision, "card authorized", now)
    elif authorization.state == "declined":
        decision.move_payment(PaymentState.FAILED, "declined by the gateway", code=outcome.get("code"))
        _fail(decision, facts, shop, now, "declined")
    elif authorization.state == "needs_review":
        says = "The gateway did not say whether the card was authorized; look it up and release or cancel the order."
        _unknown(decision, outcome, says)


def _unknown(decision: Decision, outcome: Mapping[str, Any], says: str) -> None:
    decision.move_payment(PaymentState.NEEDS_REVIEW, "outcome unknown", code=outcome.get("code"))
    decision.hold_for(
        [{"reason": "payment_unknown", "says": says, "blocks": "authorize"}], "authorize: outcome unknown"
    )


def _fail(decision: Decision, facts: Facts, shop: Shop, now: datetime, why: str) -> None:
    """A final no of the gateway ends the order; the mail names no cause (PAY-04)."""
    decision.mails.append(customer_mail("payment_failed", facts, shop, now))
    cancel_order(decision, facts, shop, now, reason="payment_failed", cause=f"payment failed: {why}", mail=False)


def _by_deposit(
    decision: Decision, facts: Facts, shop: Shop, agreed: Terms, deposits: list[EventFacts], now: datetime
) -> None:
    if deposits:
        _deposited(decision, facts, shop, deposits, now)
        return
    if facts.money.captured:
        # Another sum than was due: a human has it, and lets the order go on with it by lifting the hold (B.6.7).
        if facts.condition != Condition.HELD:
            decision.move_payment(PaymentState.CAPTURED, "taken as it was paid")
            _authorized(decision, "taken as it was paid", now)
        return
    context: dict[str, Any] = {
        "bank": shop.payment.bank.model_dump() if shop.payment.bank else None,
        "payment": {"method": facts.method, "amount": facts.grand_total, "pay_by": agreed.pay_by},
    }
    if facts.state == OrderState.ACCEPTED:
        decision.move_order(OrderState.AWAITING_PAYMENT, f"{facts.method}: waits for the money")
        decision.mails.append(customer_mail("payment_instructions", facts, shop, now, **context))
    elif agreed.cancel_at is not None and now >= agreed.cancel_at:
        decision.move_payment(PaymentState.EXPIRED, "not paid in time")
        cancel_order(decision, facts, shop, now, reason="unpaid", cause="not paid in time (PAY-07)")
        return
    elif agreed.remind_at is not None and now >= agreed.remind_at:
        decision.mails.append(customer_mail("payment_reminder", facts, shop, now, **context))
    later = [at for at in (agreed.remind_at, agreed.cancel_at) if at is not None and at > now]
    if later:
        decision.next("authorize", min(later))


def _deposited(decision: Decision, facts: Facts, shop: Shop, deposits: list[EventFacts], now: datetime) -> None:
    """The whole sum releases the order; any other is held for a human (B.6.7)."""
    paid = sum(int(event.body["amount"]) for event in deposits) + facts.money.captured
    for event in deposits:
        decision.events.append((event.id, "applied", None))
    if abs(paid - facts.grand_total) > shop.payment.transfer_tolerance:
        says = f"{paid} yen came in for {facts.grand_total} yen due."
        decision.hold_for([{"reason": "deposit_mismatch", "says": says, "blocks": "release"}], "deposit differs")
        decision.move_payment(None, "deposit differs", authorized=paid, captured=paid)
        return
    decision.move_payment(PaymentState.CAPTURED, "deposit received", authorized=paid, captured=paid)
    decision.lift_holds(lambda hold: hold["reason"] == "deposit_mismatch", "deposit received")
    decision.mails.append(customer_mail("payment_received", facts, shop, now))
    _authorized(decision, "deposit received", now)


def _late_money(
    decision: Decision, facts: Facts, deposits: list[EventFacts], authorization: EffectFacts | None
) -> None:
    """Money for an order that moved on: nothing is kept silently (CAN-03, PAY-07)."""
    for event in deposits:
        decision.events.append((event.id, "applied", None))
    if deposits:
        total = facts.money.captured + sum(int(event.body["amount"]) for event in deposits)
        decision.move_payment(
            _LATE.get(PaymentState(facts.money.state)),
            "deposit after the order moved on",
            authorized=total,
            captured=total,
        )
        ask_for_refund(decision, outstanding(decision), "late deposit")
        return
    if facts.state != OrderState.CANCELLED or facts.money.state not in _UNDECIDED:
        return
    if authorization is None or authorization.state == "declined":
        decision.move_payment(PaymentState.VOIDED, "cancelled")
        _known(decision)
    elif authorization.state == "done":
        outcome = authorization.outcome or {}
        decision.move_payment(
            PaymentState.AUTHORIZED,
            "authorized while the order was being cancelled",
            authorized=facts.grand_total,
            reference=outcome.get("reference"),
        )
        decision.effects.append(void_intent(facts))
        _known(decision)
    elif authorization.state == "needs_review" and facts.money.state == PaymentState.PENDING:
        _unknown(decision, authorization.outcome or {}, UNKNOWN["says"])


def _known(decision: Decision) -> None:
    """The gateway has said after all what became of the card; a cancelled order that only waited for that rests."""
    decision.lift_holds(lambda hold: hold["reason"] == UNKNOWN["reason"], "the gateway answered")
    finish(decision, decision.facts)


def _unexpected(decision: Decision, facts: Facts, deposits: list[EventFacts]) -> None:
    """A deposit for an order that awaits none (by card, on delivery, nothing to pay): a human has it, and the payment's
    numbers, which are of other money, stay as they are."""
    for event in deposits:
        says = (
            f"{event.body['amount']} yen came in as a deposit ({event.event_id}), but none was awaited; give it back."
        )
        decision.hold_for([{"reason": "unexpected_deposit", "says": says, "blocks": "release"}], "unexpected deposit")
        decision.events.append((event.id, "applied", None))


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


STAGE = Stage(
    "authorize",
    decide,
    Need.PAYMENT | Need.EVENTS | Need.EFFECTS | Need.SHIPMENTS | Need.LOTS | Need.COUPONS | Need.ADJUSTMENTS,
    (DEPOSIT,),
)
