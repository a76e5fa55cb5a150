"""Inspect (高額注文の確認): a dear order waits for a human before its money is touched."""

from __future__ import annotations

from datetime import datetime

from models.states import HoldReason, OrderState
from pipelines.engine.draft import OrderDraft
from pipelines.engine.stage import Stage
from pipelines.rules.holds import Hold
from pipelines.shops import Shop


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Hold what costs more than 100,000 yen; let everything else go on."""
    if draft.state == OrderState.ACCEPTED and draft.grand_total > 100_000:
        draft.hold(Hold(HoldReason.NEEDS_HUMAN), "more than 100,000 yen")
    else:
        draft.next("authorize", now)


STAGE = Stage("inspect", decide, leads_to=("authorize",))
