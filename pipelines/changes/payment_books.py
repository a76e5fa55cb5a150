"""Hearing a gateway: the books of an order's payment move to what it says, and what contradicts them is a human's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from models.states import HoldReason, OrderState, PaymentState, may_move
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EffectFacts
from pipelines.gateway import Snapshot
from pipelines.methods import Capture, Secured, agreed
from pipelines.rules.holds import Hold
from pipelines.rules.payment_books import Books, Differs, follow

#: Holds that end once the gateway has said how the payment stands.
_ANSWERED: Final = (HoldReason.PAYMENT_DIFFERS, HoldReason.PAYMENT_UNKNOWN)
_WAITS: Final = (OrderState.ACCEPTED, OrderState.AWAITING_PAYMENT)
_ENDED: Final = (PaymentState.VOIDED, PaymentState.EXPIRED, PaymentState.FAILED)
#: How a gateway is asked how a payment stands.
LOOKS: Final = "payment.lookup"
#: The fact of a hold that counts the look-ups that were asked for before it.
_LOOKED: Final = "looked"
#: Why a payment moved, by what was answered.
_CAUSES: Final = {
    "payment.authorize": "gateway",
    "payment.register": "gateway",
    "payment.capture": "captured with the goods",
    "payment.void": "authorization released",
    "payment.refund": "refunded",
    "payment.renew": "held anew by the gateway",
    "payment.report": "reported to the provider",
    LOOKS: "looked up at the gateway",
}


def listen(draft: OrderDraft) -> None:
    """The books move to what the gateway answered, the oldest first. What speaks of the very moment that they know of is read again at each
    look: of it only what nobody heard yet is said."""
    answers = sorted(_answers(draft), key=lambda answer: answer[0].as_of)
    for number, (told, effect) in enumerate(answers, 1):
        if told.state == PaymentState.NEEDS_REVIEW:
            is_over = any(one.as_of == told.as_of for one, _ in answers[number:]) or _is_looked_at(draft, told, effect)
        else:
            is_over = _was_before(draft, told, effect)
        if not is_over:
            hear(draft, told, _CAUSES[effect.kind], seen=effect.payload.get("seen"))


def is_doubted(draft: OrderDraft) -> bool:
    """Whether an answer that speaks of the moment that the books know of needs a look."""
    return any(
        told.state == PaymentState.NEEDS_REVIEW and told.as_of == draft.money.as_of for told, _ in _answers(draft)
    )


def _is_looked_at(draft: OrderDraft, told: Snapshot, effect: EffectFacts) -> bool:
    """Whether the gateway is being asked what became of an answer that needs a look, and that was heard before."""
    asked = list(draft.effects.values())
    since = asked[asked.index(effect) + 1 :]
    return told.as_of == draft.money.as_of and any(one.kind == LOOKS and one.state == "pending" for one in since)


def _was_before(draft: OrderDraft, told: Snapshot, effect: EffectFacts) -> bool:
    """Whether an answer is what was before the doubt that it would end: it speaks of the same moment, shows no more, and is not that of
    the last look-up that was asked for since."""
    money = draft.money
    if money.state != PaymentState.NEEDS_REVIEW or told.as_of != money.as_of or told.state in _ENDED:
        return False
    back = money.refunded - money.refunded_by_hand
    if told.authorized > money.authorized or told.captured > money.captured or told.refunded > back:
        return False
    known = max((int(one.facts.get(_LOOKED, 0)) for one in draft.holds), default=0)
    return effect not in _looks(draft)[known:][-1:]


def _looks(draft: OrderDraft) -> list[EffectFacts]:
    return [effect for effect in draft.effects.values() if effect.kind == LOOKS]


def _answers(draft: OrderDraft) -> Iterator[tuple[Snapshot, EffectFacts]]:
    """What may say something new: most effects of an order were heard long ago."""
    known = draft.money.as_of
    for effect in draft.effects.values():
        stored = _stored(effect) if effect.state in ("done", "declined") else None
        if stored and (known is None or datetime.fromisoformat(stored["as_of"]) >= known):
            yield Snapshot.from_json(stored), effect


def snapshot_of(effect: EffectFacts) -> Snapshot | None:
    """How the payment stood when the gateway answered; None if it has not said so."""
    stored = _stored(effect)
    return Snapshot.from_json(stored) if stored else None


def _stored(effect: EffectFacts) -> Mapping[str, Any] | None:
    told: Mapping[str, Any] | None = (effect.outcome or {}).get("data", {}).get("snapshot")
    return told


def hear(draft: OrderDraft, told: Snapshot, cause: str, *, seen: str | None = None, once: bool = False) -> bool:
    """The books move to ``told``; False if it says nothing new. What cannot be goes before a human, with both sides, but for what was
    ``seen`` and released. ``once``: a notice, which is heard a single time.

    What held the amount before it was renewed may end as it likes; what a notice says was paid beside the order's
    payment is in none of its numbers, and a human gives it back."""
    is_another = draft.money.reference not in (None, told.reference)
    if told.state in _ENDED and is_another:
        return False
    if once and is_another and told.captured and draft.money.captured:
        return _paid_beside(draft, told, cause)
    found = follow(_books(draft), told, once=once)
    if found is None:
        return False
    if isinstance(found, Differs):
        review = may_move("payment", draft.money.state, PaymentState.NEEDS_REVIEW)
        draft.move_payment(PaymentState.NEEDS_REVIEW if review else None, cause, as_of=told.as_of)
        if found.theirs == seen:
            return True
        said = {"theirs": found.theirs, "ours": found.ours, "wrong": found.wrong}
        draft.hold(Hold(HoldReason.PAYMENT_DIFFERS, facts={**said, _LOOKED: len(_looks(draft))}), cause, anew=True)
        return True
    for state in found.states:
        draft.move_payment(state, cause)
    draft.move_payment(
        None,
        cause,
        authorized=found.authorized,
        captured=found.captured,
        refunded=found.refunded,
        reference=told.reference,
        code=told.code,
        expires_at=told.expires_at,
        instructions=told.buyer.to_json() if told.buyer else None,
        as_of=told.as_of,
        fee=told.fee,
        liability=told.liability,
    )
    draft.lift(lambda hold: hold.reason in _ANSWERED, "the gateway answered")
    return True


def _paid_beside(draft: OrderDraft, told: Snapshot, cause: str) -> bool:
    """Money of a second payment of an order that is paid; whether there is news of it."""
    left = told.captured - told.refunded
    known = next((one for one in draft.holds if one.facts.get("event") == told.reference), None)
    if left == (known.amount if known else 0):
        return False
    draft.lift(lambda hold: hold == known, cause)
    if left > 0:
        draft.hold(Hold(HoldReason.UNEXPECTED_DEPOSIT, amount=left, facts={"event": told.reference}), cause)
    return True


def _books(draft: OrderDraft) -> Books:
    money, due = draft.money, draft.grand_total
    asked = (
        e.payload["amount"] for e in draft.effects.values() if e.kind == "payment.capture" and e.state != "declined"
    )
    method = agreed(draft.facts.method, due)
    by_notice = method.capture is Capture.BY_NOTICE
    waits = method.secured_by is Secured.PAYMENT and draft.state in _WAITS
    return Books(
        PaymentState(money.state),
        due,
        due if by_notice else max(money.captured, sum(asked)),
        due if by_notice and waits else 0,
        money.authorized,
        money.captured,
        money.refunded,
        money.refunded_by_hand,
        money.as_of,
    )
