"""Retention: which orders' day has come, and the statements that let go of what is no longer kept of them.

An order is found once, by the mark that goes over all orders of a shop in the order in which they came, or, where it could not go
on its day, in ``retention_late``. So what is looked at in a day does not grow with what was let go before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from models.store.deposits import LESS_PERSONAL, OF_STATEMENT
from models.store.erasures import OPEN
from models.store.inbox import ERASED
from models.store.statement import execute, fetch, one, scalars

#: What an event says that was in quarantine for too long.
_NOBODY = "nobody took it up in time; it is no longer kept"


class PlaceRow(NamedTuple):
    """A place among a shop's orders: after this one."""

    accepted_at: datetime
    order_id: int


def mark(connection: Connection, shop: str, what: str, start: datetime) -> PlaceRow:
    """Up to which order all were looked at for ``what``, locked until the transaction ends; ``start`` where none was."""
    told = {"shop": shop, "what": what, "start": start}
    execute(
        connection,
        """INSERT INTO retention_mark (shop, what, accepted_at, order_id, gone) VALUES (%(shop)s, %(what)s, %(start)s, 0, 0)
           ON CONFLICT (shop, what) DO NOTHING""",
        told,
    )
    statement = (
        "SELECT accepted_at, order_id FROM retention_mark WHERE shop = %(shop)s AND what = %(what)s FOR NO KEY UPDATE"
    )
    found = one(connection, PlaceRow, statement, told)
    assert found is not None, "it was just written"
    return found


def move_mark(connection: Connection, shop: str, what: str, to: PlaceRow, gone: int) -> None:
    """All up to ``to`` were looked at, and ``gone`` more rows went."""
    execute(
        connection,
        """UPDATE retention_mark SET accepted_at = %(at)s, order_id = %(id)s, gone = gone + %(gone)s
           WHERE shop = %(shop)s AND what = %(what)s""",
        {"shop": shop, "what": what, "at": to.accepted_at, "id": to.order_id, "gone": gone},
    )


_COME = """
SELECT accepted_at, id FROM shop_order
WHERE shop = %(shop)s AND (accepted_at, id) > (%(at)s, %(id)s) AND accepted_at < %(until)s ORDER BY accepted_at, id LIMIT %(limit)s
"""


def come(connection: Connection, shop: str, after: PlaceRow, until: datetime, limit: int) -> list[PlaceRow]:
    """The next orders of the shop that were accepted before ``until``, in the order in which they came."""
    told = {"shop": shop, "at": after.accepted_at, "id": after.order_id, "until": until, "limit": limit}
    return fetch(connection, PlaceRow, _COME, told)


_LATE = """
SELECT order_id FROM retention_late WHERE shop = %(shop)s AND what = %(what)s AND order_id > %(after)s ORDER BY order_id LIMIT %(limit)s
"""


def late(connection: Connection, shop: str, what: str, after: int, limit: int) -> list[int]:
    """The next orders of the shop that could not go on their day."""
    return scalars(connection, _LATE, {"shop": shop, "what": what, "after": after, "limit": limit})


_OVER = f"""
SELECT o.id FROM shop_order o
WHERE o.id = ANY(%(ids)b::bigint[]) AND o.accepted_at < %(until)s AND ({OPEN}) IS NULL
  AND NOT EXISTS (SELECT FROM mail m WHERE m.order_id = o.id AND m.state = 'needs_review')
  AND NOT EXISTS (SELECT FROM transition t WHERE t.order_id = o.id AND t.at >= %(moved)s)
"""


def over(connection: Connection, orders: Sequence[int], until: datetime, moved: datetime) -> list[int]:
    """Those of the orders that were accepted before ``until``, have ended in everything, and of which nothing moved since
    ``moved``."""
    return scalars(connection, _OVER, {"ids": list(orders), "until": until, "moved": moved})


def come_late(connection: Connection, shop: str, what: str, orders: Sequence[int]) -> None:
    """The orders are looked at again."""
    execute(
        connection,
        """INSERT INTO retention_late (shop, what, order_id) SELECT %(shop)s, %(what)s, unnest(%(ids)b::bigint[])
           ON CONFLICT DO NOTHING""",
        {"shop": shop, "what": what, "ids": list(orders)},
    )


_AGAIN = """
INSERT INTO retention_late (shop, what, order_id)
SELECT o.shop, k.what, o.id FROM shop_order o
JOIN retention_mark k ON k.shop = o.shop AND (o.accepted_at, o.id) <= (k.accepted_at, k.order_id)
WHERE o.id = ANY(%(ids)b::bigint[]) ON CONFLICT DO NOTHING
"""


def come_again(connection: Connection, orders: Sequence[int]) -> None:
    """Something was written about the orders: those that were looked at already, and went, are looked at again, for what is new of them."""
    execute(connection, _AGAIN, {"ids": list(orders)})


def not_late(connection: Connection, shop: str, what: str, orders: Sequence[int]) -> None:
    """The orders need not be looked at again."""
    execute(
        connection,
        "DELETE FROM retention_late WHERE shop = %(shop)s AND what = %(what)s AND order_id = ANY(%(ids)b::bigint[])",
        {"shop": shop, "what": what, "ids": list(orders)},
    )


_MAILS = """
UPDATE mail SET packed = NULL WHERE order_id = ANY(%(ids)b::bigint[]) AND state IN ('sent', 'failed', 'bounced', 'suppressed')
  AND packed IS NOT NULL
"""


def end_mails(connection: Connection, orders: Sequence[int]) -> int:
    """Let go of the bodies of the orders' mails."""
    return execute(connection, _MAILS, {"ids": list(orders)})


_EVENTS = f"""
UPDATE inbox_event SET body = '{ERASED}'
WHERE order_id = ANY(%(ids)b::bigint[]) AND state IN ('applied', 'ignored', 'refused') AND body <> '{ERASED}'
"""


def end_events(connection: Connection, orders: Sequence[int]) -> int:
    """Let go of what the events about the orders said."""
    return execute(connection, _EVENTS, {"ids": list(orders)})


#: A file that stands for several orders stays until each of them has gone.
_OUTPUTS = """
UPDATE effect_output t SET content = ''
WHERE octet_length(content) > 0
  AND effect_id IN (SELECT id FROM effect WHERE order_id = ANY(%(ids)b::bigint[])
                    UNION SELECT effect_id FROM effect_item WHERE order_id = ANY(%(ids)b::bigint[]))
  AND NOT EXISTS (SELECT FROM effect_item i JOIN shop_order o ON o.id = i.order_id
                  WHERE i.effect_id = t.effect_id AND o.id <> ALL(%(ids)b::bigint[])
                    AND (o.accepted_at >= %(until)s
                         OR EXISTS (SELECT FROM retention_late l WHERE l.order_id = o.id AND l.what = %(what)s)))
"""
_ANSWERS: Final = tuple(
    f"UPDATE {table} SET outcome = outcome - 'says' WHERE order_id = ANY(%(ids)b::bigint[]) AND outcome ? 'says'"
    for table in ("effect", "effect_item")
)


def end_payloads(connection: Connection, orders: Sequence[int], what: str, until: datetime) -> int:
    """Let go of the files that were made for the orders, and of what partners answered in words. A file of several orders goes
    with the last of them; ``what`` and ``until`` say which are kept."""
    told: Mapping[str, Any] = {"ids": list(orders), "what": what, "until": until}
    return sum(execute(connection, statement, told) for statement in (_OUTPUTS, *_ANSWERS))


class PersonRow(NamedTuple):
    """What an order says of people."""

    id: int
    customer: Mapping[str, Any]
    ship_to: Mapping[str, Any]
    remarks: str | None
    before: Sequence[Mapping[str, Any]]


_PEOPLE = """
SELECT order_id, document->'customer', document->'ship_to', document->>'remarks',
       (SELECT coalesce(jsonb_agg(r.before), '[]') FROM order_readdressing r WHERE r.order_id = d.order_id)
FROM order_document d WHERE order_id = ANY(%(ids)b::bigint[])
"""


def people(connection: Connection, orders: Sequence[int]) -> list[PersonRow]:
    """What the orders say of people, where they were to go before too."""
    return fetch(connection, PersonRow, _PEOPLE, {"ids": list(orders)})


#: SQL: money that no order has, which stays before a human until somebody says whose it is; who sent it goes.
_MONEY: Final = f"{OF_STATEMENT} AND order_id IS NULL"
#: Of the shop's own, or, for shop "", of nobody whose profile is known (``known``).
_QUARANTINE = f"""
UPDATE inbox_event SET body = CASE WHEN {_MONEY} THEN {LESS_PERSONAL} ELSE '{ERASED}' END,
  reason = CASE WHEN {_MONEY} THEN reason ELSE '{_NOBODY}' END, state = CASE WHEN {_MONEY} THEN state ELSE 'ignored' END
WHERE id IN (SELECT i.id FROM inbox_event i LEFT JOIN shop_order o ON o.id = i.order_id
             WHERE i.state = 'quarantined' AND i.at < %(until)s
               AND NOT ({OF_STATEMENT} AND i.order_id IS NULL AND NOT i.body ? 'payer')
               AND CASE WHEN i.order_id IS NULL THEN %(shop)s = '' ELSE o.shop = %(shop)s AND o.condition = 'done' END
             ORDER BY i.id LIMIT %(limit)s FOR UPDATE OF i SKIP LOCKED)
"""
_REFUSED = """
DELETE FROM refused_order
WHERE id IN (SELECT id FROM refused_order
             WHERE at < %(until)s AND CASE WHEN shop = ANY(%(known)b::text[]) THEN shop = %(shop)s ELSE %(shop)s = '' END
             ORDER BY at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
"""
_MAILS_OF_NO_ORDER = """
UPDATE mail SET packed = NULL, envelope_to = ''
WHERE id IN (SELECT id FROM mail
             WHERE order_id IS NULL AND packed IS NOT NULL AND state NOT IN ('queued', 'needs_review') AND at < %(until)s AND %(shop)s = ''
             ORDER BY at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
"""
#: Files of tracking numbers, which are of several orders and shops.
_FILES = """
UPDATE supplier_file SET content = ''
WHERE id IN (SELECT id FROM supplier_file
             WHERE octet_length(content) > 0 AND at < %(until)s AND %(shop)s = ''
             ORDER BY at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
"""
#: Documents of no single order: what they say; that they were issued, and under which numbers, stays.
_DOCUMENTS_OF_NO_ORDER = """
UPDATE document SET file = '', content = '{}'
WHERE id IN (SELECT id FROM document
             WHERE order_id IS NULL AND octet_length(file) > 0 AND issued_at < %(until)s
               AND CASE WHEN shop = ANY(%(known)b::text[]) THEN shop = %(shop)s ELSE %(shop)s = '' END
             ORDER BY issued_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
"""
#: By what goes by its own time, not by an order's.
_BY_ITS_OWN_TIME: Final = {
    "quarantine": _QUARANTINE,
    "refused_orders": _REFUSED,
    "mails": _MAILS_OF_NO_ORDER,
    "files": _FILES,
    "documents": _DOCUMENTS_OF_NO_ORDER,
}


def end_others(connection: Connection, what: str, shop: str, known: Sequence[str], until: datetime, limit: int) -> int:
    """Let go of up to so many rows of what came before ``until``: the shop's own, or, for shop "", what is of none of the
    ``known`` ones. ``what`` is quarantine, refused_orders, mails and documents, these of no order, or files that suppliers sent."""
    told = {"shop": shop, "known": list(known), "until": until, "limit": limit}
    return execute(connection, _BY_ITS_OWN_TIME[what], told)
