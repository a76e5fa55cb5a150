"""Money that a carrier collects on delivery (代引): which shipment of an order brings it in, and how much (PAY-09, B.5.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple, Protocol, TypeVar

from models.states import ShipmentState
from pipelines.rules.money.adjustments import Adjustment, totals_after
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.parcels import GONE

Which = Literal["first", "last"]


class Parcel(Protocol):
    """What must be known of a parcel to say whether it brings the money."""

    @property
    def shipped_at(self) -> datetime: ...
    @property
    def key(self) -> str: ...
    @property
    def tracking_status(self) -> str | None: ...
    @property
    def status_as_of(self) -> datetime | None: ...


P = TypeVar("P", bound=Parcel)

_GOES_NOWHERE: Final = frozenset({ShipmentState.CANCELLED, ShipmentState.REFUSED})
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class Candidate(NamedTuple):
    """A shipment of an order that is paid on delivery; ``collects``: whether it was told to collect, None before it was told."""

    id: str
    state: str
    backorder: bool
    instruct_at: datetime | None
    collects: bool | None = None


def gone(state: str) -> bool:
    """Whether a shipment in this state goes nowhere."""
    return state in _GOES_NOWHERE


def collecting(shipments: Iterable[Candidate], which: Which) -> str | None:
    """The one shipment that collects for the whole order: the one that was told to, else the first or last of those that are
    still to be told, back-orders after the others. None where none is left: a supplier that was told not to collect is not
    told otherwise."""
    going = [one for one in shipments if not gone(one.state)]
    if told := min((one.id for one in going if one.collects), default=None):
        return told
    untold = sorted((one.backorder, one.instruct_at or _NEVER, one.id) for one in going if one.collects is None)
    return untold[0 if which == "first" else -1][2] if untold else None


class Left(NamedTuple):
    """A parcel of the shipment that collects; ``status_as_of`` is when its carrier said ``tracking_status``."""

    shipped_at: datetime
    key: str
    tracking_status: str | None
    status_as_of: datetime | None


def bringing(parcels: Iterable[P]) -> P | None:
    """The parcel that brings the money: the first that left, or the one that was sent after that came back; None for none."""
    found: P | None = None
    for parcel in sorted(parcels, key=lambda one: (one.shipped_at, one.key)):
        if found is None or _replaces(parcel, found):
            found = parcel
    return found


def is_brought(parcels: Iterable[Parcel]) -> bool:
    """Whether a parcel that has left brings the money, so that what leaves after it collects nothing."""
    found = bringing(parcels)
    return found is not None and found.tracking_status not in GONE


def _replaces(parcel: Parcel, before: Parcel) -> bool:
    ended_at = before.status_as_of if before.tracking_status in GONE else None
    return ended_at is not None and parcel.shipped_at > ended_at


def to_collect(breakdown: Breakdown, adjustments: Sequence[Adjustment]) -> dict[str, int] | None:
    """``amount`` and the ``tax`` in it, in yen, after all changes of the order; None where nothing is left to pay."""
    totals = totals_after(breakdown, adjustments)
    amount = max(totals["grand_total"], 0)
    return {"amount": amount, "tax": min(totals["tax_total"], amount)} if amount else None
