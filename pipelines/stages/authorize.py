"""Authorize (決済): ask what the order's method asks, wait for what secures its money, move on.

Reminders and the unpaid cancel are this stage's timers; money that comes after a cancel goes through here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from models.states import HoldReason, OrderState, PaymentState
from pipelines.changes.authorizations import watch_for_loss
from pipelines.changes.ending import UNPAID, cancel_order, finish
from pipelines.changes.money import (
    HELD_OR_TAKEN,
    LETS_GO,
    SECURES,
    ask,
    ask_for_refund,
    asked,
    can_void,
    hold_unknown,
    is_begun,
    let_go,
    look_up,
    outstanding,
)
from pipelines.changes.payment_books import listen, snapshot_of
from pipelines.changes.payment_terms import payment_terms
from pipelines.changes.points import coming_back
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EffectFacts, EventFacts, Need
from pipelines.engine.stage import Stage
from pipelines.gateway import DEPOSIT, BuyerMust, Capability
from pipelines.methods import LateMoney, Method, Secured, Terms, agreed
from pipelines.orders.mails import customer_mail
from pipelines.rules.holds import Hold
from pipelines.shops import Shop

#: How a payment that had ended stands once more money came in.
_LATE: Final = {
    PaymentState.VOIDED: PaymentState.CAPTURED,
    PaymentState.EXPIRED: PaymentState.CAPTURED,
    PaymentState.REFUNDED: PaymentState.PARTLY_REFUNDED,
}
_UNDECIDED: Final = (PaymentState.PENDING, PaymentState.NEEDS_REVIEW)
#: What a payment must have come to, by what secures the method's money.
_SECURE: Final = {
    Secured.AUTHORIZATION: (PaymentState.AUTHORIZED, PaymentState.CAPTURED),
    Secured.PAYMENT: (PaymentState.CAPTURED,),
    Secured.APPROVAL: (PaymentState.AUTHORIZED, PaymentState.CAPTURED),
}


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Move the payment, and the order once its goods may go."""
    facts = draft.facts
    method = agreed(facts.method, facts.grand_total)
    deposits = draft.waiting
    if method.late_money is LateMoney.HUMAN or draft.money.gateway is not None:
        _unexpected(draft, deposits)
        deposits = []
    was_open = draft.money.state in _UNDECIDED
    waits = draft.state in (OrderState.ACCEPTED, OrderState.AWAITING_PAYMENT)
    # What follows is heard by ``settle``, for what it then does: tell of a refund, give back what is too much.
    if waits or draft.money.state not in HELD_OR_TAKEN:
        listen(draft)
    if not waits:
        _late_money(draft, shop, deposits, now, was_open)
        watch_for_loss(draft)
    elif facts.grand_total == 0:
        draft.move_payment(PaymentState.CAPTURED, "nothing to pay", authorized=0, captured=0)
        _secured(draft, "nothing to pay", now)
    elif method.secured_by in (Secured.BILL, Secured.NOTHING):
        _secured(draft, f"{facts.method}: released at once", now)
    elif draft.money.gateway is not None or method.needs_gateway:
        _by_gateway(draft, shop, method, now)
    else:
        _by_deposit(draft, shop, method, deposits, now)


def _is_secured(draft: OrderDraft) -> bool:
    """Whether the money is there, or promised, that the goods waited for."""
    method = agreed(draft.facts.method, draft.grand_total)
    return draft.money.state in _SECURE.get(method.secured_by, ())


def _secured(draft: OrderDraft, cause: str, now: datetime) -> None:
    draft.move_order(OrderState.AUTHORIZED, cause)
    draft.next("split", now)


def _by_gateway(draft: OrderDraft, shop: Shop, method: Method, now: datetime) -> None:
    first, state = asked(draft), draft.money.state
    if _is_secured(draft):
        _released(draft, shop, method, now)
    elif first is None:
        ask(draft, shop, method, payment_terms(draft.facts, draft.money, shop).payable_until)
    elif first.state == "declined":
        code = (first.outcome or {}).get("code")
        draft.move_payment(PaymentState.FAILED, "declined by the gateway", code=code)
        _fail(draft, shop, now, "declined")
    elif state in (PaymentState.FAILED, PaymentState.VOIDED):
        _fail(draft, shop, now, state)
    elif state == PaymentState.EXPIRED:
        cancel_order(draft, shop, now, reason=method.unpaid_reason, cause=UNPAID)
    elif first.state == "needs_review" and not is_begun(draft):
        _unknown(draft, first)
    elif is_begun(draft) and state == PaymentState.PENDING:
        told = snapshot_of(first)
        begun_at = told.as_of if told else draft.money.as_of or now
        until = begun_at + timedelta(minutes=shop.payment.confirm_minutes)
        _wait(draft, shop, method, _to_do(draft, method, until), now, until)


def _to_do(draft: OrderDraft, method: Method, until: datetime) -> BuyerMust | None:
    """What the customer must do by the gateway's last word, since an account may come after the page that opened it; an
    issuer's or a wallet's page is not open for ever, but ``until`` then (PAY-05)."""
    told = draft.money.instructions
    must = BuyerMust.from_json(told) if told else None
    if must is None or method.secured_by is not Secured.AUTHORIZATION:
        return must
    return replace(must, until=min(until, must.until) if must.until else until)


def _released(draft: OrderDraft, shop: Shop, method: Method, now: datetime) -> None:
    first, refused, funding = asked(draft), _refused_cards(shop), _funding(draft)
    if refused and funding is None and first is not None and first.state == "pending":
        return  # a notice outran the answer, which tells the kind of card and comes here
    if funding in refused:
        _fail(draft, shop, now, f"{funding}_card", refused_card=funding)  # the cancel voids what was authorized
        return
    if method.secured_by.is_awaited:
        draft.tell(customer_mail("payment_received", draft.facts, shop, now))
    _secured(draft, f"{method.name} {method.secured_by.release_when}", now)


def _funding(draft: OrderDraft) -> str | None:
    """The kind of card by the last answer that tells it: before 3-D Secure was passed a gateway knows none (PAY-02)."""
    answers = [told for effect in draft.effects.values() if (told := snapshot_of(effect)) is not None and told.funding]
    return max(answers, key=lambda told: told.as_of).funding if answers else None


def _refused_cards(shop: Shop) -> set[str]:
    """The kinds of card that the shop does not take (PAY-02)."""
    taken = {"debit": shop.payment.accept_debit, "prepaid": shop.payment.accept_prepaid}
    return {funding for funding, is_taken in taken.items() if not is_taken}


def _unknown(draft: OrderDraft, first: EffectFacts) -> None:
    code = (first.outcome or {}).get("code")
    draft.move_payment(PaymentState.NEEDS_REVIEW, "outcome unknown", code=code)
    hold_unknown(draft, "authorize: outcome unknown")


def _fail(draft: OrderDraft, shop: Shop, now: datetime, why: str, *, refused_card: str | None = None) -> None:
    """A final no ends the order: the gateway's, of which the mail names no cause (PAY-04), or the shop's own, to a kind of
    card (``refused_card``)."""
    back = coming_back(draft, shop, now)
    draft.tell(customer_mail("payment_failed", draft.facts, shop, now, refused_card=refused_card, points_back=back))
    cancel_order(draft, shop, now, reason="payment_failed", cause=f"payment failed: {why}", mail=False)


def _by_deposit(draft: OrderDraft, shop: Shop, method: Method, deposits: Sequence[EventFacts], now: datetime) -> None:
    if deposits:
        _deposited(draft, shop, method, deposits, now)
        if draft.money.state != PaymentState.PENDING or draft.money.captured >= draft.grand_total:
            return
    if draft.money.captured < draft.grand_total and (draft.held or not draft.money.captured):
        _wait(draft, shop, method, method.instructions(shop), now)  # a part does not stop the clock (PAY-07)
    elif not draft.held:
        # Another sum than was due: a human had it, and lets the order go on with it by lifting the hold (B.6.7).
        draft.move_payment(PaymentState.CAPTURED, "taken as it was paid", as_of=now)
        _tell_of_money(draft, shop, now)
        _secured(draft, "taken as it was paid", now)
        ask_for_refund(draft, shop, now, outstanding(draft), "more was paid than is due")


def _wait(
    draft: OrderDraft,
    shop: Shop,
    method: Method,
    must: BuyerMust | None,
    now: datetime,
    until: datetime | None = None,
) -> None:
    """The customer has to act: is told what to do, reminded, and waited for until the deadline; nobody is told to pay by a day
    that has passed. Where neither the method nor what he must do has a deadline, as where a gateway says nothing but that it
    has not decided yet, it is ``until`` (PAY-05)."""
    facts, terms = draft.facts, payment_terms(draft.facts, draft.money, shop)
    cancel_at = terms.cancel_at or (must.until if must else None) or until
    context: dict[str, Any] = {
        "buyer": must.to_mail() if must else None,
        "payment": {"method": facts.method, "amount": draft.grand_total - draft.money.captured, "pay_by": terms.pay_by},
    }
    is_over = cancel_at is not None and now >= cancel_at
    is_payable = _is_payable(terms, now)
    if draft.state == OrderState.ACCEPTED:
        draft.move_order(OrderState.AWAITING_PAYMENT, f"{facts.method}: waits for the money")
        if is_over:  # ended by a decision of its own: what accept granted in this one is not written yet
            draft.again(now)
        elif must is not None:
            draft.move_payment(None, "told what to do", instructions=must.to_json())
            draft.tell(customer_mail("payment_instructions", facts, shop, now, **context))
    elif is_over:
        _unpaid(draft, shop, method, now)
        return
    elif terms.remind_at is not None and now >= terms.remind_at and is_payable:
        draft.tell(customer_mail("payment_reminder", facts, shop, now, **context))
    steps = [(at, then) for at, then in ((terms.remind_at, "remind"), (cancel_at, "cancel")) if at is not None]
    if later := [(at, then) for at, then in steps if at > now]:
        until, then = min(later)
        draft.await_for("customer.money", "customer", until, then)


def _is_payable(terms: Terms, now: datetime) -> bool:
    """Whether the customer may still pay; after that only a late notice is waited for."""
    return terms.payable_until is None or now <= terms.payable_until


def _unpaid(draft: OrderDraft, shop: Shop, method: Method, now: datetime) -> None:
    """Time is up, and the method has its own reason for it (CAN-05). A gateway that can be asked is asked first, since its notice may be lost (PAY-08)."""
    gateway = shop.gateway(draft.money.gateway)
    looked = next((e for e in draft.effects.values() if e.kind == "payment.lookup" and e.key.endswith(_LAST)), None)
    if looked is None and gateway is not None and Capability.LOOKS_UP in gateway.capabilities:
        look_up(draft, _LAST, wakes="authorize")
    elif looked is not None and looked.state == "needs_review":
        _unknown(draft, looked)
    elif looked is None or looked.state != "pending":
        if not can_void(draft, shop):  # else the slip, or the page, is taken back: nobody pays for what is cancelled
            draft.move_payment(PaymentState.EXPIRED, UNPAID)
        draft.lift(lambda hold: hold.reason == HoldReason.DEPOSIT_MISMATCH, UNPAID)  # also of what is heard of just now
        cancel_order(draft, shop, now, reason=method.unpaid_reason, cause=f"{UNPAID} ({method.unpaid_rule})")


_LAST: Final = "unpaid"
"""What the last look before an unpaid order is cancelled is about."""


def _deposited(draft: OrderDraft, shop: Shop, method: Method, deposits: Sequence[EventFacts], now: datetime) -> None:
    """The whole sum releases the order; any other is held for a human (B.6.7)."""
    due = draft.facts.grand_total
    paid = sum(int(event.body["amount"]) for event in deposits) + draft.money.captured
    for event in deposits:
        draft.applied(event)
    came_at = max(_came_at(event, now) for event in deposits)
    if abs(paid - due) > shop.payment.transfer_tolerance:
        draft.hold(Hold(HoldReason.DEPOSIT_MISMATCH, amount=paid, facts={"due": due}), "deposit differs", anew=True)
        draft.move_payment(None, "deposit differs", authorized=paid, captured=paid, as_of=came_at)
        if paid > due or _is_payable(payment_terms(draft.facts, draft.money, shop), now):
            _tell_of_difference(draft, shop, method, paid, now)
        return
    draft.move_payment(PaymentState.CAPTURED, "deposit received", authorized=paid, captured=paid, as_of=came_at)
    draft.lift(lambda hold: hold.reason == HoldReason.DEPOSIT_MISMATCH, "deposit received")
    _tell_of_money(draft, shop, now)
    _secured(draft, "deposit received", now)


def _tell_of_money(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """The customer hears that what came in is taken, and how much it was."""
    paid = {"method": draft.facts.method, "amount": draft.money.captured, "pay_by": None}
    draft.tell(customer_mail("payment_received", draft.facts, shop, now, payment=paid))


def _came_at(event: EventFacts, now: datetime) -> datetime:
    """When a deposit was confirmed (CUT-01): when its notice says so. A bank's statement names a day alone, and confirms it
    when it is read."""
    return now if "booked_on" in event.body else min(event.at, now)


def _tell_of_difference(draft: OrderDraft, shop: Shop, method: Method, paid: int, now: datetime) -> None:
    """The customer hears what is missing and until when, if it is not too late, or that too much came in; once for each sum."""
    due, must = draft.grand_total, method.instructions(shop)
    draft.tell(
        customer_mail(
            "deposit_differs",
            draft.facts,
            shop,
            now,
            about=str(paid),
            deposit={"amount": paid, "due": due, "missing": max(0, due - paid), "beyond": max(0, paid - due)},
            pay_by=payment_terms(draft.facts, draft.money, shop).pay_by,
            buyer=must.to_mail() if must else None,
        )
    )


def _late_money(draft: OrderDraft, shop: Shop, deposits: Sequence[EventFacts], now: datetime, was_open: bool) -> None:
    """Money for an order that moved on: nothing is kept silently (CAN-03, PAY-07)."""
    if deposits:
        total = draft.money.captured + sum(int(event.body["amount"]) for event in deposits)
        new = _LATE.get(PaymentState(draft.money.state))
        draft.move_payment(new, "deposit after the order moved on", authorized=total, captured=total)
        for event in deposits:
            draft.applied(event)
        ask_for_refund(draft, shop, now, outstanding(draft), "late deposit")
    elif draft.state == OrderState.CANCELLED and was_open:
        _cancelled_meanwhile(draft, shop, now)


def _cancelled_meanwhile(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """The order was cancelled before it was known what became of its payment."""
    first, still_open = asked(draft), draft.money.state in _UNDECIDED
    if first is not None and first.state == "needs_review" and still_open and not is_begun(draft):
        if draft.money.state == PaymentState.PENDING:
            _unknown(draft, first)
    elif first is None or first.state != "pending":
        let_go(draft, shop, now, "cancelled")
        # The gateway has said after all what became of it; a cancelled order that only waited for that rests.
        draft.lift(lambda hold: hold.reason == HoldReason.PAYMENT_UNKNOWN, "the gateway answered")
        finish(draft)


def _unexpected(draft: OrderDraft, deposits: Sequence[EventFacts]) -> None:
    """A deposit for an order that awaits none (by card, on delivery, nothing to pay): a human has it, and the payment's
    numbers, which are of other money, stay as they are."""
    for event in deposits:
        amount, named = int(event.body["amount"]), {"event": event.event_id}
        draft.hold(Hold(HoldReason.UNEXPECTED_DEPOSIT, amount=amount, facts=named), "unexpected deposit")
        draft.applied(event)


STAGE = Stage(
    "authorize",
    decide,
    Need.PAYMENT | Need.EVENTS | Need.EFFECTS | Need.SHIPMENTS | Need.LOTS | Need.COUPONS | Need.ADJUSTMENTS,
    consumes=(DEPOSIT,),
    leads_to=("split", "settle"),
    asks=(*SECURES, *LETS_GO),
    at_once=("split",),
)
