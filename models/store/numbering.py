"""Numbers for moves of an order that happen outside of its own decision: a lot it earned is spent, held or expires."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from models.order import ShopOrder
from models.store.statement import reader, scalars, values

_LOCK = "SELECT id FROM shop_order WHERE id = ANY(%(ids)b::bigint[]) ORDER BY id FOR NO KEY UPDATE"


def lock_orders(connection: Connection, ids: Sequence[int]) -> list[int]:
    """Lock orders one after the other, waiting for whoever has one. Nothing else may be locked yet but other orders."""
    return scalars(connection, _LOCK, {"ids": list(ids)}) if ids else []


def lock_free_orders(connection: Connection, ids: Sequence[int]) -> list[int]:
    """Lock those of the orders that nobody else has locked; never waits."""
    return scalars(connection, f"{_LOCK} SKIP LOCKED", {"ids": list(ids)}) if ids else []


class CountedRow(NamedTuple):
    """So many moves of an order."""

    id: int
    moves: int


class NumberedRow(NamedTuple):
    """An order and the number of its last move."""

    id: int
    shop: str
    number: str
    sequence: int


#: Counts moves of orders that are locked, a decision on older facts of them no longer holds.
count = reader(
    CountedRow,
    f"""UPDATE shop_order o SET sequence = o.sequence + v.moves, version = o.version + 1
        FROM {values(CountedRow, ShopOrder, moves="int")} WHERE o.id = v.id
        RETURNING o.id, o.shop, o.number, o.sequence""",
    NumberedRow,
)
