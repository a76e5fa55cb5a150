"""Holds of orders: opened, closed, and read while they are open; the rows stay as the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from models.hold import OrderHold
from models.store.statement import columns, fetch, insert, update, writer


class NewHoldRow(NamedTuple):
    """A reason to wait for a human, from ``opened_at`` on; ``lines`` are pieces by line, ``amount`` yen."""

    order_id: int
    reason: str
    shipment_id: str | None
    lines: Mapping[str, int]
    amount: int | None
    facts: Mapping[str, str | int]
    opened_at: datetime
    opened_by: str


add = writer(NewHoldRow, insert(NewHoldRow, OrderHold))


class ClosedHoldRow(NamedTuple):
    """A hold that is over, and by what."""

    id: int
    closed_at: datetime
    closed_by: str


close = writer(ClosedHoldRow, update(ClosedHoldRow, OrderHold, by=("id",), only="t.closed_at IS NULL"))


class HoldRow(NamedTuple):
    """An open hold."""

    order_id: int
    id: int
    reason: str
    shipment_id: str | None
    lines: Mapping[str, int]
    amount: int | None
    facts: Mapping[str, str | int]
    opened_at: datetime


_OPEN = f"""
SELECT {columns(HoldRow)} FROM order_hold
WHERE order_id = ANY(%(ids)b::bigint[]) AND closed_at IS NULL ORDER BY order_id, id
"""


def open_of(connection: Connection, ids: Sequence[int]) -> list[HoldRow]:
    """The open holds of the orders, each order's first to last; nothing is asked for no order."""
    return fetch(connection, HoldRow, _OPEN, {"ids": list(ids)}) if ids else []


class ReleaseRow(NamedTuple):
    """When the last hold of an order that is over ended."""

    order_id: int
    at: datetime


_RELEASES = """
SELECT order_id, max(closed_at) FROM order_hold
WHERE order_id = ANY(%(ids)b::bigint[]) AND closed_at IS NOT NULL GROUP BY order_id
"""


def releases(connection: Connection, ids: Sequence[int]) -> list[ReleaseRow]:
    """Since when the orders go on that were held."""
    return fetch(connection, ReleaseRow, _RELEASES, {"ids": list(ids)})
