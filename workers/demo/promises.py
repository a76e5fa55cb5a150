"""The days on which goods were promised to leave (出荷予定日), and whether they did: shipment by shipment, with the reason of
each that is late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, text

from models.states import HoldReason, ShipmentState
from pipelines.values.calendar import in_japan

#: How much later than planned a supplier may have its instruction; what is later than that is our own doing.
TOLD_WITHIN = timedelta(minutes=30)

_BY_HOLD = {
    HoldReason.SUPPLIER_REFUSED: "refused by the supplier",
    HoldReason.SUPPLIER_SHORT: "the supplier is short of goods",
    HoldReason.SUPPLIER_UNREACHABLE: "the supplier could not be reached",
    HoldReason.SUPPLIER_SILENT: "the supplier is silent",
    HoldReason.DISPATCH_LATE: "the supplier is late",
    HoldReason.PAYMENT_DIFFERS: "short of money",
    HoldReason.PAYMENT_UNKNOWN: "short of money",
    HoldReason.DEPOSIT_MISMATCH: "short of money",
    HoldReason.AUTHORIZATION_ENDS: "short of money",
}

_SHIPMENTS = """
SELECT s.id, o.shop, o.number, s.state, s.dispatch_on, s.instruct_at, s.told_at, p.left_at, open.reason, ever.reason AS had
FROM shipment s JOIN shop_order o ON o.id = s.order_id
LEFT JOIN LATERAL (SELECT max(shipped_at) AS left_at FROM parcel WHERE shipment_id = s.id) p ON true
LEFT JOIN LATERAL (SELECT reason FROM order_hold h WHERE h.order_id = o.id AND h.closed_at IS NULL
                     AND (h.shipment_id IS NULL OR h.shipment_id = s.id)
                   ORDER BY h.shipment_id IS NULL, h.id LIMIT 1) open ON true
LEFT JOIN LATERAL (SELECT reason FROM order_hold h WHERE h.shipment_id = s.id ORDER BY h.id LIMIT 1) ever ON true
WHERE s.state <> 'cancelled'
ORDER BY s.id
"""


@dataclass(frozen=True, slots=True)
class Promise:
    """A live shipment of ``order`` (shop/number) that was first promised to leave on ``day``; all of it left on ``left_on``, None
    if it has not. ``why`` it is late; empty where it is not."""

    order: str
    shipment: str
    day: date
    left_on: date | None
    why: str

    @property
    def is_kept(self) -> bool:
        """Whether all of it left by the day."""
        return self.left_on is not None and self.left_on <= self.day


def first_days(suppliers: Iterable[Mapping[str, Any]]) -> dict[str, date]:
    """Shipment -> the day on which it was first asked to leave, from the suppliers' journal."""
    days: dict[str, date] = {}
    for record in suppliers:
        if record["kind"] == "instruction" and record.get("dispatch_on"):
            days.setdefault(record["shipment"], date.fromisoformat(record["dispatch_on"]))
    return days


def promises(connection: Connection, first: Mapping[str, date], until: date) -> list[Promise]:
    """The live shipments whose first promised day is not after ``until``; ``first`` knows that of each that a supplier was told
    of, and nothing moves the day of any other."""
    found = []
    for row in connection.execute(text(_SHIPMENTS)):
        day = first.get(row.id, row.dispatch_on)
        if day is not None and day <= until:
            left_on = in_japan(row.left_at).date() if row.left_at and row.state == ShipmentState.SHIPPED else None
            is_kept = left_on is not None and left_on <= day
            why = "" if is_kept else _why(row, day, left_on)
            found.append(Promise(f"{row.shop}/{row.number}", row.id, day, left_on, why))
    return found


def by_reason(late: Sequence[Promise]) -> list[tuple[int, str]]:
    """How many are late for each reason, the commonest first."""
    counted = Counter(one.why for one in sorted(late, key=lambda one: one.why))
    return [(count, why) for why, count in counted.most_common()]


def _why(row: Row[Any], day: date, left_on: date | None) -> str:
    """Our own doing first: a supplier that was told late could not keep the day."""
    planned: datetime | None = row.instruct_at
    hold = row.had if left_on else row.reason
    if row.told_at is None and row.reason is None and left_on is None:
        return "our own clock: the supplier was not told"
    if hold is not None:
        return _BY_HOLD.get(HoldReason(hold), f"waits for a human: {hold}")
    if row.told_at and planned and row.told_at > planned + TOLD_WITHIN:
        return "our own clock: the supplier was told late"
    if row.dispatch_on != day:
        return "the supplier gave another day" if row.dispatch_on else "the supplier has no day for it"
    if left_on is not None:
        return "the supplier was late"
    if row.state == ShipmentState.INSTRUCTED:
        return "the supplier has not answered"
    return "the supplier sent a part of it" if row.left_at else "the supplier has not reported it"
