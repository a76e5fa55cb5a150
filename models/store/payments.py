"""The money of orders: read for decisions, opened with the order, changed by decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from models.payment import Payment
from models.store.statement import columns, fetch, insert, reader, update, values, writer


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


change = writer(PaymentChangeRow, update(PaymentChangeRow, Payment, by=("order_id",)))
