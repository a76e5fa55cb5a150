"""Accounts that customers named for their refunds, and what is to be paid out to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from models.refund_account import RefundAccount
from models.states import HoldReason
from models.store.statement import columns, fetch, insert, writer


class RefundAccountRow(NamedTuple):
    """The account of an order, as its customer typed it last."""

    order_id: int
    bank: str
    branch: str
    kind: str
    number: str
    holder: str
    given_at: datetime


#: The last word holds.
keep = writer(
    RefundAccountRow,
    insert(
        RefundAccountRow,
        RefundAccount,
        conflict="(order_id) DO UPDATE SET bank = excluded.bank, branch = excluded.branch, kind = excluded.kind, "
        "number = excluded.number, holder = excluded.holder, given_at = excluded.given_at",
    ),
)

_OF_ORDER = f"SELECT {columns(RefundAccountRow)} FROM refund_account WHERE order_id = %(id)s"


def of_order(connection: Connection, order_id: int) -> RefundAccountRow | None:
    """The account of an order; None while its customer has named none."""
    return next(iter(fetch(connection, RefundAccountRow, _OF_ORDER, {"id": order_id})), None)


class PayoutRow(NamedTuple):
    """``amount`` yen of an order that a person has to pay out; the account is None while the customer has named none."""

    shop: str
    number: str
    amount: int
    bank: str | None
    branch: str | None
    kind: str | None
    account: str | None
    holder: str | None
    since: datetime


_PAYOUTS = f"""
SELECT o.shop, o.number, h.amount, a.bank, a.branch, a.kind, a.number, a.holder, h.opened_at
FROM order_hold h JOIN shop_order o ON o.id = h.order_id LEFT JOIN refund_account a ON a.order_id = o.id
WHERE h.closed_at IS NULL AND h.reason = '{HoldReason.REFUND_DUE}' AND (%(shop)s::text IS NULL OR o.shop = %(shop)s)
ORDER BY h.opened_at, o.id
"""


def payouts(connection: Connection, shop: str | None) -> Sequence[PayoutRow]:
    """What is to be paid out by hand now, the oldest first; of one shop, or with None of all."""
    return fetch(connection, PayoutRow, _PAYOUTS, {"shop": shop})


class DueRow(NamedTuple):
    """``amount`` yen of an order that wait to be paid out by hand, 0 for none; ``locale`` is its customer's."""

    order_id: int
    amount: int
    locale: str


_DUE = f"""
SELECT o.id AS order_id, coalesce((SELECT sum(h.amount) FROM order_hold h
         WHERE h.order_id = o.id AND h.closed_at IS NULL AND h.reason = '{HoldReason.REFUND_DUE}'), 0)::bigint AS amount,
       o.locale
FROM shop_order o WHERE o.shop = %(shop)s AND o.number = %(number)s
"""


def due(connection: Connection, shop: str, number: str) -> DueRow | None:
    """What is to be paid out of an order now; None if there is no such order."""
    return next(iter(fetch(connection, DueRow, _DUE, {"shop": shop, "number": number})), None)
