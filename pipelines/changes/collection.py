"""Which shipment of an order is told to collect its money (代金の集金), which parcel brings it, and that it is in (PAY-09)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from models.states import TrackingState
from pipelines.changes.money import ask_for_refund, collect, is_collected, uncollect
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import ParcelFacts
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.rules.money.collecting import Candidate, bringing, collecting
from pipelines.shops import Shop

#: How a parcel fares that its customer may have, where nobody says so: goods came back from them.
_MAY_BE_THERE: Final = frozenset({None, TrackingState.ACCEPTED, TrackingState.IN_TRANSIT, TrackingState.DELIVERED})


def candidates(draft: OrderDraft) -> list[Candidate]:
    """The order's shipments, as the rule sees them."""
    return [Candidate(one.id, one.state, one.backorder, one.instruct_at, one.collects) for one in draft.shipments]


def tell_to_collect(draft: OrderDraft, shop: Shop, shipment: ShipmentDraft) -> None:
    """Decide whether the instruction of ``shipment``, which is about to go out, says to collect the order's money."""
    if is_collected(draft.money):
        shipment.ask_to_collect(collecting(candidates(draft), shop.payment.cod_collects) == shipment.id)


def collecting_parcel(draft: OrderDraft, shop: Shop) -> ParcelFacts | None:
    """The parcel against which the carrier collects the order's money: the first of the shipment that was told to, or the one
    that was sent after that came back; None before it has left."""
    if not is_collected(draft.money):
        return None
    shipment = collecting(candidates(draft), shop.payment.cod_collects)
    return bringing(draft.parcels_of(shipment or ""))


def to_be_collected(draft: OrderDraft, shop: Shop) -> int:
    """Yen that the carrier collects: once the parcel has left, what its label says, which is what the order came to when its supplier
    was last told; what is taken out later, the customer gets back."""
    parcel = collecting_parcel(draft, shop)
    if parcel is None:
        return draft.due
    told_at = draft.shipment(parcel.shipment).told_at
    return draft.due_at(min(told_at or parcel.shipped_at, parcel.shipped_at))


def follow_collection(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """The money is in while the customer has the parcel that collects it; what is not due of it any more is to go back."""
    parcel = collecting_parcel(draft, shop)
    if parcel is None:
        return
    if parcel.tracking_status != TrackingState.DELIVERED:
        uncollect(draft)
    elif collect(draft, amount := to_be_collected(draft, shop)) and amount > draft.due:
        ask_for_refund(draft, shop, now, amount - draft.due, "collected for lines that were taken out since")


def collect_from_customer(draft: OrderDraft, shop: Shop) -> None:
    """Goods come back from the customer, who had them: they were paid for, unless the carrier says otherwise."""
    parcel = collecting_parcel(draft, shop)
    if parcel is not None and parcel.tracking_status in _MAY_BE_THERE:
        collect(draft, to_be_collected(draft, shop))
