"""Orders as lists show them, found by filters and by a word: one statement behind every list, newest first, a page at a time.

A page is cut shop by shop on an index that lies in the order of the list, then dressed with what it shows. A word is looked up
in ``order_term``; ``%`` and ``_`` mean nothing there, since a beginning is a range of the index and no pattern.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from models.search import OrderTerm
from models.states import OrderState
from models.store.statement import columns, fetch, insert, writer


class TermRow(NamedTuple):
    """A term that leads to an order: the letter of its kind, then the word without what spellings differ in
    (``pipelines.values.search_term``)."""

    shop: str
    term: str
    placed_at: datetime
    order_id: int


#: How many terms are new; what an order was found by before stays.
add = writer(TermRow, insert(TermRow, OrderTerm, order_by="shop, term, placed_at, order_id", conflict="DO NOTHING"))


class Sought(NamedTuple):
    """Terms that are looked for: ``term`` itself, or with ``begins`` all that begin with it."""

    term: str
    begins: bool


class Place(NamedTuple):
    """Where a page ended: the orders after this one come next."""

    placed_at: datetime
    id: int


class Filter(NamedTuple):
    """Which orders are meant; None is any. ``since`` and ``until`` are of ``placed_at``: at or after, and before.

    ``hold`` is a reason that is open, ``supplier`` and ``dispatch_on`` are of one shipment that still counts, ``words`` are the
    terms any of which is looked for, and ``numbers`` are its spellings as a tracking number.
    """

    state: str | None = None
    condition: str | None = None
    hold: str | None = None
    supplier: str | None = None
    dispatch_on: date | None = None
    since: datetime | None = None
    until: datetime | None = None
    words: Sequence[Sought] | None = None
    numbers: Sequence[str] = ()


class ListedRow(NamedTuple):
    """An order in a list; money in yen. ``holds`` are open reasons; ``shipments`` {id, supplier, state, dispatch_on,
    tracking_numbers}. ``customer_name`` is personal."""

    id: int
    shop: str
    number: str
    placed_at: datetime
    state: str
    condition: str
    method: str
    currency: str
    grand_total: int
    payment_state: str
    customer_id: str
    customer_name: str
    holds: Sequence[str]
    shipments: Sequence[Mapping[str, Any]]

    @property
    def place(self) -> Place:
        """Where a page that ends here goes on."""
        return Place(self.placed_at, self.id)


#: States in which no order rests: those in them are few among all there were, and have an index of their own.
_LIVE: Final = frozenset({OrderState.ACCEPTED, OrderState.AWAITING_PAYMENT, OrderState.AUTHORIZED, OrderState.RELEASED, OrderState.PARTLY_SHIPPED})  # fmt: skip
_SHIPMENT: Final = "s.state NOT IN ('cancelled', 'refused')"
_CONDITIONS: Final = {
    "state": "o.state = %(state)s",
    "condition": "o.condition = %(condition)s",
    "hold": "o.id IN (SELECT h.order_id FROM order_hold h WHERE h.closed_at IS NULL AND h.reason = %(hold)s)",
    "since": "o.placed_at >= %(since)s",
    "until": "o.placed_at < %(until)s",
}
#: Goods leave after they were ordered. A week is left for a supplier who names a day that is over; without an end, a day of a year ago
#: would be looked for from the newest order on.
_PLACED_BY: Final = "o.placed_at < %(dispatch_on)s::date + interval '8 days'"
_DETAILS: Final = columns(
    ListedRow,
    "o",
    payment_state="p.state",
    customer_name="coalesce(d.document->'customer'->>'name', '')",
    holds="coalesce((SELECT array_agg(h.reason ORDER BY h.id) FROM order_hold h WHERE h.order_id = o.id AND h.closed_at IS NULL), '{}')",
    shipments="""coalesce((SELECT json_agg(json_build_object(
        'id', s.id, 'supplier', s.supplier, 'state', s.state, 'dispatch_on', s.dispatch_on,
        'tracking_numbers', (SELECT coalesce(json_agg(c.tracking_number ORDER BY c.id), '[]'::json) FROM parcel c
                             WHERE c.shipment_id = s.id AND c.tracking_number IS NOT NULL)) ORDER BY s.id)
        FROM shipment s WHERE s.order_id = o.id), '[]'::json)""",
)
_LISTED: Final = """
WITH page AS MATERIALIZED (
  SELECT f.placed_at, f.id FROM unnest(%(shops)b::text[]) AS w(shop) CROSS JOIN LATERAL ({found}) f
  ORDER BY f.placed_at DESC, f.id DESC LIMIT %(limit)s)
SELECT {details}
FROM page g JOIN shop_order o ON o.id = g.id JOIN payment p ON p.order_id = o.id JOIN order_document d ON d.order_id = o.id
ORDER BY g.placed_at DESC, g.id DESC
"""
_NEXT: Final = "ORDER BY placed_at DESC, id DESC LIMIT %(limit)s"


def listed(
    connection: Connection, shops: Sequence[str], which: Filter, *, after: Place | None = None, limit: int
) -> list[ListedRow]:
    """Up to ``limit`` orders of ``shops`` (no shop: none), newest first, those after ``after``."""
    told: dict[str, Any] = {
        **{name: value for name, value in which._asdict().items() if name != "words"},
        **{f"word{place}": one.term for place, one in enumerate(which.words or ())},
        "shops": list(dict.fromkeys(shops)),
        "numbers": list(which.numbers),
        "limit": limit,
        "after_at": after.placed_at if after else None,
        "after_id": after.id if after else None,
    }
    found = _found(which, after) if which.words is None else _by_word(which, which.words, after)
    return fetch(connection, ListedRow, _LISTED.format(found=found, details=_DETAILS), told)


def _found(which: Filter, after: Place | None) -> str:
    where = ["o.shop = w.shop", *_conditions(which), *_behind(after, "o.placed_at", "o.id")]
    return f"SELECT o.placed_at, o.id FROM shop_order o WHERE {' AND '.join(where)} {_NEXT}"


def _conditions(which: Filter) -> list[str]:
    """SQL of the filters but the word, of an order ``o``."""
    found = [sql for name, sql in _CONDITIONS.items() if getattr(which, name) is not None]
    if which.state in _LIVE or which.condition in ("running", "held") or which.hold is not None:
        found.append("o.condition <> 'done'")
    if which.dispatch_on is not None:
        found.append(_PLACED_BY)
    shipment = [f"s.{name} = %({name})s" for name in ("supplier", "dispatch_on") if getattr(which, name) is not None]
    if shipment:
        found.append(
            f"EXISTS (SELECT FROM shipment s WHERE s.order_id = o.id AND {_SHIPMENT} AND {' AND '.join(shipment)})"
        )
    return found


def _behind(after: Place | None, placed_at: str, id_: str) -> list[str]:
    return [f"({placed_at}, {id_}) < (%(after_at)s::timestamptz, %(after_id)s::bigint)"] if after else []


def _by_word(which: Filter, words: Sequence[Sought], after: Place | None) -> str:
    """Each kind of term brings its newest orders; an order has at most two terms of a kind that begin alike, its two names."""
    conditions = _conditions(which)
    join = f"JOIN shop_order o ON o.id = t.order_id AND {' AND '.join(conditions)}" if conditions else ""
    behind = _behind(after, "t.placed_at", "t.order_id")
    branches = [
        f"""(SELECT t.placed_at, t.order_id AS id FROM order_term t {join}
             WHERE {" AND ".join(("t.shop = w.shop", _matches(place, one), *behind))}
             ORDER BY t.placed_at DESC, t.order_id DESC LIMIT 2 * %(limit)s)"""
        for place, one in enumerate(words)
    ]
    if which.numbers:
        where = ["c.tracking_number = ANY(%(numbers)b::text[])", *conditions, *_behind(after, "o.placed_at", "o.id")]
        branches.append(
            f"""SELECT o.placed_at, o.id FROM parcel c JOIN shop_order o ON o.id = c.order_id AND o.shop = w.shop
                WHERE {" AND ".join(where)}"""
        )
    if not branches:
        branches.append("SELECT o.placed_at, o.id FROM shop_order o WHERE false")
    return f"SELECT DISTINCT u.placed_at, u.id FROM ({' UNION ALL '.join(branches)}) u {_NEXT}"


def _matches(place: int, sought: Sought) -> str:
    """SQL: the term ``t`` is the one that is looked for, or begins with it."""
    word = f'%(word{place})s::text COLLATE "C"'
    return (
        f't.term >= {word} AND t.term < ({word} || chr(1114111)) COLLATE "C"' if sought.begins else f"t.term = {word}"
    )
