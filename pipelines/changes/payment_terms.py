"""Until when a customer must pay (PAY-07, PAY-08, PAY-10): the whole published term, from the moment when he can.

It counts from the order, and of one that reached us when its days were over from then. Where a hold kept the order from being asked for it counts from the answer to that hold, which is
stored with the payment.
"""

from __future__ import annotations

from datetime import datetime

from models.states import OrderState
from pipelines.changes.money import asked
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Facts, PaymentFacts
from pipelines.methods import Terms, agreed
from pipelines.shops import Shop


def payment_terms(facts: Facts, money: PaymentFacts, shop: Shop) -> Terms:
    """The terms of an order whose payment stands as ``money``."""
    method = agreed(facts.method, facts.grand_total)
    if money.terms_from is not None:
        return method.terms(shop, money.terms_from)
    return method.terms_of(shop, facts.placed_at, facts.accepted_at)


def count_from_answer(draft: OrderDraft, now: datetime) -> None:
    """Once nothing keeps an order from being asked for any more that a hold kept until now, its customer's time begins."""
    was_kept = any(hold.blocks == "authorize" for hold in draft.facts.holds)
    is_kept = any(hold.blocks == "authorize" for hold in draft.holds)
    if was_kept and not is_kept and draft.state == OrderState.ACCEPTED and asked(draft) is None:
        draft.move_payment(None, "can be paid from now on", terms_from=max(now, draft.facts.placed_at))
