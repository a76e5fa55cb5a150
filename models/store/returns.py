"""Returns with their lines: read for decisions and for answers, opened and moved by decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from models.return_request import ReturnLine, ReturnRequest
from models.store.statement import columns, fetch, insert, one, update, values, writer


class ReturnRow(NamedTuple):
    """A return of an order; its lines are five lists side by side."""

    order_id: int
    id: str
    state: str
    remedy: str
    asked_at: datetime
    asked_by: str
    goods_by: date | None
    waits_until: datetime | None
    because: Sequence[Mapping[str, str]]
    answer: str
    replacement: str | None
    rest: int
    lines: Sequence[str]
    quantities: Sequence[int]
    reasons: Sequence[str]
    conditions: Sequence[str]
    costs_on: Sequence[str]


#: Several words of one line are kept apart by a newline, which no word has: lists of lists have one length in PostgreSQL.
_LINES = {
    "lines": "array_agg(l.line ORDER BY length(l.line), l.line, l.reason)",
    "quantities": "array_agg(l.quantity ORDER BY length(l.line), l.line, l.reason)",
    "reasons": "array_agg(l.reason ORDER BY length(l.line), l.line, l.reason)",
    "conditions": "array_agg(array_to_string(l.condition, E'\\n') ORDER BY length(l.line), l.line, l.reason)",
    "costs_on": "array_agg(l.cost_on ORDER BY length(l.line), l.line, l.reason)",
}
_OF_ORDERS = f"""
SELECT {columns(ReturnRow, "r", **_LINES)} FROM return_request r JOIN return_line l ON l.return_id = r.id
WHERE r.order_id = ANY(%(ids)b::bigint[]) GROUP BY r.id ORDER BY r.order_id, r.asked_at, r.id
"""


def of_orders(connection: Connection, ids: Sequence[int]) -> list[ReturnRow]:
    """The returns of the orders, each order's first to last."""
    return fetch(connection, ReturnRow, _OF_ORDERS, {"ids": list(ids)})


class ListedReturnRow(NamedTuple):
    """A return in a list, with how many pieces it is about."""

    id: str
    shop: str
    number: str
    state: str
    remedy: str
    asked_at: datetime
    goods_by: date | None
    waits_until: datetime | None
    pieces: int


_PIECES = "(SELECT sum(l.quantity) FROM return_line l WHERE l.return_id = r.id)::int"
_LISTED = f"""
SELECT {columns(ListedReturnRow, "r", shop="o.shop", number="o.number", pieces=_PIECES)}
FROM return_request r JOIN shop_order o ON o.id = r.order_id
WHERE o.shop = ANY(%(shops)b::text[])
  AND CASE WHEN %(state)s::text IS NULL THEN r.waits_until IS NOT NULL ELSE r.state = %(state)s END
ORDER BY r.waits_until, r.asked_at DESC, r.id LIMIT %(limit)s
"""


def listed(connection: Connection, shops: Sequence[str], state: str | None, limit: int) -> list[ListedReturnRow]:
    """Returns of ``shops`` in ``state``, None for those that wait for something; the most pressing first."""
    return fetch(connection, ListedReturnRow, _LISTED, {"shops": list(shops), "state": state, "limit": limit})


class ReturnPlaceRow(NamedTuple):
    """Whose a return is."""

    shop: str
    number: str


_PLACE = """
SELECT o.shop, o.number FROM return_request r JOIN shop_order o ON o.id = r.order_id WHERE r.id = %(id)s
UNION ALL
SELECT o.shop, o.number FROM inbox_event e JOIN shop_order o ON o.id = e.order_id
WHERE e.state = 'pending' AND e.type = 'return.requested' AND e.body->>'return' = %(id)s
LIMIT 1
"""


def place(connection: Connection, return_id: str) -> ReturnPlaceRow | None:
    """The order of a return, of one that was asked for and is not decided yet too; None if there is none of that id."""
    return one(connection, ReturnPlaceRow, _PLACE, {"id": return_id})


class NewReturnRow(NamedTuple):
    """A return that is opened."""

    order_id: int
    id: str
    state: str
    remedy: str
    asked_at: datetime
    asked_by: str
    goods_by: date | None
    waits_until: datetime | None
    because: Sequence[Mapping[str, str]]
    answer: str
    replacement: str | None
    rest: int


class NewReturnLineRow(NamedTuple):
    """Pieces of a line that come back."""

    return_id: str
    line: str
    quantity: int
    reason: str
    condition: Sequence[str]
    cost_on: str


class ReturnChangeRow(NamedTuple):
    """The new face of a return; None keeps what stands, but for the moment until which it waits."""

    id: str
    state: str | None
    goods_by: date | None
    waits_until: datetime | None
    answer: str | None
    replacement: str | None
    rest: int


class PiecesLeftRow(NamedTuple):
    """Pieces of a line that are left in a return, for a reason; 0 for none."""

    return_id: str
    line: str
    reason: str
    quantity: int


add = writer(NewReturnRow, insert(NewReturnRow, ReturnRequest))
add_lines = writer(NewReturnLineRow, insert(NewReturnLineRow, ReturnLine))
_PIECES_LEFT = values(PiecesLeftRow, ReturnLine)
_SAME = "l.return_id = v.return_id AND l.line = v.line AND l.reason = v.reason"
keep_pieces = writer(
    PiecesLeftRow,
    f"UPDATE return_line l SET quantity = v.quantity FROM {_PIECES_LEFT} WHERE {_SAME} AND v.quantity > 0",
)
drop_lines = writer(PiecesLeftRow, f"DELETE FROM return_line l USING {_PIECES_LEFT} WHERE {_SAME} AND v.quantity = 0")
change = writer(
    ReturnChangeRow, update(ReturnChangeRow, ReturnRequest, by=("id",), instead={"waits_until": "v.waits_until"})
)
