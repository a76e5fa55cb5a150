"""Single-use codes that a shop makes for its customers: the letters that bring them, and the orders that use them (CUT-05)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from models.coupon import PostedCoupon
from models.store.statement import columns, execute, fetch, insert, one, reader, values, writer


class NewCustomerRow(NamedTuple):
    """A customer whom the shop thanks for the first order that stands, and how they are reached."""

    customer_id: str
    order_id: int
    accepted_at: datetime
    email: str
    name: str
    locale: str
    postal_stop: bool


_UNTHANKED: Final = """
SELECT o.customer_id, o.id, o.accepted_at, coalesce(c.email, ''), coalesce(c.name, ''), coalesce(c.locale, 'ja'),
       coalesce(c.postal_stop, false) AND c.email <> ''
FROM (SELECT DISTINCT ON (customer_id) customer_id, id, accepted_at FROM shop_order
      WHERE shop = %(shop)s AND accepted_at >= %(since)s AND accepted_at < %(until)s
        AND state <> 'cancelled' AND customer_id <> ''
      ORDER BY customer_id, accepted_at, id) o
LEFT JOIN customer c ON c.shop = %(shop)s AND c.id = o.customer_id
WHERE c.withdrawn_at IS NULL
  AND NOT EXISTS (SELECT FROM point_lot l WHERE l.shop = %(shop)s AND l.source = 'thanks:' || o.customer_id)
  AND NOT EXISTS (SELECT FROM posted_coupon p WHERE p.shop = %(shop)s AND p.customer_id = o.customer_id)
ORDER BY o.customer_id LIMIT %(limit)s
"""


def unthanked(connection: Connection, shop: str, since: datetime, until: datetime, limit: int) -> list[NewCustomerRow]:
    """Customers whose order of [since, until) stands and who were never thanked: with a code, or with points as it once was."""
    return fetch(connection, NewCustomerRow, _UNTHANKED, {"shop": shop, "since": since, "until": until, "limit": limit})


class NewCodeRow(NamedTuple):
    """A code that was made; a mail that brings it is queued at once, a letter is still to be posted."""

    shop: str
    customer_id: str
    code: str
    code_key: str
    points: int
    order_id: int
    way: str
    due_on: date
    expires_at: datetime | None
    made_at: datetime
    posted_at: datetime | None
    posted_by: str | None


add = writer(NewCodeRow, insert(NewCodeRow, PostedCoupon))


class CodeKey(NamedTuple):
    """A code of a shop without its spelling."""

    shop: str
    code_key: str


class CodeRow(NamedTuple):
    """Whose a code is, what it brings and until when, and whether an order has used it."""

    shop: str
    code_key: str
    customer_id: str
    points: int
    expires_at: datetime | None
    is_used: bool


#: The codes that were made, of those asked for.
known = reader(
    CodeKey,
    f"""SELECT {columns(CodeRow, "p", is_used="p.used_order_id IS NOT NULL")} FROM posted_coupon p
        JOIN {values(CodeKey, PostedCoupon)} USING (shop, code_key)""",
    CodeRow,
)


class CodeUseRow(NamedTuple):
    """An order enters a code."""

    shop: str
    code_key: str
    used_order_id: int
    used_at: datetime


#: Fewer are written where another order has used one up meanwhile.
use = writer(
    CodeUseRow,
    f"""UPDATE posted_coupon t SET used_order_id = v.used_order_id, used_at = v.used_at
        FROM {values(CodeUseRow, PostedCoupon)}
        WHERE t.shop = v.shop AND t.code_key = v.code_key AND t.used_order_id IS NULL""",
)


class PostingRow(NamedTuple):
    """A letter, or the mail in its place, with the address of the order that it thanks for."""

    id: int
    shop: str
    customer_id: str
    number: str
    code: str
    points: int
    way: str
    due_on: date
    expires_at: datetime | None
    posted_at: datetime | None
    posted_by: str | None
    ship_to: Mapping[str, Any]


_POSTING: Final = columns(PostingRow, "p", number="o.number", ship_to="d.document->'ship_to'")
_FROM: Final = """
FROM posted_coupon p JOIN shop_order o ON o.id = p.order_id JOIN order_document d ON d.order_id = p.order_id
LEFT JOIN customer c ON c.shop = p.shop AND c.id = p.customer_id
"""
#: Nothing is posted to who withdrew, or wants no letters any more (CON-04, CON-06).
OPEN: Final = "p.way = 'post' AND p.posted_at IS NULL AND c.withdrawn_at IS NULL AND c.postal_stop IS NOT TRUE"


def postings(
    connection: Connection, shops: Sequence[str], *, done: bool = False, limit: int = 1000
) -> list[PostingRow]:
    """Letters still to be posted, the oldest first; with ``done`` those that were posted or mailed, the newest first.
    ``shops`` empty: of every shop."""
    which, order = ("p.posted_at IS NOT NULL", "p.posted_at DESC, p.id DESC") if done else (OPEN, "p.due_on, p.id")
    return fetch(
        connection,
        PostingRow,
        f"""SELECT {_POSTING} {_FROM} WHERE {which} AND (%(every)s OR p.shop = ANY(%(shops)b::text[]))
            ORDER BY {order} LIMIT %(limit)s""",
        {"shops": list(shops), "every": not shops, "limit": limit},
    )


def posting(connection: Connection, id_: int, *, is_open: bool = False) -> PostingRow | None:
    """The letter ``id_``; None if there is none, or with ``is_open`` if it is not to be posted any more."""
    which = f"p.id = %(id)s AND {OPEN}" if is_open else "p.id = %(id)s"
    return one(connection, PostingRow, f"SELECT {_POSTING} {_FROM} WHERE {which}", {"id": id_})


def mark_posted(connection: Connection, id_: int, by: str, now: datetime) -> int:
    """The letter was posted; 0 if it was before."""
    return execute(
        connection,
        """UPDATE posted_coupon SET posted_at = %(now)s, posted_by = %(by)s
           WHERE id = %(id)s AND way = 'post' AND posted_at IS NULL""",
        {"id": id_, "by": by, "now": now},
    )


class MailedRow(NamedTuple):
    """A code that is mailed in place of the letter, and to whom."""

    customer_id: str
    code: str
    points: int
    expires_at: datetime | None
    email: str
    name: str
    locale: str


_STOPPED: Final = """
UPDATE posted_coupon p SET way = 'mail', posted_at = %(now)s, posted_by = %(by)s FROM customer c
WHERE p.shop = %(shop)s AND p.way = 'post' AND p.posted_at IS NULL
  AND c.shop = p.shop AND c.id = p.customer_id AND c.postal_stop AND c.withdrawn_at IS NULL AND c.email <> ''
RETURNING p.customer_id, p.code, p.points, p.expires_at, c.email, c.name, c.locale
"""


def mail_instead(connection: Connection, shop: str, by: str, now: datetime) -> list[MailedRow]:
    """The letters of customers who want none any more become mails (CON-04)."""
    return fetch(connection, MailedRow, _STOPPED, {"shop": shop, "by": by, "now": now})
