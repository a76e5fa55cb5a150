"""From a carrier's answer to news of a parcel: the same event that a supplier would have sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from models.states import TrackingState
from models.store.carrier_inquiries import UnderWayRow
from pipelines.carriers import Carrier, Status
from pipelines.engine.inbox import Received
from pipelines.inquiries.inquiry import ANSWERED, Sighting
from pipelines.rules.dates.inquiry import UNSCANNED_DAYS

_UPDATED: Final = "shipment.tracking_updated"
_UNKNOWN: Final = Sighting("unknown_number", None)
_BACK: Final = frozenset({Status.RETURNING, Status.RETURNED})


def last_word(carrier: Carrier, seen: Sequence[Sighting]) -> Sighting:
    """How a parcel fares by all that was ``seen`` of it, oldest first; ``unknown_number`` where that is nothing.

    Of what turned back a later "delivered" is the delivery to its shipper: it is ``returned`` (B.4.3).
    """
    if not seen:
        return _UNKNOWN
    *earlier, last = seen
    turned_back = any(carrier.status(one.word) in _BACK for one in earlier)
    if turned_back and carrier.status(last.word) is Status.DELIVERED:
        return Sighting(TrackingState.RETURNED, last.at)
    return last


def news(carrier: Carrier, parcel: UnderWayRow, seen: Sequence[Sighting], now: datetime) -> Received | None:
    """What is to be told of ``parcel``; None where that is nothing new.

    A label that was printed and not handed over is none, nor is a number that the carrier does not know, within two days of its
    dispatch or once it was heard of. A word that nobody knows is told as it is, for a person to read (B.4.3). An answer without its
    time is of now, and the same word without a time is news once.
    """
    said = last_word(carrier, seen)
    status = carrier.status(said.word)
    unknown = said is _UNKNOWN or status is Status.UNKNOWN_NUMBER
    if status is Status.ANNOUNCED or (unknown and not _is_missed(parcel, now)):
        return None
    if _is_heard(parcel, said.word if status is None else status, said.at):
        return None
    return Received(
        source=f"carrier:{carrier.name}",
        event_id=f"{parcel.shipment_id}:{parcel.tracking_number}:{said.word}:{'' if said.at is None else said.at.isoformat()}",
        type=_UPDATED,
        body={"tracking_number": parcel.tracking_number, "carrier": carrier.name, "status": said.word},
        at=now if said.at is None else min(said.at, now),
        supplier=parcel.supplier,
        shipment=parcel.shipment_id,
    )


def answered(carrier: Carrier, parcel: UnderWayRow, seen: Sequence[Sighting], now: datetime) -> Received:
    """How ``parcel`` fares by what was ``seen``, for the order that waits to hear of it, new or not (PAY-09)."""
    said = last_word(carrier, seen)
    status = carrier.status(said.word)
    return Received(
        source=f"carrier:{carrier.name}",
        event_id=f"{parcel.shipment_id}:{parcel.tracking_number}:answered:{now.isoformat()}",
        type=ANSWERED,
        body={"parcel": parcel.key, "status": None if status is None else str(status)},
        at=now if said.at is None else min(said.at, now),
        supplier=parcel.supplier,
        shipment=parcel.shipment_id,
    )


def _is_missed(parcel: UnderWayRow, now: datetime) -> bool:
    return parcel.tracking_status is None and parcel.shipped_at + timedelta(days=UNSCANNED_DAYS) <= now


def _is_heard(parcel: UnderWayRow, status: str, at: datetime | None) -> bool:
    """Whether the parcel stands so already, of that time or a later one."""
    if parcel.tracking_status != status or parcel.status_as_of is None:
        return False
    return at is None or at <= parcel.status_as_of
