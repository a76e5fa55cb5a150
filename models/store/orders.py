"""Orders as decisions and views see them, as they are taken in, and as decisions change them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from models.order import OrderDocument, OrderLine, RefusedOrder, ShopOrder
from models.store.statement import columns, fetch, insert, one, reader, scalars, update, values, writer


class OrderKey(NamedTuple):
    """What the world calls an order."""

    shop: str
    number: str


class OrderRow(NamedTuple):
    """An order as it stands. What it says and costs is a row of its own (``models.store.presence``): whoever locks the one alone reads
    the other in a later statement, since one that locks sees what it locks as it stands, and all else as it was when it began."""

    id: int
    shop: str
    number: str
    customer_id: str
    locale: str
    state: str
    condition: str
    method: str
    currency: str
    grand_total: int
    placed_at: datetime
    accepted_at: datetime
    version: int
    sequence: int


#: The select list of ``OrderRow``: ``o`` is the order.
ORDER: Final = columns(OrderRow, "o")

_BY_NUMBER = f"SELECT {ORDER} FROM shop_order o WHERE o.shop = %(shop)s AND o.number = %(number)s"


def by_number(connection: Connection, shop: str, number: str) -> OrderRow | None:
    """The order that the world calls ``shop``/``number``, or None."""
    return one(connection, OrderRow, _BY_NUMBER, {"shop": shop, "number": number})


_DOCUMENT_OF = """
SELECT d.document::text FROM shop_order o JOIN order_document d ON d.order_id = o.id
WHERE o.shop = %(shop)s AND o.number = %(number)s
"""


def document_of(connection: Connection, shop: str, number: str) -> str | None:
    """What that order says, as JSON text; None if there is none."""
    return next(iter(scalars(connection, _DOCUMENT_OF, {"shop": shop, "number": number})), None)


_BY_IDS = f"SELECT {ORDER} FROM shop_order o WHERE o.id = ANY(%(ids)b::bigint[]) ORDER BY o.id"


def by_ids(connection: Connection, ids: Sequence[int]) -> list[OrderRow]:
    """The orders of these ids, to be looked at; nothing is locked."""
    return fetch(connection, OrderRow, _BY_IDS, {"ids": list(ids)})


class OrderIdRow(NamedTuple):
    """Which order is meant."""

    shop: str
    number: str
    id: int


ids_by_number = reader(
    OrderKey,
    f"SELECT o.shop, o.number, o.id FROM {values(OrderKey, ShopOrder)} JOIN shop_order o USING (shop, number)",
    OrderIdRow,
)


class KnownOrderRow(NamedTuple):
    """What is compared with an order that comes in again."""

    shop: str
    number: str
    content_hash: bytes


known = reader(
    OrderKey,
    f"SELECT {columns(KnownOrderRow, 'o')} FROM {values(OrderKey, ShopOrder)} JOIN shop_order o USING (shop, number)",
    KnownOrderRow,
)


class NewOrderRow(NamedTuple):
    """An order that was accepted: nothing has happened to it yet."""

    id: int
    shop: str
    number: str
    content_hash: bytes
    customer_id: str
    locale: str
    method: str
    currency: str
    grand_total: int
    placed_at: datetime
    accepted_at: datetime


class NewDocumentRow(NamedTuple):
    """The document and the prices of an order that was accepted."""

    order_id: int
    document: Mapping[str, Any]
    breakdown: Mapping[str, Any]


class NewLineRow(NamedTuple):
    """A line of an order that was accepted."""

    order_id: int
    line: str
    sku: str
    name: str
    quantity: int
    unit_price: int
    tax_rate: int
    supplier: str
    availability: str
    expected_on: date | None
    points_rate: Decimal | None
    flags: Sequence[str]


def reserve_ids(connection: Connection, count: int) -> list[int]:
    """Ids for orders that are about to be stored; those that are not stored after all are lost, which harms nobody."""
    return scalars(
        connection,
        "SELECT nextval(pg_get_serial_sequence('shop_order', 'id')) FROM generate_series(1, %(count)s)",
        {"count": count},
    )


#: Of orders that another process stored meanwhile nothing is written.
add = writer(
    NewOrderRow,
    insert(
        NewOrderRow,
        ShopOrder,
        constants={"state": "'accepted'", "condition": "'running'", "version": "1", "sequence": "1"},
        overriding="SYSTEM VALUE",
        order_by="shop, number",
        conflict="(shop, number) DO NOTHING",
    ),
)
add_documents = writer(NewDocumentRow, insert(NewDocumentRow, OrderDocument))
add_lines = writer(NewLineRow, insert(NewLineRow, OrderLine, constants={"cancelled": "0", "shipped": "0"}))


class RefusedOrderRow(NamedTuple):
    """An order from the broker that was refused; ``problems`` are {field, message}, ``document`` is what came in."""

    content_hash: bytes
    shop: str | None
    number: str | None
    problems: Sequence[Mapping[str, str]]
    document: Any
    at: datetime


add_refused = writer(RefusedOrderRow, insert(RefusedOrderRow, RefusedOrder, conflict="(content_hash) DO NOTHING"))


class OrderChangeRow(NamedTuple):
    """How an order stands after a decision on its ``version``; ``moves`` are what storefronts count."""

    id: int
    version: int
    state: str
    condition: str
    moves: int


#: Raises the version; an order whose version moved on is not touched.
change = writer(
    OrderChangeRow,
    f"""UPDATE shop_order o SET state = v.state, condition = v.condition, version = o.version + 1, sequence = o.sequence + v.moves
        FROM {values(OrderChangeRow, ShopOrder, moves="int")} WHERE o.id = v.id AND o.version = v.version""",
)


class LinePiecesRow(NamedTuple):
    """Pieces of an order line in all, not added; None keeps what stands."""

    order_id: int
    line: str
    shipped: int | None
    cancelled: int | None


change_lines = writer(LinePiecesRow, update(LinePiecesRow, OrderLine, by=("order_id", "line")))


class BilledOrderRow(NamedTuple):
    """An order on a customer's bills. ``adjustments`` are its changes (``at``, ``amounts``), ``repricings`` (``at``, ``before``: the
    breakdown that held until then), each first to last, None for none; ``lines`` the order's own; ``cancelled_at`` is None where it
    stands."""

    number: str
    placed_at: datetime
    billed_at: datetime
    method: str
    breakdown: Mapping[str, Any]
    adjustments: Sequence[Mapping[str, Any]] | None
    repricings: Sequence[Mapping[str, Any]] | None
    lines: Sequence[Mapping[str, Any]] | None
    cancelled_at: datetime | None


class BilledCustomerRow(NamedTuple):
    """A customer whose orders are collected on a bill: how many of them are of the month, and how many changes of earlier ones."""

    shop: str
    customer_id: str
    orders: int
    changes: int


_CANCELLED_AT: Final = """(SELECT max(t.at) FROM transition t
   WHERE t.order_id = o.id AND t.entity = 'order' AND t.to_state = 'cancelled')"""
#: When an order ``o`` counts for a bill: with its purchase, or when it came, once the statement of the purchase's month, which is not
#: issued before that is over, had been issued.
_BILLED_AT: Final = """(CASE WHEN date_trunc('month', o.accepted_at AT TIME ZONE 'Asia/Tokyo') > date_trunc('month', o.placed_at AT TIME ZONE 'Asia/Tokyo')
   AND EXISTS (SELECT FROM document x WHERE x.kind = 'statement' AND x.shop = o.shop AND x.order_id IS NULL AND x.issued_at < o.accepted_at
     AND x.subject = o.customer_id || '/' || to_char(o.placed_at AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM'))
   THEN o.accepted_at ELSE o.placed_at END)"""
#: One that is on the bills before the time, and one of the time, which stood when that ended.
_EARLIER: Final = f"o.placed_at < %(since)s AND {_BILLED_AT} < %(since)s"
_OF_MONTH: Final = f"""(o.placed_at >= %(since)s OR o.accepted_at >= %(since)s) AND o.placed_at < %(until)s
  AND {_BILLED_AT} >= %(since)s AND {_BILLED_AT} < %(until)s
  AND (o.state <> 'cancelled' OR {_CANCELLED_AT} >= %(until)s)"""
_IN_TIME: Final = "at >= %(since)s AND at < %(until)s"
_ENDED_IN_TIME: Final = f"""o.state = 'cancelled' AND {_CANCELLED_AT} >= %(since)s AND {_CANCELLED_AT} < %(until)s"""


def billed_customers(
    connection: Connection,
    shops: Sequence[str],
    billing: Sequence[str],
    methods: Sequence[str],
    since: datetime,
    until: datetime,
    limit: int,
) -> list[BilledCustomerRow]:
    """Customers of the shops with orders by ``methods`` that count from ``since`` and before ``until`` and stood then, or with
    changes in that time of earlier ones, by number. Orders that ended as a whole are looked for among those of half a year of the shops
    ``billing``."""
    of_them = "o.customer_id <> '' AND o.method = ANY(%(methods)b::text[])"
    billed = f"o.shop = ANY(%(shops)b::text[]) AND {of_them}"
    return fetch(
        connection,
        BilledCustomerRow,
        f"""SELECT shop, customer_id, sum(of_month)::bigint, sum(change)::bigint FROM (
             SELECT o.shop, o.customer_id, 1 AS of_month, 0 AS change FROM shop_order o WHERE {billed} AND {_OF_MONTH}
             UNION ALL
             SELECT o.shop, o.customer_id, 0, 1
             FROM (SELECT order_id FROM order_adjustment WHERE {_IN_TIME}
                   UNION ALL SELECT order_id FROM order_repricing WHERE {_IN_TIME}) c
             JOIN shop_order o ON o.id = c.order_id WHERE {billed} AND {_EARLIER}
             UNION ALL
             SELECT o.shop, o.customer_id, 0, 1 FROM shop_order o
             WHERE o.shop = ANY(%(billing)b::text[]) AND {of_them} AND {_EARLIER}
               AND o.placed_at >= %(since)s - interval '6 months' AND {_ENDED_IN_TIME}) b
           GROUP BY 1, 2 ORDER BY 1, 2 LIMIT %(limit)s""",
        {
            "shops": list(shops),
            "billing": list(billing),
            "methods": list(methods),
            "since": since,
            "until": until,
            "limit": limit,
        },
    )


def billed(
    connection: Connection, shop: str, customer: str, methods: Sequence[str], since: datetime, until: datetime
) -> list[BilledOrderRow]:
    """A customer's orders by ``methods`` that count from ``since`` and before ``until``, or before that and changed in that time,
    oldest first."""
    return fetch(
        connection,
        BilledOrderRow,
        f"""SELECT o.number, o.placed_at, {_BILLED_AT}, o.method, d.breakdown,
                  (SELECT json_agg(json_build_object('at', a.at, 'amounts', a.amounts) ORDER BY a.sequence)
                   FROM order_adjustment a WHERE a.order_id = o.id),
                  (SELECT json_agg(json_build_object('at', r.at, 'before', r.before) ORDER BY r.sequence)
                   FROM order_repricing r WHERE r.order_id = o.id),
                  d.document->'lines', CASE WHEN o.state = 'cancelled' THEN {_CANCELLED_AT} END
           FROM shop_order o JOIN order_document d ON d.order_id = o.id
           WHERE o.shop = %(shop)s AND o.customer_id = %(customer)s AND o.customer_id <> ''
             AND o.method = ANY(%(methods)b::text[])
             AND o.placed_at < %(until)s AND {_BILLED_AT} < %(until)s
             AND ({_BILLED_AT} >= %(since)s OR ({_ENDED_IN_TIME})
                  OR EXISTS (SELECT FROM order_adjustment c WHERE c.order_id = o.id AND {_IN_TIME})
                  OR EXISTS (SELECT FROM order_repricing c WHERE c.order_id = o.id AND {_IN_TIME}))
           ORDER BY o.placed_at, o.id""",
        {"shop": shop, "customer": customer, "methods": list(methods), "since": since, "until": until},
    )


_LOCKED = "SELECT id FROM shop_order WHERE id = ANY(%(ids)b::bigint[]) ORDER BY id FOR NO KEY UPDATE"


def lock(connection: Connection, ids: Sequence[int]) -> list[int]:
    """Lock orders one after the other, waiting for whoever has one. Nothing else may be locked yet but other orders."""
    return scalars(connection, _LOCKED, {"ids": list(ids)}) if ids else []


def lock_free(connection: Connection, ids: Sequence[int]) -> list[int]:
    """Lock those of the orders that nobody else has locked; never waits."""
    return scalars(connection, f"{_LOCKED} SKIP LOCKED", {"ids": list(ids)}) if ids else []


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


#: Counts moves that locked orders make outside of their own decisions: a lot they earned is spent, held or expires.
#: A decision on older facts of them no longer holds.
count_moves = reader(
    CountedRow,
    f"""UPDATE shop_order o SET sequence = o.sequence + v.moves, version = o.version + 1
        FROM {values(CountedRow, ShopOrder, moves="int")} WHERE o.id = v.id
        RETURNING o.id, o.shop, o.number, o.sequence""",
    NumberedRow,
)


_ID_OF = "SELECT id FROM shop_order WHERE shop = %(shop)s AND number = %(number)s AND customer_id = %(customer)s"


def id_of(connection: Connection, shop: str, customer: str, number: str) -> int | None:
    """The id of the customer's order of this number, or None."""
    return next(iter(scalars(connection, _ID_OF, {"shop": shop, "number": number, "customer": customer})), None)


class PastOrderRow(NamedTuple):
    """An order as it was accepted; ``document`` is JSON text."""

    id: int
    accepted_at: datetime
    document: str


#: Before every order.
FIRST: Final = PastOrderRow(0, datetime(2000, 1, 1, tzinfo=UTC), "")
_PAST = f"""
SELECT {columns(PastOrderRow, "o", document="d.document::text")} FROM shop_order o JOIN order_document d ON d.order_id = o.id
WHERE o.shop = %(shop)s AND (o.accepted_at, o.id) > (%(accepted_at)s, %(id)s) ORDER BY o.accepted_at, o.id LIMIT 1000
"""


def past(connection: Connection, shop: str, after: PastOrderRow = FIRST) -> list[PastOrderRow]:
    """Up to 1,000 orders of ``shop`` that were accepted after ``after``, the oldest first; none: there are no more."""
    return fetch(connection, PastOrderRow, _PAST, {"shop": shop, "accepted_at": after.accepted_at, "id": after.id})


class OthersRow(NamedTuple):
    """A shop with its orders that are not over: how many, and the number of one."""

    shop: str
    orders: int
    number: str


def live_of_others(connection: Connection, shops: Sequence[str]) -> list[OthersRow]:
    """Every shop but these that has orders which are not over."""
    statement = """SELECT shop, count(*)::int, min(number) FROM shop_order
                   WHERE condition <> 'done' AND shop <> ALL(%(shops)b::text[]) GROUP BY shop ORDER BY shop"""
    return fetch(connection, OthersRow, statement, {"shops": list(shops)})
