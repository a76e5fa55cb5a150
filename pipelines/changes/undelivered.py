"""Parcels that nobody received (長期不在・受取拒否): whose later orders must know of it (INT-14, INT-15)."""

from __future__ import annotations

from pipelines.engine.draft import OrderDraft
from pipelines.methods import METHODS, Capture
from pipelines.rules.marks import CANCELLED, UNDELIVERED


def count_undelivered(draft: OrderDraft, shipment: str) -> None:
    """Count a shipment against its customer, once; one that was to be paid for on delivery is a cancel too. Goods that were called to a
    store are nobody's to receive at the door (STO-01)."""
    if draft.facts.pickup is not None:
        return
    draft.mark(UNDELIVERED, f"{shipment}:returned")
    if METHODS[draft.facts.method].capture is Capture.ON_DELIVERY:
        draft.mark(CANCELLED, f"{shipment}:returned")
