"""What a document is written from: facts of one order, gathered once (``pipelines.documents.gather``)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pipelines.documents.kinds import Kind
from pipelines.rules.money.adjustments import Adjustment
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.order import Order
from pipelines.rules.remarks import read
from pipelines.shops import Shop
from pipelines.values.calendar import JST


@dataclass(frozen=True, slots=True)
class Change:
    """An adjustment of the order, its ``sequence``-th, and when it was made."""

    sequence: int
    at: datetime
    adjustment: Adjustment


@dataclass(frozen=True, slots=True)
class ParcelSent:
    """A parcel that left, the ``place``-th of the order from 1: pieces by line, who sent it, how."""

    place: int
    shipment: str
    key: str
    supplier: str
    sent_at: datetime
    lines: Mapping[str, int]
    carrier: str | None
    tracking_number: str | None

    @property
    def subject(self) -> str:
        """What its documents are about; it stays, whatever parcels are heard of later."""
        return f"{self.shipment}/{self.key}"


@dataclass(frozen=True, slots=True)
class ToPick:
    """A shipment that has not left, with the pieces by line that are still to be picked; ``remarks`` are the order's for whoever
    sends it."""

    shipment: str
    supplier: str
    dispatch_on: date | None
    lines: Mapping[str, int]
    remarks: Sequence[str] = ()

    @property
    def subject(self) -> str:
        """What its list is about: other pieces are another list, since a copy repeats what the first said."""
        said = ",".join(f"{line}={pieces}" for line, pieces in sorted(self.lines.items()))
        return f"{self.shipment}/{hashlib.blake2b(said.encode(), digest_size=6).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Issued:
    """A document that is stored; ``subject`` is what of the order it is about, empty for all of it."""

    id: str
    kind: Kind
    subject: str
    number: str
    copy: int
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class SaleFacts:
    """One order. ``method`` is how it is really paid (``none`` where points paid all). ``captured`` yen were taken, the first of
    them at ``captured_at``; ``refunded`` went back. ``receipt_request`` is what the remarks say of a receipt. Of one that ``is_cancelled``
    nothing is sold, wherever its goods are."""

    order: Order
    breakdown: Breakdown
    method: str
    captured: int
    refunded: int
    captured_at: datetime | None
    changes: Sequence[Change] = ()
    parcels: Sequence[ParcelSent] = ()
    to_pick: Sequence[ToPick] = ()
    issued: Sequence[Issued] = ()
    receipt_request: Mapping[str, str] | None = None
    is_cancelled: bool = False

    @property
    def dispatched_on(self) -> date | None:
        """The day on which the last of what left so far left, Asia/Tokyo; None before any did."""
        return max((one.sent_at.astimezone(JST).date() for one in self.parcels), default=None)

    def copies(self, kind: Kind, subject: str = "") -> Sequence[Issued]:
        """The documents of that kind about ``subject``, the first first."""
        return [one for one in self.issued if one.kind == kind and one.subject == subject]


def receipt_request(order: Order, shop: Shop) -> Mapping[str, str] | None:
    """What the remarks say of a receipt (DOC-02): whom it is made out to and what for; None where they ask for none."""
    value = next((one.value for one in read(order, shop).of("receipt_request")), None)
    return value if isinstance(value, Mapping) else None
