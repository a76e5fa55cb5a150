"""What a change of lines gives back (値引・返品): points and money, booked by the stored spread (PTS-12 to PTS-14)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from pipelines.changes.money import HAS_MONEY, refund
from pipelines.changes.points import Unearned, give_back_some, take_back, unearned
from pipelines.engine.draft import OrderDraft
from pipelines.rules.money.adjustments import Adjustment, deduct, points_unearned
from pipelines.shops import Shop


def credit(draft: OrderDraft, shop: Shop, now: datetime, *, key: str, reason: str, change: Adjustment) -> Adjustment:
    """Keep ``change`` with the order and give back its points and money; the change as it was kept.

    Points that were earned and spent lessen the money where the profile says so, and are owed otherwise (PTS-13).
    """
    facts, before = draft.facts, draft.adjustments
    source = f"order:{facts.id}:adjust:{len(before) + 1}"
    taken = list(unearned(draft, points_unearned(facts.breakdown, before, change)))
    if shop.points.clawback == "deduct_from_refund":
        missing = facts.purse.out_of_reach([(one.lot.id, one.points) for one in taken], now)
        change = deduct(change, sum(missing))
        taken = _less(taken, missing, change.points_deducted)
    draft.adjust(key, reason, change)
    for one in taken:
        take_back(draft, source, one)
    give_back_some(draft, shop, now, change.points_returned, source)
    if draft.money.state in HAS_MONEY:
        refund(draft, shop, now, change.kind)
    return change


def _less(taken: Sequence[Unearned], missing: Sequence[int], deducted: int) -> list[Unearned]:
    """What is left to take back in points when ``deducted`` of the ``missing`` ones were kept back in yen."""
    left = []
    for one, short in zip(taken, missing, strict=True):
        part = min(short, deducted)
        deducted -= part
        left.append(replace(one, points=one.points - part))
    return left
