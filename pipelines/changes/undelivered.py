"""Parcels that nobody received (長期不在・受取拒否) or that came to nothing (事故): whose goods are settled, and whose later orders must
know of it (RET-07, RET-08, INT-14, INT-15)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from models.states import ReturnState, TrackingState
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import ParcelFacts
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.methods import METHODS, Capture
from pipelines.rules.marks import CANCELLED, UNDELIVERED
from pipelines.rules.money.adjustments import FAULT
from pipelines.rules.parcels import ENDED

#: How a parcel fares that nobody received (RET-08), or whose goods came to nothing on the way (RET-07).
REFUSED: Final = frozenset({TrackingState.REFUSED, TrackingState.RETURNING, TrackingState.RETURNED})
NOT_RECEIVED: Final = REFUSED | {TrackingState.LOST, TrackingState.DAMAGED}


def unsettled(draft: OrderDraft, line: str) -> int:
    """Pieces of a line that no customer received and that nobody settled yet; less than 0 where the shop answered for more."""
    return _pieces(_not_received(draft), line) - _settled_at_the_shops_cost(draft, line)


def is_settled(draft: OrderDraft, shipment: ShipmentDraft) -> bool:
    """Whether goods that were just settled leave nothing to be seen to of a shipment: all that it sent came back, or the shop answered for
    what of it no customer received, or, where nothing is known of that, is still under way; what other parcels of it brought stays with him."""
    if all(draft.came_back(line) >= pieces.shipped for line, pieces in shipment.lines.items()):
        return True
    failed, sent = _not_received(draft), draft.parcels_of(shipment.id)
    missing = [one for one in sent if one in failed]
    if not missing:
        missing = [one for one in sent if one.tracking_status not in ENDED]
        failed += missing
    lines = {line for parcel in missing for line in parcel.lines}
    return bool(lines) and all(_settled_at_the_shops_cost(draft, line) >= _pieces(failed, line) for line in lines)


def _not_received(draft: OrderDraft) -> list[ParcelFacts]:
    return [one for one in draft.parcels.values() if one.tracking_status in NOT_RECEIVED]


def _pieces(parcels: Sequence[ParcelFacts], line: str) -> int:
    return sum(parcel.lines.get(line, 0) for parcel in parcels)


def _settled_at_the_shops_cost(draft: OrderDraft, line: str) -> int:
    """Pieces of a line for which the shop answered without a return of its customer's."""
    at_fault = sum(dict(one.lines).get(line, 0) for one in draft.adjustments if one.kind == FAULT)
    sent_back = sum(
        one.quantity
        for returned in draft.returns
        if returned.state == ReturnState.REFUNDED
        for one in returned.lines
        if (one.line, one.cost_on) == (line, "shop")
    )
    return at_fault - sent_back


def count_undelivered(draft: OrderDraft, shipment: str) -> None:
    """Count a shipment against its customer, once; one that was to be paid for on delivery is a cancel too. Goods that were called to a
    store are nobody's to receive at the door (STO-01)."""
    if draft.facts.pickup is not None:
        return
    draft.mark(UNDELIVERED, f"{shipment}:returned")
    if METHODS[draft.facts.method].capture is Capture.ON_DELIVERY:
        draft.mark(CANCELLED, f"{shipment}:returned")
