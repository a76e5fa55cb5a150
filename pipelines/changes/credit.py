"""What a change of lines gives back (値引・返品): points and money, booked by the stored spread (PTS-12 to PTS-14). What is paid on a
monthly bill was not taken by itself: the bill of the month is less by it (PAY-12)."""

from __future__ import annotations

from datetime import datetime

from pipelines.changes.money import HAS_MONEY, refund
from pipelines.changes.points import give_back_some, take_back
from pipelines.engine.draft import OrderDraft
from pipelines.orders.mails import refunded_mail
from pipelines.rules.billing import is_billed
from pipelines.rules.money.adjustments import FAULT, RETURN, Adjustment
from pipelines.rules.money.crediting import credited
from pipelines.shops import Shop


def credit(draft: OrderDraft, shop: Shop, now: datetime, *, key: str, reason: str, change: Adjustment) -> Adjustment:
    """Keep ``change`` with the order and give back its points and money; the change as it was kept.

    Points that were earned and spent lessen the money where the profile says so, and are owed otherwise (PTS-13).
    """
    facts, before = draft.facts, draft.adjustments
    source = f"order:{facts.id}:adjust:{len(before) + 1}"
    purse = facts.purse if shop.points.clawback == "deduct_from_refund" else None
    kept = credited(facts.breakdown, before, change, draft.lots, now, purse)
    draft.adjust(key, reason, kept.change)
    for one in kept.taken:
        take_back(draft, source, one)
    give_back_some(draft, shop, now, kept.change.points_returned, source)
    if draft.money.state in HAS_MONEY:
        refund(draft, shop, now, kept.change.kind)
    elif is_billed(facts.method) and kept.change.kind in (RETURN, FAULT) and kept.change.money:
        draft.tell(refunded_mail(draft, shop, now, f"bill:{len(draft.adjustments)}", kept.change.money))
    return kept.change
