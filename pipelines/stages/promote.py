"""Promote (ランクアップ): the customer hears of a rise in rank that an order brought (RNK-03)."""

from __future__ import annotations

from datetime import datetime

from pipelines.engine.stage import Decision, Facts, Need, Stage
from pipelines.orders.mails import customer_mail
from pipelines.shops import Shop


def decide(facts: Facts, shop: Shop, now: datetime) -> Decision:
    """One mail a rise."""
    decision = Decision(facts)
    for one in facts.promotions:
        rank = {"old": one.old, "new": one.new, "from_on": one.from_on}
        decision.mails.append(customer_mail("rank_up", facts, shop, now, about=one.new, rank=rank))
    return decision


STAGE = Stage("promote", decide, Need.RANKS)
