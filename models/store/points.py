"""The points ledger: lots, transfers and balances, as they are read under the lock of balances and written.

Balances are locked in (shop, customer) order, and lots only under them: two batches never wait for each other in a circle,
and a lot that was read under its balance's lock stands as it was read. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from models.points import PointBalance, PointLot, PointTransfer
from models.store.customers import CustomerKey
from models.store.statement import columns, execute, fetch, insert, one, reader, scalars, update, values, writer


class LotRow(NamedTuple):
    """A lot as it stands."""

    id: int
    shop: str
    customer_id: str
    order_id: int | None
    source: str
    kind: str
    line: str | None
    repriced: int
    replaces: int | None
    limited: bool
    amount: int
    remaining: int
    held: int
    owed: int
    gone: int
    state: str
    expires_at: datetime | None
    at: datetime


class LotChangeRow(NamedTuple):
    """How a lot stands from now on; None keeps its expiry."""

    id: int
    remaining: int
    held: int
    owed: int
    gone: int
    state: str
    expires_at: datetime | None


class TransferRow(NamedTuple):
    """Points of a lot that go from one account to another."""

    shop: str
    customer_id: str
    lot_id: int
    order_id: int | None
    source: str
    kind: str
    debit: str
    credit: str
    amount: int
    at: datetime


class BalanceRow(NamedTuple):
    """A customer's points by account; of a change, what is added to each."""

    shop: str
    customer_id: str
    pending: int
    valid: int
    held: int


# Under the lock.


class LockedRow(NamedTuple):
    """A balance that is locked; ``closed`` if its customer withdrew (CON-06)."""

    shop: str
    customer_id: str
    closed: bool


_NOTHING: Final = dict.fromkeys(("pending", "valid", "held"), "0")

#: Makes balances; those that did not exist yet, which nobody else sees until the transaction ends.
open_balances = reader(
    CustomerKey,
    insert(
        CustomerKey,
        PointBalance,
        constants=_NOTHING,
        order_by="shop, customer_id",
        conflict="(shop, customer_id) DO NOTHING",
        returning=columns(LockedRow),
    ),
    LockedRow,
)

_lock = reader(
    CustomerKey,
    f"""SELECT {columns(LockedRow, "b")} FROM point_balance b
        JOIN (SELECT DISTINCT * FROM {values(CustomerKey, PointBalance)}) AS v USING (shop, customer_id)
        ORDER BY b.shop, b.customer_id FOR NO KEY UPDATE OF b""",
    LockedRow,
)


def lock_balances(connection: Connection, customers: Iterable[CustomerKey]) -> list[LockedRow]:
    """Lock the balances of customers until the transaction ends, one after the other; those who have one."""
    return _lock(connection, list(customers))


def close_balance(connection: Connection, customer: CustomerKey, *, closed: bool) -> None:
    """Close a balance that is locked, or open it again."""
    execute(
        connection,
        "UPDATE point_balance SET closed = %(closed)s WHERE shop = %(shop)s AND customer_id = %(customer_id)s",
        {**customer._asdict(), "closed": closed},
    )


_HOLDING: Final = "(l.remaining > 0 OR l.held > 0 OR l.owed > 0)"
_OPEN_LOTS = f"""
SELECT {columns(LotRow, "l")} FROM point_lot l
JOIN (SELECT DISTINCT * FROM {values(CustomerKey, PointLot)}) AS v USING (shop, customer_id)
WHERE {_HOLDING}
UNION ALL
SELECT {columns(LotRow, "l")} FROM point_lot l WHERE l.id = ANY(%(named)b::bigint[]) AND NOT {_HOLDING}
"""
_lots_of = reader(CustomerKey, _OPEN_LOTS, LotRow)


def lots_of(connection: Connection, customers: Sequence[CustomerKey], named: Sequence[int] = ()) -> list[LotRow]:
    """The customers' lots in which something stands or is owed, and those of ``named`` that are empty."""
    return _lots_of(connection, customers, named=list(named))


_BY_ID = f"SELECT {columns(LotRow)} FROM point_lot WHERE id = ANY(%(ids)b::bigint[])"


def lots_by_id(connection: Connection, ids: Sequence[int]) -> list[LotRow]:
    """The lots with these ids."""
    return fetch(connection, LotRow, _BY_ID, {"ids": list(ids)})


def reserve_lot_ids(connection: Connection, count: int) -> list[int]:
    """Ids for lots that are about to be granted, ascending; one that is not used is lost, which harms nobody."""
    return scalars(
        connection,
        "SELECT nextval(pg_get_serial_sequence('point_lot', 'id')) FROM generate_series(1, %(count)s)",
        {"count": count},
    )


add_lots = writer(LotRow, insert(LotRow, PointLot, overriding="SYSTEM VALUE"))
change_lots = writer(LotChangeRow, update(LotChangeRow, PointLot, by=("id",)))
add_transfers = writer(TransferRow, insert(TransferRow, PointTransfer))
change_balances = writer(
    BalanceRow,
    f"""UPDATE point_balance b SET pending = b.pending + v.pending, valid = b.valid + v.valid, held = b.held + v.held
        FROM {values(BalanceRow, PointBalance)} WHERE b.shop = v.shop AND b.customer_id = v.customer_id""",
)


# What is asked of single customers and of orders.

_BALANCE = f"""
SELECT {columns(BalanceRow)} FROM point_balance WHERE shop = %(shop)s AND customer_id = %(customer)s
"""


def balance(connection: Connection, shop: str, customer: str) -> BalanceRow | None:
    """The customer's balance, or None for a customer without a ledger."""
    return one(connection, BalanceRow, _BALANCE, {"shop": shop, "customer": customer})


_BY_SOURCES = f"""
SELECT {columns(LotRow)} FROM point_lot WHERE shop = %(shop)s AND source = ANY(%(sources)b::text[])
"""


def lots_by_source(connection: Connection, shop: str, sources: Sequence[str]) -> list[LotRow]:
    """The lots of ``shop`` that were granted by one of ``sources``."""
    return fetch(connection, LotRow, _BY_SOURCES, {"shop": shop, "sources": list(sources)})


_OF_ORDERS = f"SELECT {columns(LotRow)} FROM point_lot WHERE order_id = ANY(%(ids)b::bigint[]) ORDER BY id"


def lots_of_orders(connection: Connection, order_ids: Sequence[int]) -> list[LotRow]:
    """Lots that the orders earned or were granted, oldest first."""
    return fetch(connection, LotRow, _OF_ORDERS, {"ids": list(order_ids)})


class UsedPointsRow(NamedTuple):
    """Points of one lot that an order used and did not get back, nor had granted anew; with the lot's expiry now."""

    order_id: int
    lot_id: int
    amount: int
    expires_at: datetime | None


_USED = """
SELECT u.order_id, u.lot_id, (u.points - coalesce(g.points, 0))::int, l.expires_at
FROM (SELECT t.order_id, t.lot_id, sum(CASE t.kind WHEN 'use' THEN t.amount ELSE -t.amount END) AS points
      FROM shop_order o
      JOIN point_transfer t ON t.shop = o.shop AND t.customer_id = o.customer_id AND t.order_id = o.id
      WHERE o.id = ANY(%(ids)b::bigint[]) AND t.kind IN ('use', 'return')
      GROUP BY t.order_id, t.lot_id) u
JOIN point_lot l ON l.id = u.lot_id
LEFT JOIN LATERAL (SELECT sum(again.amount) AS points FROM point_lot again
                   WHERE again.order_id = u.order_id AND again.replaces = u.lot_id) g ON true
WHERE u.points > coalesce(g.points, 0)
"""


def used_by_orders(connection: Connection, order_ids: Sequence[int]) -> list[UsedPointsRow]:
    """What the orders used, by lot (from the ledger)."""
    return fetch(connection, UsedPointsRow, _USED, {"ids": list(order_ids)})


class OrderBalanceRow(NamedTuple):
    """The valid points of an order's customer."""

    order_id: int
    valid: int


_OF_CUSTOMERS = """
SELECT o.id, b.valid FROM shop_order o JOIN point_balance b ON b.shop = o.shop AND b.customer_id = o.customer_id
WHERE o.id = ANY(%(ids)b::bigint[])
"""


def balances_of_orders(connection: Connection, order_ids: Sequence[int]) -> list[OrderBalanceRow]:
    """What the orders' customers have; a guest has no balance."""
    return fetch(connection, OrderBalanceRow, _OF_CUSTOMERS, {"ids": list(order_ids)})
