"""Money that a carrier collects on delivery (代引): which shipment of an order brings it in, and how much (PAY-09, B.5.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

from models.states import ShipmentState
from pipelines.rules.money.adjustments import Adjustment, totals_after
from pipelines.rules.money.breakdown import Breakdown

Which = Literal["first", "last"]

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


def to_collect(breakdown: Breakdown, adjustments: Sequence[Adjustment]) -> dict[str, int] | None:
    """``amount`` and the ``tax`` in it, in yen, after all changes of the order; None where nothing is left to pay."""
    totals = totals_after(breakdown, adjustments)
    amount = max(totals["grand_total"], 0)
    return {"amount": amount, "tax": min(totals["tax_total"], amount)} if amount else None
