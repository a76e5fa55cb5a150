"""The money of orders: read for decisions, opened with the order, changed by decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from models.payment import Payment
from models.store.statement import columns, fetch, insert, update, writer


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
