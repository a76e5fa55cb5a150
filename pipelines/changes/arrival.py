"""From parcels to the order (配達完了・未達): where it stands once all of it has left, and what was collected for it."""

from __future__ import annotations

from models.states import OrderState, ShipmentState, TrackingState
from pipelines.changes.money import collect, uncollect
from pipelines.engine.draft import OrderDraft
from pipelines.rules.parcels import GONE


def follow_parcels(draft: OrderDraft) -> None:
    """Move the order to where its parcels are: on their way, all with the customer, or none of them ever to be."""
    live = [shipment for shipment in draft.shipments if shipment.is_live]
    if not live or any(shipment.state != ShipmentState.SHIPPED for shipment in live):
        if any(draft.shipped.values()):
            draft.move_order(OrderState.PARTLY_SHIPPED, "some pieces shipped")
        return
    if draft.state not in (OrderState.DELIVERED, OrderState.UNDELIVERED):
        draft.move_order(OrderState.SHIPPED, "all live shipments shipped")
    fare = {parcel.tracking_status for parcel in draft.parcels.values()}
    if fare == {TrackingState.DELIVERED}:
        draft.move_order(OrderState.DELIVERED, "all parcels delivered")
        collect(draft)
        return
    if draft.state == OrderState.DELIVERED:
        uncollect(draft)
    if fare and fare <= GONE:
        draft.move_order(OrderState.UNDELIVERED, "every parcel came back or was lost")
    else:
        draft.move_order(OrderState.SHIPPED, "a parcel is on its way after all")
