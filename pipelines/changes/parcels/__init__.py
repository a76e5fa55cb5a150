"""What each kind of a supplier's news says about shipments and parcels (出荷・配送の知らせ); ``notify`` draws the conclusions.

Each kind is applied so that the end is the same however late, often and in whatever order it comes (``rules.parcels``, the
``*_as_of`` marks). News about a parcel that is not known yet waits in the inbox for ``shipment.shipped``. What contradicts
itself or what is known is quarantined with its reason, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pipelines.changes.parcels.answers import acknowledged, cancel_accepted, cancel_refused, delayed, refused, short
from pipelines.changes.parcels.departures import KNOWN, corrected, departure_fault, shipped
from pipelines.changes.parcels.news import News, Where, contents
from pipelines.changes.parcels.tracking import delivered, lost, returned, updated
from pipelines.engine.facts import EventFacts
from pipelines.engine.shipment_draft import ShipmentDraft

__all__ = ["KINDS", "KNOWN", "News", "Where", "contents", "departure_fault", "read"]

_READ: Final[Mapping[str, Callable[[News, ShipmentDraft, EventFacts], None]]] = {
    "shipment.acknowledged": acknowledged,
    "shipment.refused": refused,
    "shipment.delayed": delayed,
    "shipment.shipped": shipped,
    "shipment.tracking_corrected": corrected,
    "shipment.tracking_updated": updated,
    "shipment.delivered": delivered,
    "shipment.returned": returned,
    "shipment.lost": lost,
    "shipment.short": short,
    "shipment.cancel_accepted": cancel_accepted,
    "shipment.cancel_refused": cancel_refused,
}

#: The kinds of news there are.
KINDS = tuple(_READ)


def read(news: News, shipment: ShipmentDraft, event: EventFacts) -> None:
    """Apply one event about ``shipment``."""
    _READ[event.type](news, shipment, event)
