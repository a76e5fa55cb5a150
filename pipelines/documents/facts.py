"""What a document is written from: facts of one order, gathered once (``pipelines.documents.gather``)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from pipelines.documents.kinds import Kind
from pipelines.rules.money.adjustments import FAULT, GOODWILL, RETURN, Adjustment, adjust
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.order import Order
from pipelines.rules.remarks import read
from pipelines.shops import Shop
from pipelines.values.calendar import JST

#: Changes of what was supplied: they are stated on a return invoice.
AFTER_DISPATCH: Final = (RETURN, FAULT, GOODWILL)


@dataclass(frozen=True, slots=True)
class Change:
    """An adjustment of the order, its ``sequence``-th, and when it was made; ``is_cancel``: the order's end, which takes back all that an
    invoice said."""

    sequence: int
    at: datetime
    adjustment: Adjustment
    is_cancel: bool = False


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
    them at ``captured_at``; ``refunded`` went back. ``receipt_request`` is what the remarks say of a receipt. Of one that was
    ``cancelled_at`` some moment nothing is sold, wherever its goods are."""

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
    cancelled_at: datetime | None = None

    @property
    def dispatched_on(self) -> date | None:
        """The day on which the last of what left so far left, Asia/Tokyo; None before any did."""
        return max((one.sent_at.astimezone(JST).date() for one in self.parcels), default=None)

    @property
    def given_back(self) -> Sequence[Change]:
        """The changes of what was supplied; the cancel too, where an invoice says that it was (B.1.4)."""
        found = [one for one in self.changes if one.adjustment.kind in AFTER_DISPATCH]
        if self.cancelled_at is None or not self.copies(Kind.INVOICE):
            return found
        before, left = [one.adjustment for one in self.changes], {one.line: one.quantity for one in self.order.lines}
        for line, pieces in (gone for one in before for gone in one.lines):
            left[line] -= pieces
        if not any(left.values()):
            return found
        rest = adjust(self.breakdown, before, FAULT, [(line, pieces) for line, pieces in left.items() if pieces])
        return [*found, Change(len(before) + 1, self.cancelled_at, rest, is_cancel=True)]

    def copies(self, kind: Kind, subject: str = "") -> Sequence[Issued]:
        """The documents of that kind about ``subject``, the first first."""
        return [one for one in self.issued if one.kind == kind and one.subject == subject]


def receipt_request(order: Order, shop: Shop) -> Mapping[str, str] | None:
    """What the remarks say of a receipt (DOC-02): whom it is made out to and what for; None where they ask for none."""
    value = next((one.value for one in read(order, shop).of("receipt_request")), None)
    return value if isinstance(value, Mapping) else None
