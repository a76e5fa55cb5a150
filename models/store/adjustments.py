"""Changes after the order: append-only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from models.adjustment import OrderAdjustment
from models.store.statement import columns, fetch, insert, writer


class AdjustmentRow(NamedTuple):
    """One change of an order, its ``sequence``-th; ``amounts`` is the whole of it, the others repeat what queries need."""

    order_id: int
    sequence: int
    key: str
    kind: str
    reason: str
    amounts: Mapping[str, Any]
    money: int
    points: int
    rank_spend: int
    at: datetime


add = writer(AdjustmentRow, insert(AdjustmentRow, OrderAdjustment))

_OF_ORDERS = f"""
SELECT {columns(AdjustmentRow)} FROM order_adjustment WHERE order_id = ANY(%(ids)b::bigint[]) ORDER BY order_id, sequence
"""


def of_orders(connection: Connection, ids: Sequence[int]) -> list[AdjustmentRow]:
    """The changes of the orders, each order's first to last."""
    return fetch(connection, AdjustmentRow, _OF_ORDERS, {"ids": list(ids)})
