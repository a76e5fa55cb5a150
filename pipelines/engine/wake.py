"""Wake: which work becomes due where something came in from outside, an event or the outcome of an effect."""

from __future__ import annotations

from datetime import datetime

from models.store.work import WorkRow, of_order
from models.subject import SHIPMENT
from pipelines.route import STAGES


def woken(stage: str, order_id: int, shipment: str | None, now: datetime) -> WorkRow:
    """The work of ``stage`` after news of an order, or of a shipment of it where the stage is one of shipments; one that only a newer
    version knows, which asked for what an older one did, has its order, as nearly all stages have."""
    known = STAGES.get(stage)
    if shipment is not None and known is not None and known.subject == SHIPMENT:
        return WorkRow(stage, SHIPMENT, shipment, order_id, now)
    return of_order(stage, order_id, now)
