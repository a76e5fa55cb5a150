"""Admission (受注登録): the rows of accepted orders, written together in the transaction that took them in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from models.database import json_array
from models.states import LotState
from models.store import admit as store
from pipelines.engine import run
from pipelines.errors import ShukkaError
from pipelines.methods import Asks, agreed
from pipelines.orders.document import order_to_json
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.money.coupons import is_once
from pipelines.rules.order import Order
from pipelines.rules.points import expiry
from pipelines.shops import Shop
from pipelines.values.coupon_key import coupon_key


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
    """Write the orders with their lines, payments, one-of-a-kind items, keys, coupons, points and customers.

    Raises Raced.
    """
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
        [(i, o.method, _gateway(shops[o.shop], o, t), o.token, t.breakdown.grand_total) for i, o, t in by_taken],
    )
    items = [(o.shop, line.sku, i) for i, o, _ in by_taken for line in o.lines if line.availability == "unique"]
    if store.unique_items(connection, items) < len(items):
        raise Raced
    keys = [(t.client, t.key, t.hash, o.shop, o.number) for _, o, t in by_taken if t.key]
    if store.keys(connection, keys) < len(keys):
        raise Raced
    _store_coupons(connection, shops, by_taken, now)
    _store_points(connection, shops, by_taken, now)
    # After the points: grants lock in the same order, balance before customer.
    members = [o for o in orders if o.customer.id]
    run.remember_customers(
        connection,
        [(o.shop, o.customer.id, o.customer.email, o.customer.name, o.locale, None, None, now) for o in members],
    )


def _gateway(shop: Shop, order: Order, taken: Taken) -> str | None:
    """The gateway that is asked for the money, if one is."""
    gateway = shop.gateway_for(order.method)
    asked = agreed(order.method, taken.breakdown.grand_total).asked(gateway)
    return gateway.name if gateway is not None and asked is not Asks.NOTHING else None


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


def _store_coupons(
    connection: Connection, shops: Mapping[str, Shop], by_taken: Sequence[tuple[int, Order, Taken]], now: datetime
) -> None:
    """Record which coupons the members' orders use; raises Raced if one was used up meanwhile."""
    uses = [
        (o.shop, o.customer.id, coupon_key(one.code), i, one.kind, is_once(one, shops[o.shop]), now)
        for i, o, _ in by_taken
        if o.customer.id
        for one in o.coupons
    ]
    if not uses:
        return
    # Balances before coupons: who waits for a coupon below already has every balance it will ask for.
    run.lock_points(connection, [(o.shop, o.customer.id) for _, o, t in by_taken if _loads(o, t)], opening=True)
    if store.coupon_uses(connection, uses) < len(uses):
        raise Raced


def _loads(order: Order, taken: Taken) -> bool:
    return bool(order.customer.id and taken.breakdown.coupon_points)


def coupon_source(customer: str, code: str) -> str:
    """What grants the points of a coupon: once an account and code (PTS-15)."""
    account = customer.replace("%", "%25").replace(":", "%3A")  # so that no other account and code read the same
    return f"coupon:{account}:{coupon_key(code)}"


def _store_points(
    connection: Connection, shops: Mapping[str, Shop], by_taken: Sequence[tuple[int, Order, Taken]], now: datetime
) -> None:
    """Credit the points of coupons, a lot each (PTS-15), then book what the orders used."""
    grants: list[tuple[Any, ...]] = [
        (
            o.shop,
            o.customer.id,
            i,
            coupon_source(o.customer.id, coupon.code),
            "coupon",
            coupon.points,
            LotState.VALID,
            expiry(now, shops[o.shop]),
            now,
            False,
        )
        for i, o, t in by_taken
        if _loads(o, t)
        for coupon in t.breakdown.coupons
        if coupon.points
    ]
    lots = run.grant_points(connection, grants)
    final: dict[int, bool] = {}
    uses: list[tuple[int, Order, int, int]] = []
    for i, o, t in by_taken:
        for lot, part, emptied in (*t.spent, *_from_coupons(o, t, lots)):
            uses.append((i, o, lot, part))
            final[lot] = emptied
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


def _from_coupons(order: Order, taken: Taken, lots: Mapping[str, int]) -> Iterator[tuple[int, int, bool]]:
    """What the order uses beyond ``spent``, of its own coupons: (lot, points, whether that empties the lot).

    From the last one back, since what the customer owed was settled from the first on (PTS-13).
    """
    rest = taken.breakdown.points_used - sum(part for _, part, _ in taken.spent)
    for coupon in reversed(taken.breakdown.coupons):
        if part := min(rest, coupon.points):
            rest -= part
            yield lots[coupon_source(order.customer.id, coupon.code)], part, part == coupon.points
