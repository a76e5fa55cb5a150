"""Gather: the facts of a whole batch, a fixed number of SELECTs whatever its size."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from models.store import gather as read
from models.store import points
from models.store.points import CustomerKey
from pipelines.engine.ledger import Ledger
from pipelines.engine.ledger_rows import lot_of
from pipelines.engine.stage import (
    EffectFacts,
    EventFacts,
    Facts,
    LineFacts,
    Need,
    ParcelFacts,
    PaymentFacts,
    Promotion,
    ShipmentFacts,
    Stage,
    UsedPoints,
)
from pipelines.rules.money.adjustments import Adjustment
from pipelines.rules.money.coupons import UNPAID, Use
from pipelines.rules.money.repricing import Known

#: How far back marks are read at all (INT-14); the profile's own window is within it.
MARKS_SINCE = timedelta(days=3660)


def facts_of(connection: Connection, stage: Stage, claimed: Sequence[Any], now: datetime) -> list[Facts]:
    """The facts that ``stage`` asked for, of the orders it claimed, in the same order."""
    # The columns of ``claim`` in their order; by position, since rows look names up slowly.
    batch = [Facts(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7] or (), *r[8:16]) for r in claimed]
    if not batch:
        return batch
    by_id = {facts.id: facts for facts in batch}
    ids = list(by_id)
    if Need.PAYMENT in stage.needs:
        for r in read.payments(connection, ids):
            by_id[r[0]].payment = PaymentFacts(*r[1:])
    if Need.SHIPMENTS in stage.needs:
        for r in read.shipments(connection, ids):
            by_id[r[0]].shipments.append(_shipment(r))
    if Need.PARCELS in stage.needs:
        for r in read.parcels(connection, ids):
            by_id[r[0]].parcels.append(ParcelFacts(*r[1:]))
    members = [facts for facts in batch if facts.customer_id]
    ledger = Ledger(connection, now)
    if Need.PURSE in stage.needs:
        ledger.lock({_customer(facts) for facts in members})
    if Need.LOTS in stage.needs:
        for lot in map(lot_of, points.lots_of_orders(connection, ids)):
            if lot.order_id is not None:
                by_id[lot.order_id].lots.append(lot)
        for used in points.used_by_orders(connection, ids):
            by_id[used.order_id].used_points.append(UsedPoints(used.lot_id, used.amount, used.expires_at))
        for has in points.balances_of_orders(connection, ids):
            by_id[has.order_id].balance = has.valid
    if Need.PURSE in stage.needs:
        ledger.read({_customer(facts) for facts in members}, {lot.id for facts in members for lot in facts.lots})
        for facts in members:
            facts.purse = ledger.purse(facts.shop, facts.customer_id)
    if Need.EVENTS in stage.needs:
        for r in read.pending_events(connection, ids, stage.consumes):
            by_id[r[0]].events.append(EventFacts(*r[1:]))
    if Need.EFFECTS in stage.needs:
        for r in read.effects(connection, ids):
            by_id[r[0]].effects[r[1]] = EffectFacts(*r[1:])
    if Need.ADJUSTMENTS in stage.needs:
        for order_id, amounts in read.adjustments(connection, ids):
            by_id[order_id].adjustments.append(Adjustment.from_json(amounts))
    if Need.RANKS in stage.needs:
        for r in read.promotions(connection, ids):
            by_id[r[0]].promotions.append(Promotion(*r[1:]))
    if Need.COUPONS in stage.needs:
        for order_id, key, kind, unpaid in read.coupon_uses(connection, ids, UNPAID):
            by_id[order_id].coupons.append(Use(key, kind, unpaid))
    if Need.REPRICING in stage.needs:
        for order_id, times, rank, used in read.repricing(connection, ids):
            by_id[order_id].known = Known(times, rank, frozenset(used))
    if Need.SUPPLIERS in stage.needs:
        _add_suppliers(connection, by_id)
    if Need.MARKS in stage.needs:
        _add_marks(connection, by_id, now)
    return batch


def _shipment(r: Any) -> ShipmentFacts:
    lines = {line: LineFacts(*pieces) for line, *pieces in zip(*r[10:14], strict=True)}
    return ShipmentFacts(r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], lines)


def _customer(facts: Facts) -> CustomerKey:
    return CustomerKey(facts.shop, facts.customer_id)


def _add_suppliers(connection: Connection, by_id: dict[int, Facts]) -> None:
    registered = read.supplier_channels(connection)
    urls = {r[0]: r[1] for r in registered}
    mails = {r[0]: r[2] for r in registered}
    for facts in by_id.values():
        facts.supplier_urls, facts.supplier_mails = urls, mails


def _add_marks(connection: Connection, by_id: dict[int, Facts], now: datetime) -> None:
    known = [f for f in by_id.values() if f.customer_id]
    found: dict[tuple[str, str], list[tuple[str, datetime]]] = {}
    for shop, customer, kind, at in read.marks(
        connection, [f.shop for f in known], [f.customer_id for f in known], now - MARKS_SINCE
    ):
        found.setdefault((shop, customer), []).append((kind, at))
    for facts in known:
        marks = found.get((facts.shop, facts.customer_id))
        if marks:
            facts.marks = marks
