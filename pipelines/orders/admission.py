"""Admission (受注登録): the rows of accepted orders, written together in the transaction that took them in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from models.database import json_array
from models.states import LotState
from models.store import admit as store
from models.store import members
from models.store.members import MemberRow
from models.store.points import CustomerKey
from pipelines.engine import run
from pipelines.engine.ledger import Ledger
from pipelines.errors import Raced
from pipelines.orders.document import order_to_json
from pipelines.rules.lots import NewLot
from pipelines.rules.money.breakdown import Breakdown, CouponShare
from pipelines.rules.money.coupons import is_once
from pipelines.rules.order import Order
from pipelines.rules.points import expiry
from pipelines.rules.purse import Cause
from pipelines.shops import Shop
from pipelines.values.coupon_key import coupon_key


@dataclass(slots=True)
class Taken:
    """An order that will be stored: who sent it under which key, and its prices."""

    order: Order
    client: int
    key: str | None
    breakdown: Breakdown
    hash: bytes


def store_orders(
    connection: Connection, shops: Mapping[str, Shop], taken: Sequence[Taken], ledger: Ledger, now: datetime
) -> None:
    """Write the orders with their lines, payments, one-of-a-kind items, keys, coupons, points and customers.

    ``ledger`` holds the purses of those who use points or bring a coupon of points. Raises Raced.
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
        [(i, o.method, _gateway(shops[o.shop], o), o.token, t.breakdown.grand_total) for i, o, t in by_taken],
    )
    items = [(o.shop, line.sku, i) for i, o, _ in by_taken for line in o.lines if line.availability == "unique"]
    if store.unique_items(connection, items) < len(items):
        raise Raced
    keys = [(t.client, t.key, t.hash, o.shop, o.number) for _, o, t in by_taken if t.key]
    if store.keys(connection, keys) < len(keys):
        raise Raced
    _store_coupons(connection, shops, by_taken, ledger, now)
    _store_points(shops, by_taken, ledger, now)
    # After the points: grants lock in the same order, balance before customer.
    newest = {(o.shop, o.customer.id): o for o in orders if o.customer.id}
    members.remember(
        connection,
        [
            MemberRow(
                shop=o.shop,
                id=o.customer.id,
                email=o.customer.email,
                name=o.customer.name,
                locale=o.locale,
                birth_date=None,
                registered_at=None,
                known_since=now,
            )
            for o in newest.values()
        ],
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


def _store_coupons(
    connection: Connection,
    shops: Mapping[str, Shop],
    by_taken: Sequence[tuple[int, Order, Taken]],
    ledger: Ledger,
    now: datetime,
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
    ledger.open({CustomerKey(o.shop, o.customer.id) for _, o, t in by_taken if _loads(o, t)}, opening=True)
    if store.coupon_uses(connection, uses) < len(uses):
        raise Raced


def _loads(order: Order, taken: Taken) -> bool:
    return bool(order.customer.id and taken.breakdown.coupon_points)


def coupon_source(customer: str, code: str) -> str:
    """What grants the points of a coupon: once an account and code (PTS-15)."""
    account = customer.replace("%", "%25").replace(":", "%3A")  # so that no other account and code read the same
    return f"coupon:{account}:{coupon_key(code)}"


def _store_points(
    shops: Mapping[str, Shop], by_taken: Sequence[tuple[int, Order, Taken]], ledger: Ledger, now: datetime
) -> None:
    """Credit the points of coupons, a lot each (PTS-15), then book what each order uses (PTS-12)."""
    for i, o, t in by_taken:
        if _loads(o, t) or t.breakdown.points_used:
            purse = ledger.purse(o.shop, o.customer.id)
            for coupon in t.breakdown.coupons:
                if coupon.points:
                    purse.grant(_coupon_lot(o, coupon, expiry(now, shops[o.shop])), now, i)
            if t.breakdown.points_used:
                purse.use(t.breakdown.points_used, Cause(f"order:{i}:use", now, i))
    ledger.write()


def _coupon_lot(order: Order, coupon: CouponShare, expires_at: datetime | None) -> NewLot:
    return NewLot(coupon_source(order.customer.id, coupon.code), "coupon", coupon.points, LotState.VALID, expires_at)
