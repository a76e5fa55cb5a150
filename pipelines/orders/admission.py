"""Admission (受注登録): the rows of accepted orders, written together in the transaction that took them in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from models.states import LotState
from models.store import orders
from models.store.coupons import CouponUseRow
from models.store.customers import CustomerKey
from models.store.idempotency import KeyRow
from models.store.items import ItemRow
from models.store.orders import NewDocumentRow, NewLineRow, NewOrderRow
from models.store.payments import NewPaymentRow
from pipelines.engine import run
from pipelines.engine.admit import AdmittedRows, admit
from pipelines.methods import Asks, agreed
from pipelines.orders.document import Content
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
    content: Content
    spent: list[tuple[int, int, bool]] = field(default_factory=list)


def store_orders(connection: Connection, shops: Mapping[str, Shop], taken: Sequence[Taken], now: datetime) -> None:
    """Write the orders with their lines, payments, one-of-a-kind items, keys, coupons, points and customers.

    Raises Raced.
    """
    if not taken:
        return
    numbered = list(zip(orders.reserve_ids(connection, len(taken)), taken, strict=True))
    admit(connection, _rows(numbered, shops, now), now)
    _store_points(connection, shops, [(i, t.order, t) for i, t in numbered], now)
    # After the points: grants lock in the same order, balance before customer.
    members = [t.order for t in taken if t.order.customer.id]
    run.remember_customers(
        connection,
        [(o.shop, o.customer.id, o.customer.email, o.customer.name, o.locale, None, None, now) for o in members],
    )


def _gateway(shop: Shop, order: Order, taken: Taken) -> str | None:
    """The gateway that is asked for the money, if one is."""
    gateway = shop.gateway_for(order.method)
    asked = agreed(order.method, taken.breakdown.grand_total).asked(gateway)
    return gateway.name if gateway is not None and asked is not Asks.NOTHING else None


def _rows(numbered: Sequence[tuple[int, Taken]], shops: Mapping[str, Shop], now: datetime) -> AdmittedRows:
    """The rows of orders under their ids."""
    each = [(i, t.order, t) for i, t in numbered]
    return AdmittedRows(
        orders=[_order_row(i, t, shops[o.shop].currency, now) for i, o, t in each],
        documents=[NewDocumentRow(i, t.content.document, t.breakdown.to_json()) for i, o, t in each],
        lines=[row for i, t in numbered for row in _line_rows(i, t)],
        payments=[_payment_row(i, t, shops[o.shop]) for i, o, t in each],
        items=[ItemRow(o.shop, line.sku, i) for i, o, _ in each for line in o.lines if line.availability == "unique"],
        keys=[KeyRow(t.client, t.key, t.content.hash, o.shop, o.number) for _, o, t in each if t.key],
        coupons=[row for i, o, _ in each for row in _coupon_rows(i, o, shops[o.shop], now)],
        loading=[CustomerKey(o.shop, o.customer.id) for _, o, t in each if _loads(o, t)],
    )


def _order_row(order_id: int, taken: Taken, currency: str, now: datetime) -> NewOrderRow:
    order = taken.order
    return NewOrderRow(
        id=order_id,
        shop=order.shop,
        number=order.number,
        content_hash=taken.content.hash,
        customer_id=order.customer.id,
        locale=order.locale,
        method=order.method,
        currency=currency,
        grand_total=taken.breakdown.grand_total,
        placed_at=order.placed_at,
        accepted_at=now,
    )


def _payment_row(order_id: int, taken: Taken, shop: Shop) -> NewPaymentRow:
    order = taken.order
    return NewPaymentRow(
        order_id=order_id,
        method=order.method,
        gateway=_gateway(shop, order, taken),
        token=order.token,
        currency=shop.currency,
        amount=taken.breakdown.grand_total,
    )


def _line_rows(order_id: int, taken: Taken) -> Iterator[NewLineRow]:
    for line, share in zip(taken.order.lines, taken.breakdown.lines, strict=True):
        yield NewLineRow(
            order_id=order_id,
            line=line.line,
            sku=line.sku,
            name=line.name,
            quantity=line.quantity,
            unit_price=line.unit_price,
            tax_rate=line.tax_rate,
            supplier=line.supplier,
            availability=line.availability,
            expected_on=line.expected_on,
            points_rate=share.points_rate,
            flags=sorted(line.flags),
        )


def _coupon_rows(order_id: int, order: Order, shop: Shop, now: datetime) -> Iterator[CouponUseRow]:
    """Which coupons a member's order uses; a guest's are nobody's."""
    if order.customer.id:
        for one in order.coupons:
            yield CouponUseRow(
                shop=order.shop,
                customer_id=order.customer.id,
                code_key=coupon_key(one.code),
                order_id=order_id,
                kind=one.kind,
                once=is_once(one, shop),
                at=now,
            )


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
