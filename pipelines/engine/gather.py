"""Gather: the facts of a whole batch, a fixed number of SELECTs whatever its size."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from models.store import gather as read
from models.store import purse
from pipelines.engine.facts import (
    EffectFacts,
    EventFacts,
    Facts,
    LineFacts,
    LotFacts,
    Need,
    ParcelFacts,
    PaymentFacts,
    Promotion,
    ShipmentFacts,
    UsedPoints,
)
from pipelines.engine.stage import Stage
from pipelines.points.transfers import purses
from pipelines.rules.money.adjustments import Adjustment
from pipelines.rules.money.coupons import UNPAID, Use
from pipelines.rules.money.repricing import Known

#: How far back marks are read at all (INT-14); the profile's own window is within it.
MARKS_SINCE = timedelta(days=3660)


def facts_of(connection: Connection, stage: Stage, claimed: Sequence[Any], now: datetime) -> list[Facts]:
    """The facts that ``stage`` asked for, of the orders it claimed, in the same order."""
    # The columns of ``claim`` in their order; by position, since rows look names up slowly.
    batch = [Facts(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7] or (), *r[8:16], needs=stage.needs) for r in claimed]
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
    if Need.PURSE in stage.needs:
        purse.lock(connection, [(f.shop, f.customer_id) for f in batch if f.customer_id])
    if Need.LOTS in stage.needs:
        for r in read.lots(connection, ids):
            by_id[r[0]].lots.append(LotFacts(*r[1:]))
        for r in read.used_points(connection, ids):
            by_id[r[0]].used_points.append(UsedPoints(*r[1:]))
        for order_id, balance in read.balances(connection, ids):
            by_id[order_id].balance = balance
    if Need.PURSE in stage.needs:
        _add_purses(connection, [f for f in batch if f.customer_id])
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


def _add_purses(connection: Connection, members: Sequence[Facts]) -> None:
    """What the customers can spend; their balances are locked, so nobody else changes it until this transaction ends."""
    if not members:
        return
    customers = [(f.shop, f.customer_id) for f in members]
    found = purses(connection, customers, [lot.id for f in members for lot in f.lots])
    for facts in members:
        facts.purse = found[facts.shop, facts.customer_id]


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
