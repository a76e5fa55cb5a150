"""Promote (ランクアップ): the customer hears of a rise in rank that an order brought (RNK-03)."""

from __future__ import annotations

from datetime import datetime

from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Need
from pipelines.engine.stage import Stage
from pipelines.orders.mails import customer_mail
from pipelines.shops import Shop


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """One mail a rise."""
    for one in draft.facts.promotions:
        rank = {"old": one.old, "new": one.new, "from_on": one.from_on}
        draft.tell(customer_mail("rank_up", draft.facts, shop, now, about=one.new, rank=rank))


STAGE = Stage("promote", decide, Need.RANKS)
