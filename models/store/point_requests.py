"""What storefronts asked of the points ledger, by their keys: grants with their answers, and holds with their endings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from models.points import PointHold, PointRequest
from models.store import statement
from models.store.statement import columns, execute, fetch, insert, one, scalars, writer


class RequestRow(NamedTuple):
    """A grant that was asked for, as a hash, and what it was answered."""

    shop: str
    key: str
    request_hash: bytes
    answer: Mapping[str, Any]


def claim(connection: Connection, shop: str, key: str) -> None:
    """Wait for whoever else is asked for a grant under ``key`` just now, and let nobody until this transaction ends. Before any balance
    is locked."""
    statement.claim(connection, f"grant {shop}\n{key}")


_REQUEST = f"SELECT {columns(RequestRow)} FROM point_request WHERE shop = %(shop)s AND key = %(key)s"


def request(connection: Connection, shop: str, key: str) -> RequestRow | None:
    """The grant asked for under ``key``, or None."""
    return one(connection, RequestRow, _REQUEST, {"shop": shop, "key": key})


#: Keeps grants under their keys; waits for whoever holds a key just now, and leaves out those that are taken.
keep_requests = writer(RequestRow, insert(RequestRow, PointRequest, conflict="(shop, key) DO NOTHING"))


class HoldRow(NamedTuple):
    """Points taken aside under a key."""

    shop: str
    key: str
    customer_id: str
    request_hash: bytes
    amount: int
    reason: str
    outcome: str | None
    at: datetime


_HOLD = f"SELECT {columns(HoldRow)} FROM point_hold WHERE shop = %(shop)s AND key = %(key)s"


def hold(connection: Connection, shop: str, key: str) -> HoldRow | None:
    """The hold of this key, or None."""
    return one(connection, HoldRow, _HOLD, {"shop": shop, "key": key})


def shops_of_hold(connection: Connection, key: str) -> list[str]:
    """Shops that have a hold of this key."""
    return scalars(connection, "SELECT shop FROM point_hold WHERE key = %(key)s", {"key": key})


#: Keeps holds under their keys, but for those whose key is taken.
keep_holds = writer(HoldRow, insert(HoldRow, PointHold, conflict="(shop, key) DO NOTHING"))


def end_hold(connection: Connection, shop: str, key: str, outcome: str) -> bool:
    """End a hold as ``valid`` or ``void``; False if it had ended."""
    statement = (
        "UPDATE point_hold SET outcome = %(outcome)s WHERE shop = %(shop)s AND key = %(key)s AND outcome IS NULL"
    )
    return bool(execute(connection, statement, {"shop": shop, "key": key, "outcome": outcome}))


class HoldPartRow(NamedTuple):
    """What a hold took aside of one lot, and from which account."""

    lot_id: int
    amount: int
    debit: str


_PARTS = f"""
SELECT {columns(HoldPartRow)} FROM point_transfer
WHERE source = %(source)s AND kind = 'hold' AND shop = %(shop)s ORDER BY lot_id
"""


def hold_parts(connection: Connection, shop: str, source: str) -> list[HoldPartRow]:
    """What the hold of ``source`` took aside."""
    return fetch(connection, HoldPartRow, _PARTS, {"shop": shop, "source": source})
