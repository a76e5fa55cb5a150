"""What there is of an order, as a stage is told it: plain values of its payment, shipments, points, events and effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from models.states import ShipmentState


@dataclass(slots=True, frozen=True)
class PaymentFacts:
    """The order's payment; amounts in yen."""

    method: str
    gateway: str | None
    state: str
    amount: int
    authorized: int
    captured: int
    refunded: int
    refunded_by_hand: int
    reference: str | None
    code: str | None


@dataclass(slots=True, frozen=True)
class LineFacts:
    """Pieces of one line in a shipment."""

    quantity: int
    cancelled: int
    shipped: int

    @property
    def live(self) -> int:
        """Pieces that were not cancelled."""
        return self.quantity - self.cancelled

    @property
    def open(self) -> int:
        """Pieces that neither left nor were cancelled."""
        return self.quantity - self.cancelled - self.shipped


@dataclass(slots=True, frozen=True)
class ParcelFacts:
    """A parcel that left; ``claim`` is what the supplier named, None for "all that was open"."""

    shipment: str
    key: str
    shipped_at: datetime
    claim: Mapping[str, int] | None
    lines: Mapping[str, int]
    carrier: str | None
    tracking_number: str | None
    number_as_of: datetime
    tracking_status: str | None
    status_as_of: datetime | None


@dataclass(slots=True, frozen=True)
class ShipmentFacts:
    """A shipment with its lines."""

    id: str
    supplier: str
    state: str
    backorder: bool
    dispatch_on: date | None
    instruct_at: datetime | None
    arrive_on: date | None
    because: Sequence[Mapping[str, str]]
    plan_as_of: datetime | None
    lines: Mapping[str, LineFacts]

    @property
    def is_live(self) -> bool:
        """True unless it was cancelled."""
        return self.state != ShipmentState.CANCELLED


@dataclass(slots=True, frozen=True)
class UsedPoints:
    """Points of one lot that the order used, and when they expire."""

    lot: int
    amount: int
    expires_at: datetime | None


@dataclass(slots=True, frozen=True)
class EventFacts:
    """A received event that waits for this order; ``at`` is when it happened, by its sender."""

    id: int
    source: str
    event_id: str
    type: str
    shipment: str | None
    body: Mapping[str, Any]
    at: datetime


@dataclass(slots=True, frozen=True)
class EffectFacts:
    """An effect of this order; ``outcome`` once it is known."""

    key: str
    kind: str
    shipment: str | None
    payload: Mapping[str, Any]
    state: str
    outcome: Mapping[str, Any] | None


@dataclass(slots=True, frozen=True)
class Promotion:
    """A rise in rank that this order brought its customer."""

    old: str
    new: str
    from_on: date
