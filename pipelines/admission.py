"""Admission (受注登録): the rows of accepted orders, written together in the transaction that took them in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from models.engine import json_array
from models.states import LotState
from models.store import admit as store
from pipelines import run
from pipelines.document import order_to_json
from pipelines.errors import ShukkaError
from pipelines.profile import Shop
from pipelines.rules.breakdown import Breakdown
from pipelines.rules.order import Order
from pipelines.rules.points import expiry


@dataclass(slots=True)
class Taken:
    """An order that will be stored: who sent it under which key, its prices, and the points it takes as (lot, points,
    whether that empties the lot)."""

    order: Order
    client: int
    key: str | None
    breakdown: Breakdown
    hash: bytes
    spent: list[tuple[int, int, bool]] = field(default_factory=list)


class Raced(ShukkaError):
    """Another process stored the same key meanwhile; look again."""


def store_orders(connection: Connection, shops: Mapping[str, Shop], taken: Sequence[Taken], now: datetime) -> None:
    """Write the orders with their lines, payments, one-of-a-kind items, keys, points and customers. Raises Raced."""
    if not taken:
        return
    orders = [t.order for t in taken]
    ids = run.admit(
        connection,
        [
            (
                o.shop,
                o.number,
                t.hash,
                o.customer.id,
                o.locale,
                o.method,
                t.breakdown.grand_total,
                o.placed_at,
                now,
                d,
                b,
            )
            for o, t, d, b in zip(
                orders,
                taken,
                json_array([order_to_json(o) for o in orders]),
                json_array([t.breakdown.to_json() for t in taken]),
                strict=True,
            )
        ],
        now,
    )
    if len(ids) < len(taken):
        raise Raced
    by_taken = [(ids[o.shop, o.number], o, t) for o, t in zip(orders, taken, strict=True)]
    _store_lines(connection, by_taken)
    store.payments(
        connection,
        [(i, o.method, _gateway(shops[o.shop], o), o.token, t.breakdown.grand_total) for i, o, t in by_taken],
    )
    items = [(o.shop, line.sku, i) for i, o, _ in by_taken for line in o.lines if line.availability == "unique"]
    if store.unique_items(connection, items) < len(items):
        raise Raced
    keys = [(t.client, t.key, t.hash, o.shop, o.number) for _, o, t in by_taken if t.key]
    if store.keys(connection, keys) < len(keys):
        raise Raced
    _store_points(connection, shops, by_taken, now)
    # After the points: grants lock in the same order, balance before customer.
    members = [o for o in orders if o.customer.id]
    run.remember_customers(
        connection,
        [(o.shop, o.customer.id, o.customer.email, o.customer.name, o.locale, None, None, now) for o in members],
    )


def _gateway(shop: Shop, order: Order) -> str | None:
    return shop.payment.gateway if order.method in shop.payment.gateway_methods else None


def _store_lines(connection: Connection, by_taken: Sequence[tuple[int, Order, Taken]]) -> None:
    lines = [(i, line, share) for i, o, t in by_taken for line, share in zip(o.lines, t.breakdown.lines, strict=True)]
    store.lines(
        connection,
        [
            (
                i,
                line.line,
                line.sku,
                line.name,
                line.quantity,
                line.unit_price,
                line.tax_rate,
                line.supplier,
                line.availability,
                line.expected_on,
                share.points_rate,
                flags,
            )
            for (i, line, share), flags in zip(
                lines, json_array([sorted(line.flags) for _, line, _ in lines]), strict=True
            )
        ],
    )


def _store_points(
    connection: Connection, shops: Mapping[str, Shop], by_taken: Sequence[tuple[int, Order, Taken]], now: datetime
) -> None:
    """Credit the points of coupons (PTS-15), then book what the orders used."""
    grants: list[tuple[Any, ...]] = [
        (
            o.shop,
            o.customer.id,
            i,
            f"order:{i}:coupon",
            "coupon",
            t.breakdown.coupon_points,
            LotState.VALID,
            expiry(now, shops[o.shop]),
            now,
            False,
        )
        for i, o, t in by_taken
        if t.breakdown.coupon_points and o.customer.id
    ]
    coupon_lots = run.grant_points(connection, grants)
    final: dict[int, bool] = {}
    uses: list[tuple[int, Order, int, int]] = []
    for i, o, t in by_taken:
        for lot, part, emptied in t.spent:
            uses.append((i, o, lot, part))
            final[lot] = emptied
        rest = t.breakdown.points_used - sum(part for _, part, _ in t.spent)
        if rest > 0:
            lot = coupon_lots[f"order:{i}:coupon"]
            uses.append((i, o, lot, rest))
            final[lot] = rest == t.breakdown.coupon_points
    run.use_points(
        connection,
        [
            (
                o.shop,
                o.customer.id,
                i,
                lot,
                LotState.VALID,
                LotState.USED if final[lot] else LotState.VALID,
                f"order:{i}:use",
                "use",
                "valid",
                "used",
                part,
                -part,
                None,
                now,
            )
            for i, o, lot, part in uses
        ],
    )
