"""The facts of a document, from the database."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from models.states import ShipmentState
from models.store import adjustments, documents, orders, payments
from models.store.orders import OrderRow
from pipelines.documents.facts import Change, Issued, ParcelSent, SaleFacts, ToPick, receipt_request
from pipelines.documents.kinds import Kind
from pipelines.engine.facts import Facts, Need
from pipelines.engine.gather import facts_of
from pipelines.engine.stage import Stage
from pipelines.methods import agreed
from pipelines.orders.instructions import supplier_instructions
from pipelines.rules.money.adjustments import Adjustment
from pipelines.rules.wish import Sent, carried, wish
from pipelines.shops import Shop

#: Shipments whose goods are still on the shelves.
_NOT_LEFT: Final = frozenset(
    {ShipmentState.PLANNED, ShipmentState.BACKORDERED, ShipmentState.INSTRUCTED, ShipmentState.ACKNOWLEDGED}
)
#: What documents need beside the changes, gathered by the same code as for stages.
_NEEDED: Final = Stage(
    "documents", lambda draft, shop, now: None, Need.PAYMENT | Need.SHIPMENTS | Need.PARCELS | Need.CANCEL
)


def sale_facts(connection: Connection, row: OrderRow, shop: Shop, now: datetime) -> SaleFacts:
    """What may be written of an order as it stands; a fixed number of statements."""
    (facts,) = facts_of(connection, _NEEDED, [row], now, lock=False)
    changes = adjustments.of_orders(connection, [row.id])
    return SaleFacts(
        order=facts.order,
        breakdown=facts.breakdown,
        method=agreed(facts.method, facts.breakdown.grand_total).name,
        captured=facts.payment.captured,
        refunded=facts.payment.refunded,
        captured_at=payments.captured_at(connection, row.id),
        changes=[Change(one.sequence, one.at, Adjustment.from_json(one.amounts)) for one in changes],
        parcels=_parcels(facts),
        to_pick=_to_pick(facts, shop),
        issued=[
            Issued(one.public_id, Kind(one.kind), one.subject, one.number, one.copy, one.issued_at)
            for one in documents.of_order(connection, row.id)
        ],
        receipt_request=receipt_request(facts.order, shop),
        cancelled_at=facts.cancel.at if facts.cancel is not None else None,
    )


def _to_pick(facts: Facts, shop: Shop) -> list[ToPick]:
    def remarks(sent: Sent) -> list[str]:
        asked = supplier_instructions(facts.order, shop, carried(wish(facts.order, shop), shop, sent))
        return [str(one["says"]) for one in asked["instructions"]]

    return [
        ToPick(one.id, one.supplier, one.dispatch_on, left, remarks(one))
        for one in facts.shipments
        if one.state in _NOT_LEFT and (left := {line: pieces.open for line, pieces in one.lines.items() if pieces.open})
    ]


def order_row(connection: Connection, shop: str, number: str, *, lock: bool = False) -> OrderRow | None:
    """The order, or None; with ``lock`` nobody decides on it until the transaction ends."""
    row = orders.by_number(connection, shop, number)
    if row is None or not lock:
        return row
    orders.lock(connection, [row.id])
    return orders.by_number(connection, shop, number)


def _parcels(facts: Facts) -> list[ParcelSent]:
    suppliers = {one.id: one.supplier for one in facts.shipments}
    sent = sorted(facts.parcels, key=lambda one: (one.shipped_at, one.shipment, one.key))
    return [
        ParcelSent(
            place,
            one.shipment,
            one.key,
            suppliers[one.shipment],
            one.shipped_at,
            one.lines,
            one.carrier,
            one.tracking_number,
        )
        for place, one in enumerate(sent, start=1)
    ]
