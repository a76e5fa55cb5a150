"""Admission (受注登録): the rows of accepted orders, written together in the transaction that took them in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from models.states import LotState
from models.store import customers, orders
from models.store.coupons import CouponUseRow
from models.store.customers import CustomerKey, MarkRow, MemberRow
from models.store.idempotency import KeyRow
from models.store.items import ItemRow
from models.store.orders import NewDocumentRow, NewLineRow, NewOrderRow
from models.store.payments import NewPaymentRow
from models.store.posted_coupons import CodeUseRow
from pipelines.engine.admit import AdmittedRows, admit
from pipelines.engine.ledger import Ledger
from pipelines.methods import agreed
from pipelines.orders.document import Content, content_of
from pipelines.orders.terms import terms_of
from pipelines.rules.lots import NewLot
from pipelines.rules.marks import SAME_MAILBOX, mailbox_mark
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.money.coupons import is_made_here, is_once
from pipelines.rules.money.pricing import price
from pipelines.rules.one_of_a_kind import items_of
from pipelines.rules.order import Order
from pipelines.rules.points import expiry
from pipelines.rules.purse import Cause
from pipelines.shops import Shop
from pipelines.values.coupon_key import coupon_key
from pipelines.values.mail_address import mailbox_key


@dataclass(slots=True)
class Taken:
    """An order that will be stored, as it is sold: who sent it under which key, its prices, and whether its customer is new
    and has another account's mailbox (INT-01)."""

    order: Order
    client: int
    key: str | None
    breakdown: Breakdown
    content: Content
    shares_mailbox: bool = False


def replacing(order: Order, shop: Shop) -> Taken:
    """An order that replaces goods of another one, which nobody sent: it is taken as it is."""
    return Taken(order, 0, None, price(order, shop), content_of(order))


def store_orders(
    connection: Connection, shops: Mapping[str, Shop], taken: Sequence[Taken], ledger: Ledger, now: datetime
) -> None:
    """Write the orders with their lines, payments, one-of-a-kind items, keys, coupons, points and customers.

    ``ledger`` has the purses of those who use points. Raises Raced.
    """
    if not taken:
        return
    numbered = list(zip(orders.reserve_ids(connection, len(taken)), taken, strict=True))
    admit(connection, _rows(numbered, shops, now), ledger, now)
    _book_points(numbered, shops, ledger, now)
    # After the points: grants lock in the same order, balance before customer.
    newest = {(t.order.shop, t.order.customer.id): t.order for t in taken if t.order.customer.id}
    customers.remember(connection, [_member_row(order, now) for order in newest.values()])
    customers.add_marks(connection, [_mailbox_row(t.order, now) for t in taken if t.shares_mailbox])


def _member_row(order: Order, now: datetime) -> MemberRow:
    return MemberRow(
        shop=order.shop,
        id=order.customer.id,
        email=order.customer.email,
        mailbox=mailbox_key(order.customer.email),
        name=order.customer.name,
        locale=order.locale,
        known_since=now,
    )


def _mailbox_row(order: Order, now: datetime) -> MarkRow:
    """What holds the order before a human."""
    return MarkRow(order.shop, order.customer.id, SAME_MAILBOX, mailbox_mark(order.shop, order.number), now)


def _rows(numbered: Sequence[tuple[int, Taken]], shops: Mapping[str, Shop], now: datetime) -> AdmittedRows:
    """The rows of orders under their ids."""
    each = [(i, t.order, t) for i, t in numbered]
    return AdmittedRows(
        orders=[_order_row(i, t, shops[o.shop].currency, now) for i, o, t in each],
        documents=[NewDocumentRow(i, t.content.document, t.breakdown.to_json()) for i, o, t in each],
        lines=[row for i, t in numbered for row in _line_rows(i, t)],
        payments=[_payment_row(i, t, shops[o.shop]) for i, o, t in each],
        items=[ItemRow(o.shop, sku, i) for i, o, _ in each for sku in items_of(o)],
        keys=[KeyRow(t.client, t.key, t.content.hash, o.shop, o.number) for _, o, t in each if t.key],
        coupons=[row for i, o, _ in each for row in _coupon_rows(i, o, shops[o.shop], now)],
        codes=[CodeUseRow(o.shop, key, i, now) for i, o, _ in each for key in _made_codes(o)],
        terms=[row for i, o, _ in each for row in terms_of(o, i)],
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
        gateway=agreed(order.method, taken.breakdown.grand_total).asked_at(shop),
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


def _made_codes(order: Order) -> list[str]:
    """Keys of the order's codes that the shop made itself (CUT-05)."""
    return [key for key in (coupon_key(one.code) for one in order.coupons) if is_made_here(key)]


def _loads(order: Order, taken: Taken) -> bool:
    return bool(order.customer.id and taken.breakdown.coupon_points)


def coupon_source(customer: str, code: str) -> str:
    """What grants the points of a coupon: once an account and code (PTS-15)."""
    account = customer.replace("%", "%25").replace(":", "%3A")  # so that no other account and code read the same
    return f"coupon:{account}:{coupon_key(code)}"


def _book_points(
    numbered: Sequence[tuple[int, Taken]], shops: Mapping[str, Shop], ledger: Ledger, now: datetime
) -> None:
    """Credit the points of coupons, a lot each (PTS-15), then book what each order uses (PTS-12)."""
    for order_id, taken in numbered:
        order, used = taken.order, taken.breakdown.points_used
        if used or _loads(order, taken):
            purse = ledger.purse(order.shop, order.customer.id)
            for coupon in taken.breakdown.coupons:
                if coupon.points:
                    source, until = coupon_source(order.customer.id, coupon.code), expiry(now, shops[order.shop])
                    purse.grant(NewLot(source, "coupon", coupon.points, LotState.VALID, until), now, order_id)
            if used:
                purse.use(used, Cause(f"order:{order_id}:use", now, order_id))
    ledger.write()
