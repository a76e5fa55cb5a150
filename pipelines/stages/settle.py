"""Settle (売上・返金): what became of captures, voids and refunds, what a gateway tells of itself, and what an operator gave
back by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from models.states import ALL_LEFT, HoldReason, OrderState, PaymentState
from pipelines.changes.authorizations import hold_for_authorization, stop_waiting_for_payout, watch_for_loss
from pipelines.changes.ending import finish
from pipelines.changes.money import (
    HAS_MONEY,
    LETS_GO,
    MAY_HAVE_MONEY,
    TAKES,
    after_refund,
    ask_for_refund,
    capture,
    hold_unknown,
    look_up,
    not_renewed,
    outstanding,
    refund,
    void,
)
from pipelines.changes.payment_books import LOOKS, hear, is_doubted, listen, snapshot_of
from pipelines.changes.reopening import reopen
from pipelines.changes.reporting import REPORT
from pipelines.changes.requests import asker, heard
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EffectFacts, EventFacts, Need, PaymentFacts
from pipelines.engine.stage import Stage
from pipelines.gateway import STANDS, Capability, Snapshot
from pipelines.orders.actions.goodwill import ACTION as GOODWILL
from pipelines.orders.actions.refunds import ACTION
from pipelines.orders.mails import BY_HAND, customer_mail, refunded_mail
from pipelines.rules.holds import Hold
from pipelines.rules.money.adjustments import goodwill
from pipelines.shops import Shop
from pipelines.values.calendar import in_japan

_WAITS: Final = (OrderState.ACCEPTED, OrderState.AWAITING_PAYMENT)


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Move the payment by what was answered and told; what failed goes before a human."""
    before = draft.money
    listen(draft)
    for event in draft.waiting:
        if event.type == STANDS:
            _told(draft, shop, event)
    outcomes = list(draft.effects.values())
    for effect in outcomes:
        if effect.kind in _FAILURES and _matters(draft, effect):
            _failed(draft, effect, _FAILURES[effect.kind])
    _after_refused_void(draft, shop)
    _after_review(draft, shop, now, before)
    _after_renewal(draft, shop, now, before)
    watch_for_loss(draft)
    _give_at_will(draft, shop, now)
    if draft.money.captured > before.captured and not reopen(draft, shop, now):
        refund(draft, shop, now, _TOO_MUCH)
        stop_waiting_for_payout(draft)
    elif before.state == PaymentState.NEEDS_REVIEW and draft.money.state in HAS_MONEY and outstanding(draft) > 0:
        refund(draft, shop, now, _TOO_MUCH)  # it became due back while the money was in doubt
    if draft.money.state in MAY_HAVE_MONEY or draft.money.refunded > before.refunded:
        _refunds(draft, shop, now, before.refunded, [effect for effect in outcomes if effect.kind == "payment.refund"])
    if before.state == draft.money.state == PaymentState.NEEDS_REVIEW and outstanding(draft) > 0 and not draft.held:
        ask_for_refund(draft, shop, now, outstanding(draft), _TOO_MUCH)  # it stays in doubt, and nobody has the order
    for event in _by_hand(draft):
        heard(ACTION, draft, shop, now, event)  # where there is no money to give back, it is refused
    _go_on(draft, now, before)
    finish(draft)


_TOO_MUCH: Final = "more came in than is due by now"
_FAILURES: Final = {
    "payment.capture": HoldReason.CAPTURE_FAILED,
    REPORT: HoldReason.CAPTURE_FAILED,
    "payment.void": HoldReason.VOID_FAILED,
}
_NOT_DONE: Final = ("declined", "needs_review")
#: Orders whose goods wait on an authorization.
_WAITS_ON_IT: Final = (OrderState.AUTHORIZED, OrderState.RELEASED, OrderState.PARTLY_SHIPPED)


def _matters(draft: OrderDraft, effect: EffectFacts) -> bool:
    """Whether money is still held, or owed, because of what was answered."""
    is_owed = effect.kind == "payment.capture" and draft.money.state in HAS_MONEY and outstanding(draft) < 0
    return draft.money.state == PaymentState.AUTHORIZED or is_owed


def _after_refused_void(draft: OrderDraft, shop: Shop) -> None:
    """What was not paid, as far as the books know, and cannot be taken back, or nobody knows whether it was, may be paid by now: the gateway
    is asked, since its notice may be lost (PAY-08)."""
    gateway, effects = shop.gateway(draft.money.gateway), draft.effects.values()
    is_refused = any(effect.kind == "payment.void" and effect.state in _NOT_DONE for effect in effects)
    is_asked = gateway is not None and Capability.LOOKS_UP in gateway.capabilities
    if is_refused and is_asked and draft.money.state == PaymentState.PENDING:
        look_up(draft, "not taken back", wakes="settle")


def _after_review(draft: OrderDraft, shop: Shop, now: datetime, before: PaymentFacts) -> None:
    """What was in doubt is held after all: what the goods that have left are worth is taken. Where nobody can say how it stands, goods
    that wait for it wait on, and somebody knows."""
    if before.state != PaymentState.NEEDS_REVIEW:
        return
    if draft.money.state == PaymentState.AUTHORIZED and draft.state in (OrderState.PARTLY_SHIPPED, *ALL_LEFT):
        capture(draft, shop, now)
    _still_held(draft)
    looks = [effect.state for effect in draft.effects.values() if effect.kind == LOOKS]
    is_answered = bool(looks) and "pending" not in looks
    if is_answered and draft.money.state == PaymentState.NEEDS_REVIEW and draft.state in _WAITS and not draft.held:
        hold_unknown(draft, "looked up: outcome unknown")


def _still_held(draft: OrderDraft) -> None:
    """What was asked for is not asked for twice: where it was answered in doubt, and is not done after all, or not all of it, a person sees
    to it."""
    if draft.money.state != PaymentState.AUTHORIZED:
        return
    done = [effect for effect in draft.effects.values() if effect.state == "done"]
    asked = sum(int(effect.payload["amount"]) for effect in done if effect.kind == "payment.capture")
    kinds = ["payment.capture"] if asked > draft.money.captured else []
    for kind in (*kinds, *(effect.kind for effect in done if effect.kind == "payment.void")):
        draft.hold(Hold(_FAILURES[kind], facts={"code": "not_shown"}), "looked up at the gateway")


def _after_renewal(draft: OrderDraft, shop: Shop, now: datetime, before: PaymentFacts) -> None:
    """What holds the amount by now is watched from its own end; where it was not renewed, a person and the customer hear of
    it (SPL-04)."""
    money = draft.money
    if money.state != PaymentState.AUTHORIZED or draft.state not in _WAITS_ON_IT:
        return
    if money.expires_at != before.expires_at:
        draft.next("dispatch", now)
    refused = not_renewed(draft)
    if refused is not None and money.expires_at is not None:
        hold_for_authorization(draft, money.expires_at)
        if refused.state == "declined":
            draft.tell(
                customer_mail(
                    "authorization_not_renewed",
                    draft.facts,
                    shop,
                    now,
                    about=refused.key,
                    until=in_japan(money.expires_at).date(),
                    payment={"method": draft.facts.method, "amount": draft.due, "pay_by": None},
                )
            )


def _told(draft: OrderDraft, shop: Shop, event: EventFacts) -> None:
    """A gateway's notice: how the payment stands, or a reason to look. Only the gateway that was asked has a say."""
    name = draft.money.gateway
    gateway = shop.gateway(name)
    if gateway is None or event.source != f"gateway:{name}":
        draft.refused(event, "the payment was asked of another gateway")
    elif stored := event.body.get("snapshot"):
        before = draft.money.state
        is_news = hear(draft, Snapshot.from_json(stored), "told by the gateway", once=True)
        draft.applied(event) if is_news else draft.ignored(event, "it was known")
        is_over = before == PaymentState.NEEDS_REVIEW != draft.money.state
        if is_over and is_doubted(draft) and Capability.LOOKS_UP in gateway.capabilities:
            # The answer in doubt is read again, and would be the last word.
            look_up(draft, event.event_id, wakes="settle")
    elif Capability.LOOKS_UP in gateway.capabilities:
        look_up(draft, event.event_id, wakes="settle")
        draft.applied(event)
    else:
        draft.refused(event, "it does not say how the payment stands, and the gateway cannot be asked")


def _go_on(draft: OrderDraft, now: datetime, before: PaymentFacts) -> None:
    """An order that waited for its money is looked at again, and one whose customer is to act after all, or is not to any more; money
    that a cancelled one still has is let go."""
    was_in_doubt = before.state == PaymentState.NEEDS_REVIEW
    if was_in_doubt if draft.money.state == PaymentState.PENDING else draft.state in _WAITS:
        draft.next("authorize", now)
    elif draft.state == OrderState.CANCELLED and draft.money.state == PaymentState.AUTHORIZED and not _voids(draft):
        void(draft)


def _voids(draft: OrderDraft) -> bool:
    return any(effect.kind == "payment.void" for effect in draft.effects.values())


def _refunds(draft: OrderDraft, shop: Shop, now: datetime, before: int, refunds: Sequence[EffectFacts]) -> None:
    """Each refund is told once, since a mail about it is known by its key; what is left to give back is attended to.

    ``before``: yen that had gone back.
    """
    told = _given_by_gateway(draft, refunds, draft.money.refunded - before)
    given = _given_by_hand(draft, shop, now)
    if given:
        draft.move_payment(after_refund(draft), "refunded")
    for key, amount in told:
        draft.tell(refunded_mail(draft, shop, now, key, amount))
    for key, amount in given:
        draft.tell(refunded_mail(draft, shop, now, key, amount, method=BY_HAND))
    _attend(draft, shop, now, refunds)


def _given_by_gateway(draft: OrderDraft, refunds: Sequence[EffectFacts], left: int) -> list[tuple[str, int]]:
    """(key, yen) of the ``left`` yen that the gateway gave back by now: each refund that its answer counted among them, and what it
    gave beside those, in its own dashboard or later than it answered."""
    total = draft.money.refunded - draft.money.refunded_by_hand
    known, given = total - left, []
    for effect in refunds:
        answered, amount = snapshot_of(effect) if effect.state == "done" else None, int(effect.payload["amount"])
        if answered is not None and answered.refunded > known and amount <= left:
            given.append((effect.key, amount))
            left -= amount
    return [*given, (f"gateway:{total}", left)] if left > 0 else given


def _given_by_hand(draft: OrderDraft, shop: Shop, now: datetime) -> list[tuple[str, int]]:
    """What operators say they gave back: (key, yen) of each that can be so."""
    given = []
    for event in _by_hand(draft):
        if (asked := heard(ACTION, draft, shop, now, event)) is None:
            continue
        by_hand, refunded = draft.money.refunded_by_hand + asked.amount, draft.money.refunded + asked.amount
        draft.move_payment(None, "given back by hand", refunded_by_hand=by_hand, refunded=refunded)
        draft.applied(event)
        given.append((f"by hand:{event.source}:{event.event_id}", asked.amount))
    return given


def _by_hand(draft: OrderDraft) -> list[EventFacts]:
    return [event for event in draft.waiting if event.type == ACTION.wakes]


def _give_at_will(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Goodwill is a change of the order as any: the books say how much and why, and what is too much with the shop goes back."""
    for event in draft.waiting:
        if event.type == GOODWILL.wakes and (asked := heard(GOODWILL, draft, shop, now, event)) is not None:
            draft.adjust(f"{event.source}:{event.event_id}", asked.reason, goodwill(asked.amount))
            draft.applied(event)
            refund(draft, shop, now, f"goodwill by {asker(event)}")


def _attend(draft: OrderDraft, shop: Shop, now: datetime, refunds: Sequence[EffectFacts]) -> None:
    """What is still to be given back waits for a human."""
    left = outstanding(draft)
    for effect in refunds:
        if effect.state == "needs_review" or left > 0:
            _failed(draft, effect, HoldReason.REFUND_FAILED, outcome=effect.state)
    if left <= 0 and all(effect.state != "needs_review" for effect in refunds):
        draft.lift(lambda hold: hold.answered_by(ACTION.name), "nothing is due back any more")
    elif any(hold.reason == HoldReason.REFUND_DUE for hold in draft.holds):
        ask_for_refund(draft, shop, now, left, "a part was given back by hand")


def _failed(draft: OrderDraft, effect: EffectFacts, reason: HoldReason, **facts: str) -> None:
    if effect.state in _NOT_DONE:
        code = str((effect.outcome or {}).get("code"))
        draft.hold(Hold(reason, facts={"code": code, **facts}), f"{effect.kind}: {effect.state}")


STAGE = Stage(
    "settle",
    decide,
    Need.PAYMENT | Need.EFFECTS | Need.EVENTS | Need.LOTS | Need.ADJUSTMENTS | Need.CANCEL,
    consumes=(ACTION.wakes, GOODWILL.wakes, STANDS),
    leads_to=("authorize", "collect", "dispatch", "split", "reward"),
    asks=(*dict.fromkeys((*LETS_GO, *TAKES)), LOOKS),
)
