"""Inspect (ギフト注文の確認): an order that is a gift waits for a human before its money is touched."""

from __future__ import annotations

from datetime import datetime

from models.states import HoldReason, OrderState
from pipelines.engine.draft import OrderDraft
from pipelines.engine.stage import Stage
from pipelines.rules.holds import Hold
from pipelines.shops import Shop


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Hold an order whose remarks speak of a gift; let every other go on."""
    remarks = draft.facts.order.remarks
    if draft.state == OrderState.ACCEPTED and "ギフト" in remarks:
        draft.hold(Hold(HoldReason.NEEDS_HUMAN, facts={"words": remarks}), "a gift")
    else:
        draft.next("authorize", now)


STAGE = Stage("inspect", decide, leads_to=("authorize",))
