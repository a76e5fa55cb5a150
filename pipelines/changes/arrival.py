"""From parcels to the order (配達完了・未達): where it stands once all of it has left, what was collected for it, and until when
its delivery is waited for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from models.states import HoldReason, OrderState, ShipmentState, TrackingState
from models.subject import SHIPMENT, Subject
from pipelines.changes.collection import follow_collection
from pipelines.changes.money import is_owed_on_delivery
from pipelines.engine.decision import REPLACEMENT_UNDELIVERED
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import ParcelFacts
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.orders.arrivals import parcel_arrival
from pipelines.rules.dates.delivery import DELIVERED, OPERATOR, counts_as_delivered_at, overdue_at
from pipelines.rules.holds import Hold
from pipelines.rules.parcels import ENDED, GONE
from pipelines.shops import Shop
from pipelines.values.calendar import in_japan

#: The stage that waits for deliveries, and what it waits for.
WAITS_AT: Final = "notify"
_DELIVERY: Final = "carrier.delivery"


def follow_parcels(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Move the order to where its parcels are: on their way, all with the customer, or none of them ever to be; money that
    is collected with them follows. What never arrived and was settled counts no more beside what did."""
    follow_collection(draft, shop, now)
    _move(draft)
    _tell_first(draft)


def _move(draft: OrderDraft) -> None:
    live = [shipment for shipment in draft.shipments if shipment.is_live]
    if not live or any(shipment.state != ShipmentState.SHIPPED for shipment in live):
        if any(draft.shipped.values()):
            draft.move_order(OrderState.PARTLY_SHIPPED, "some pieces shipped")
        return
    if draft.state not in (OrderState.DELIVERED, OrderState.UNDELIVERED):
        draft.move_order(OrderState.SHIPPED, "all live shipments shipped")
    if not draft.parcels:
        return
    fare = {parcel.tracking_status for parcel in draft.parcels.values() if not _is_settled(draft, parcel)} or GONE
    if fare == {TrackingState.DELIVERED}:
        draft.move_order(OrderState.DELIVERED, "all parcels delivered")
    elif fare <= GONE:
        draft.move_order(OrderState.UNDELIVERED, "every parcel came back or was lost")
    else:
        draft.move_order(OrderState.SHIPPED, "a parcel is on its way after all")


def _tell_first(draft: OrderDraft) -> None:
    """An order that left for the goods of a return never arrived and is settled, whichever was known first: the return is open again
    (RET-07, RET-08)."""
    if draft.state != OrderState.UNDELIVERED or not draft.stands_otherwise:
        return
    if (first := draft.facts.document.get("replaces")) is not None and draft.is_all_gone:
        draft.tell_order(first, REPLACEMENT_UNDELIVERED)


def tell_first_of(draft: OrderDraft, why: str, pieces: Mapping[str, int]) -> None:
    """A part of what replaces goods never leaves (RET-01: stock is gone), or was settled that nobody received (RET-07, RET-08): the first
    order has the money for it. That nothing of it arrived is told of the whole."""
    sold, is_whole = draft.facts.order, draft.state == OrderState.UNDELIVERED and draft.is_all_gone
    if sold.replaces is not None and sold.exchange is None and pieces and not is_whole:
        draft.tell_order(sold.replaces, why, pieces)


def _is_settled(draft: OrderDraft, parcel: ParcelFacts) -> bool:
    if parcel.tracking_status not in GONE or not parcel.lines:
        return False
    return all(draft.came_back(line) >= pieces for line, pieces in parcel.lines.items())


def count_as_delivered(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Parcels without a number, which nobody can follow, count as delivered some days after they should have arrived. Not where
    money is still to be collected with them: that it was is news of its own."""
    if draft.state == OrderState.CANCELLED or is_owed_on_delivery(draft):
        return
    for shipment in draft.shipments:
        for parcel in _under_way(draft, shipment):
            at = counts_as_delivered_at(shop, parcel_arrival(draft.facts, shop, shipment, parcel.shipped_at))
            if parcel.tracking_number is None and at <= now and draft.facts.pickup is None:
                draft.keep_parcel(parcel._replace(tracking_status=TrackingState.DELIVERED, status_as_of=at))


def watch_delivery(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Wait for what is under way; what should have arrived, and of which nothing was heard since, a human has. For ``notify``
    alone, after ``count_as_delivered``."""
    for shipment in draft.shipments:
        about, parcels = Subject(SHIPMENT, shipment.id), _under_way(draft, shipment)
        if draft.state == OrderState.CANCELLED or not parcels:
            if draft.parcels_of(shipment.id):
                draft.end_wait(WAITS_AT, about)
                _lift(draft, shipment)
            continue
        at, then, parcel = min((_step(draft, shop, shipment, one) for one in parcels), key=lambda step: step[0])
        if at > now:
            _lift(draft, shipment)
            draft.end_wait(WAITS_AT, about)
            draft.await_for(_DELIVERY, parcel.carrier or shipment.supplier, at, then, about)
        else:
            since = {"day": in_japan(_last_heard(parcel)).date().isoformat()}
            draft.hold(Hold(HoldReason.DELIVERY_OVERDUE, shipment.id, facts=since), "no news of the delivery")


def _under_way(draft: OrderDraft, shipment: ShipmentDraft) -> Sequence[ParcelFacts]:
    """Those that a store keeps have come to it, and are waited for no longer."""
    return [one for one in draft.parcels_of(shipment.id) if one.tracking_status not in {TrackingState.AT_STORE, *ENDED}]


def _step(
    draft: OrderDraft, shop: Shop, shipment: ShipmentDraft, parcel: ParcelFacts
) -> tuple[datetime, str, ParcelFacts]:
    """When something is done about a parcel that nobody reports delivered, and what."""
    arrives_on = parcel_arrival(draft.facts, shop, shipment, parcel.shipped_at)
    if parcel.tracking_number is None and not is_owed_on_delivery(draft) and draft.facts.pickup is None:
        return counts_as_delivered_at(shop, arrives_on), DELIVERED, parcel
    return overdue_at(shop, arrives_on, _last_heard(parcel)), OPERATOR, parcel


def was_let_go(draft: OrderDraft, shop: Shop, parcel: ParcelFacts, now: datetime) -> bool:
    """Whether a human let go of a parcel of which nobody reports that it arrived: the hold for it is over, and nothing was heard since."""
    overdue, then, _ = _step(draft, shop, draft.shipment(parcel.shipment), parcel)
    released = draft.facts.released_by(now)
    return not draft.holds and then == OPERATOR and released is not None and overdue <= released


def _last_heard(parcel: ParcelFacts) -> datetime:
    return max(parcel.shipped_at, parcel.status_as_of or parcel.shipped_at)


def _lift(draft: OrderDraft, shipment: ShipmentDraft) -> None:
    draft.lift(
        lambda hold: hold.reason == HoldReason.DELIVERY_OVERDUE and hold.shipment == shipment.id,
        "news of the parcel came",
    )
