"""The money of orders: read for decisions, opened with the order, changed by decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from models.payment import Payment, PaymentEntry
from models.store.statement import columns, fetch, insert, reader, scalars, update, values, writer


class PaymentRow(NamedTuple):
    """A payment as it stands; yen."""

    order_id: int
    method: str
    gateway: str | None
    state: str
    amount: int
    authorized: int
    captured: int
    refunded: int
    refunded_by_hand: int
    reference: str | None
    code: str | None
    expires_at: datetime | None
    instructions: Mapping[str, Any] | None
    as_of: datetime | None
    fee: int
    liability: str | None
    terms_from: datetime | None


_OF_ORDERS = f"SELECT {columns(PaymentRow)} FROM payment WHERE order_id = ANY(%(ids)b::bigint[])"


def of_orders(connection: Connection, ids: Sequence[int]) -> list[PaymentRow]:
    """Payments of the orders."""
    return fetch(connection, PaymentRow, _OF_ORDERS, {"ids": list(ids)})


class NamedPaymentRow(NamedTuple):
    """A payment as a gateway's notice names it: by the ``token`` it was asked with, and maybe by its ``reference``."""

    gateway: str
    token: str
    reference: str | None


class PaidOrderRow(NamedTuple):
    """The order that a payment is of."""

    gateway: str
    token: str
    shop: str
    number: str


orders_by_token = reader(
    NamedPaymentRow,
    f"""SELECT DISTINCT ON (gateway, token, v.reference) gateway, token, o.shop, o.number
        FROM {values(NamedPaymentRow, Payment)} JOIN payment p USING (gateway, token) JOIN shop_order o ON o.id = p.order_id
        ORDER BY gateway, token, v.reference, (p.reference = v.reference) DESC NULLS LAST, o.id DESC""",
    PaidOrderRow,
)
"""The orders of payments that notices name: of several with one token the one with that reference, else the newest."""


class KnownPaymentRow(NamedTuple):
    """A payment as a gateway's notice names it that says nothing else of it."""

    gateway: str
    reference: str


class KnownOrderRow(NamedTuple):
    """The order that a payment is of."""

    gateway: str
    reference: str
    shop: str
    number: str


orders_by_reference = reader(
    KnownPaymentRow,
    f"""SELECT DISTINCT ON (gateway, reference) gateway, reference, o.shop, o.number
        FROM {values(KnownPaymentRow, Payment)} JOIN payment p USING (gateway, reference) JOIN shop_order o ON o.id = p.order_id
        ORDER BY gateway, reference, o.id DESC""",
    KnownOrderRow,
)
"""The orders of payments that the gateway has told us the reference of: of several with one the newest."""


class NewPaymentRow(NamedTuple):
    """The payment of an order that was accepted: ``amount`` yen are due, nothing is authorized yet."""

    order_id: int
    method: str
    gateway: str | None
    token: str | None
    currency: str
    amount: int


_NOTHING = dict.fromkeys(("authorized", "captured", "refunded", "refunded_by_hand"), "0")
add = writer(NewPaymentRow, insert(NewPaymentRow, Payment, constants={"state": "'pending'", **_NOTHING}))


class PaymentChangeRow(NamedTuple):
    """New numbers of a payment, in yen, and what the gateway said of it; None keeps what stands."""

    order_id: int
    state: str | None
    authorized: int | None
    captured: int | None
    refunded: int | None
    refunded_by_hand: int | None
    reference: str | None
    code: str | None
    expires_at: datetime | None
    gateway: str | None
    instructions: Mapping[str, Any] | None
    as_of: datetime | None
    fee: int | None
    liability: str | None
    terms_from: datetime | None


change = writer(PaymentChangeRow, update(PaymentChangeRow, Payment, by=("order_id",)))


class EntryRow(NamedTuple):
    """What changed of a payment's sums, in yen."""

    order_id: int
    at: datetime
    authorized: int
    captured: int
    refunded: int
    fee: int


_PAID = "FROM payment p WHERE p.order_id = v.order_id"
enter = writer(
    EntryRow,
    insert(
        EntryRow,
        PaymentEntry,
        constants={
            "shop": "(SELECT o.shop FROM shop_order o WHERE o.id = v.order_id)",
            "gateway": f"(SELECT coalesce(p.gateway, '') {_PAID})",
            "method": f"(SELECT p.method {_PAID})",
        },
    ),
)


class ClosingRow(NamedTuple):
    """What moved in a time by a gateway (empty: none) and a method of a shop; yen, ``orders`` that any of it is of."""

    shop: str
    gateway: str
    method: str
    orders: int
    authorized: int
    captured: int
    refunded: int
    fee: int


# A month is added up from its entries alone; those of a version that did not know their shop are looked up.
_CLOSING = """
SELECT shop, gateway, method, count(DISTINCT order_id) AS orders, sum(authorized)::bigint AS authorized,
       sum(captured)::bigint AS captured, sum(refunded)::bigint AS refunded, sum(fee)::bigint AS fee
FROM (SELECT order_id, authorized, captured, refunded, fee,
             coalesce(e.shop, (SELECT o.shop FROM shop_order o WHERE o.id = e.order_id)) AS shop,
             coalesce(e.gateway, (SELECT coalesce(p.gateway, '') FROM payment p WHERE p.order_id = e.order_id)) AS gateway,
             coalesce(e.method, (SELECT p.method FROM payment p WHERE p.order_id = e.order_id)) AS method
      FROM payment_entry e WHERE e.at >= %(since)s AND e.at < %(until)s) entry
WHERE %(gateway)s::text IS NULL OR gateway = %(gateway)s
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


def closing(connection: Connection, since: datetime, until: datetime, gateway: str | None = None) -> list[ClosingRow]:
    """What moved from ``since`` up to, not with, ``until``; of one ``gateway`` or of all."""
    return fetch(connection, ClosingRow, _CLOSING, {"since": since, "until": until, "gateway": gateway})


class BookedRow(NamedTuple):
    """A payment as the books have it, beside a gateway's list; ``open`` tells that something is under way at the gateway."""

    shop: str
    number: str
    order_id: int
    gateway: str | None
    reference: str | None
    state: str
    authorized: int
    captured: int
    refunded: int
    refunded_by_hand: int
    fee: int
    as_of: datetime | None
    open: bool


_BOOKED = """
SELECT o.shop, o.number, p.order_id, p.gateway, p.reference, p.state, p.authorized, p.captured, p.refunded,
       p.refunded_by_hand, p.fee, p.as_of,
       EXISTS (SELECT FROM effect e WHERE e.order_id = p.order_id AND e.state = 'pending'
               AND e.kind LIKE 'payment.%%') AS open
FROM unnest(%(shops)b::text[], %(numbers)b::text[]) AS asked(shop, number)
JOIN shop_order o ON o.shop = asked.shop AND o.number = asked.number JOIN payment p ON p.order_id = o.id
"""


def booked(connection: Connection, orders: Sequence[tuple[str, str]]) -> list[BookedRow]:
    """The payments of orders by (shop, number); those that there are not are left out."""
    asked = {"shops": [shop for shop, _ in orders], "numbers": [number for _, number in orders]}
    return fetch(connection, BookedRow, _BOOKED, asked)


_BY_REFERENCE = """
SELECT o.shop, o.number, p.order_id, p.gateway, p.reference, p.state, p.authorized, p.captured, p.refunded,
       p.refunded_by_hand, p.fee, p.as_of, false AS open
FROM payment p JOIN shop_order o ON o.id = p.order_id
WHERE p.gateway = %(gateway)s AND p.reference = ANY(%(references)b::text[])
"""


def by_reference(connection: Connection, gateway: str, references: Sequence[str]) -> list[BookedRow]:
    """The payments of a gateway that are known by one of ``references``."""
    return fetch(connection, BookedRow, _BY_REFERENCE, {"gateway": gateway, "references": list(references)})


class HeldRow(NamedTuple):
    """A payment of which the books say that the gateway holds or has taken it."""

    shop: str
    number: str
    reference: str
    state: str
    as_of: datetime


_AT_GATEWAY = """
SELECT o.shop, o.number, p.reference, p.state, p.as_of FROM payment p JOIN shop_order o ON o.id = p.order_id
WHERE p.gateway = %(gateway)s AND p.reference IS NOT NULL AND p.as_of IS NOT NULL
  AND o.accepted_at >= %(since)s AND o.accepted_at < %(until)s
"""


def at_gateway(connection: Connection, gateway: str, since: datetime, until: datetime) -> list[HeldRow]:
    """What the books have at ``gateway`` of orders accepted from ``since`` up to ``until``."""
    return fetch(connection, HeldRow, _AT_GATEWAY, {"gateway": gateway, "since": since, "until": until})


_CAPTURED = "SELECT min(at) FROM payment_entry WHERE order_id = %(id)s AND captured > 0 HAVING min(at) IS NOT NULL"


def captured_at(connection: Connection, order_id: int) -> datetime | None:
    """When money of the order was first taken; None while none was."""
    return next(iter(scalars(connection, _CAPTURED, {"id": order_id})), None)
