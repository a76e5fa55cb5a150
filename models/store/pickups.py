"""Stores that live orders are called to (STO-01)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection

from models.store.statement import fetch


class AwaitedAtRow(NamedTuple):
    """A store of a shop with the orders that something is still to become of there: how many, and the number of one."""

    shop: str
    store: str
    orders: int
    number: str


_AWAITED_AT: Final = """
SELECT o.shop, d.document->'pickup'->>'store', count(*)::int, min(o.number)
FROM shop_order o JOIN order_document d ON d.order_id = o.id
WHERE o.condition <> 'done' AND o.shop = ANY(%(shops)b::text[]) AND d.document->'pickup'->>'store' IS NOT NULL
GROUP BY 1, 2 ORDER BY 1, 2
"""


def awaited_at(connection: Connection, shops: Sequence[str]) -> list[AwaitedAtRow]:
    """Every store that live orders of the shops are called to."""
    return fetch(connection, AwaitedAtRow, _AWAITED_AT, {"shops": list(shops)})
