"""How a parcel fares on its way (配送状況): the status that weighs most counts, whatever came first (B.4.3). Where it does not reach
the customer, a human has the order until it does or its goods are settled (RET-07, RET-08)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from models.states import HoldReason, OrderState, TrackingState
from pipelines.carriers import Status, carrier
from pipelines.changes.money import is_collected
from pipelines.changes.parcels.departures import carrier_of, parcel_meant
from pipelines.changes.parcels.news import News, contents
from pipelines.changes.undelivered import count_undelivered
from pipelines.engine.facts import EventFacts, ParcelFacts
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.rules.holds import Hold

_STATES: Final = frozenset(TrackingState)
#: What holds an order, by how its parcels fare.
_HOLDS: Final[Mapping[HoldReason, frozenset[TrackingState]]] = {
    HoldReason.TRANSIT_ACCIDENT: frozenset({TrackingState.LOST, TrackingState.DAMAGED}),
    HoldReason.RETURNED_UNDELIVERED: frozenset({TrackingState.RETURNED}),
    HoldReason.PARCEL_PROBLEM: frozenset(
        {TrackingState.ADDRESS_PROBLEM, TrackingState.REFUSED, TrackingState.RETURNING}
    ),
}
#: On the way back to whoever sent it.
_COMES_BACK: Final = frozenset({TrackingState.REFUSED, TrackingState.RETURNING, TrackingState.RETURNED})


def updated(news: News, shipment: ShipmentDraft, event: EventFacts) -> None:
    """The status in our words or in the carrier's own."""
    word = str(event.body.get("status"))
    meant = parcel_meant(news, shipment, event.body.get("tracking_number"))
    status = word if word in _STATES else carrier(carrier_of(news, shipment, event, meant) or "").status(word)
    if status == TrackingState.AT_STORE and news.draft.facts.pickup is None:
        news.draft.quarantined(event, "the order is not called to a store")
    elif status in _STATES:
        _track(news, shipment, event, TrackingState(status))
    elif status == Status.ANNOUNCED:
        news.draft.ignored(event, "the parcel was not handed over yet")
    else:
        why = "unknown" if status is None else f"{status}: ask the carrier"
        news.draft.quarantined(event, f"status {word!r} is {why}")


def delivered(news: News, shipment: ShipmentDraft, event: EventFacts) -> None:
    """The customer has it."""
    _track(news, shipment, event, TrackingState.DELIVERED)


def returned(news: News, shipment: ShipmentDraft, event: EventFacts) -> None:
    """It came back to whoever sent it."""
    _track(news, shipment, event, TrackingState.RETURNED)


def lost(news: News, shipment: ShipmentDraft, event: EventFacts) -> None:
    """It was lost on the way."""
    _track(news, shipment, event, TrackingState.LOST)


def _track(news: News, shipment: ShipmentDraft, event: EventFacts, status: TrackingState) -> None:
    """Set the status of the parcels meant where the news outweighs what is known; what is not known yet waits for
    ``shipment.shipped``."""
    meant = _parcels_meant(news, shipment, event, status)
    if not meant:
        return
    if status == TrackingState.DELIVERED and news.draft.facts.pickup is not None:
        status = TrackingState.AT_STORE  # what the carrier delivered is with the store, and not with the customer yet
    told = [parcel for parcel in meant if parcel.tracking_status is None or _outweighs(news, status, event.at, parcel)]
    if not told:
        news.draft.ignored(event, "newer news is known")
        return
    for parcel in told:
        news.draft.keep_parcel(parcel._replace(tracking_status=status, status_as_of=event.at))
    if changed := [parcel for parcel in told if parcel.tracking_status != status]:
        news.fared.extend((shipment.id, parcel.key) for parcel in changed)
        _hold(news, shipment, status)
    news.draft.applied(event)


def _hold(news: News, shipment: ShipmentDraft, status: TrackingState) -> None:
    """Open what holds the order by this status, and end what none of the shipment's parcels is a reason for any more. That an
    unclaimed parcel comes back is what is waited for (PAY-09)."""
    awaited = news.draft.state == OrderState.CANCELLED and (
        is_collected(news.draft.money) or news.draft.facts.pickup is not None
    )
    fare = {parcel.tracking_status for parcel in news.draft.parcels_of(shipment.id)}
    for reason, statuses in _HOLDS.items():
        if status in statuses and not _is_settled(news, shipment) and not (awaited and status in _COMES_BACK):
            news.hold(Hold(reason, shipment.id))
        elif not fare & statuses:
            news.lift(reason, shipment, f"the parcel is {status}")
    if status == TrackingState.RETURNED and not _is_settled(news, shipment):
        count_undelivered(news.draft, shipment.id)


def _is_settled(news: News, shipment: ShipmentDraft) -> bool:
    """Whether an operator settled all that the shipment sent before this news came."""
    sent = {line: pieces.shipped for line, pieces in shipment.lines.items() if pieces.shipped}
    return bool(sent) and all(news.draft.came_back(line) >= shipped for line, shipped in sent.items())


def _parcels_meant(news: News, shipment: ShipmentDraft, event: EventFacts, status: TrackingState) -> list[ParcelFacts]:
    """The parcel an event names; a delivery that names none is that of the whole shipment, once all of it has left."""
    named = event.body.get("tracking_number")
    if status == TrackingState.DELIVERED and not named:
        parcels = news.draft.parcels_of(shipment.id)
        held = contents(shipment, parcels).values()
        left = {line: sum(content.get(line, 0) for content in held) for line in shipment.lines}
        return parcels if all(left[line] >= pieces.live for line, pieces in shipment.lines.items()) else []
    parcel = parcel_meant(news, shipment, named)
    return [] if parcel is None else [parcel]


def _outweighs(news: News, status: TrackingState, at: datetime, parcel: ParcelFacts) -> bool:
    """Whether news of ``status`` counts beside what is known. What a store sends back is not there again, whatever is said late."""
    known = TrackingState(parcel.tracking_status or "")
    if known == TrackingState.RETURNING and status == TrackingState.AT_STORE:
        return False
    return _weight(status, at) > _weight(known, parcel.status_as_of)


def _weight(status: TrackingState, at: datetime | None) -> tuple[int, datetime | None, int]:
    """What outweighs what, whatever came first: returned is final, since a later "delivered" is the way back to the
    shipper (B.4.3); delivered ends the rest, and at a store it has come to its end for the carrier; else the newest counts, and of one moment the farthest on the way."""
    final = {TrackingState.AT_STORE: 1, TrackingState.DELIVERED: 2, TrackingState.RETURNED: 3}
    return final.get(status, 0), at, list(TrackingState).index(status)
