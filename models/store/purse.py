"""Reads of the points ledger, under a lock where they are decided on: a customer's lots and pages, what jobs find due,
what the accountant is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from models.database import Rows, rows


def _one(found: list[Any]) -> Any | None:
    return found[0] if found else None


_LOT = """l.id, l.state, l.amount, l.remaining, l.held, l.owed, l.limited, l.expires_at, l.at, l.kind, l.order_id"""


def lock(connection: Connection, customers: Rows) -> None:
    """Lock the balances of (shop, customer) pairs, always in that order: two transactions never wait in a circle."""
    wanted = sorted({(row[0], row[1]) for row in customers})
    rows(
        connection,
        """SELECT 1 FROM point_balance b
           JOIN unnest(%(shops)b::text[], %(customers)b::text[]) AS v(shop, customer)
             ON b.shop = v.shop AND b.customer_id = v.customer
           ORDER BY b.shop, b.customer_id FOR NO KEY UPDATE OF b""",
        {"shops": [row[0] for row in wanted], "customers": [row[1] for row in wanted]},
    )


def open_lots(connection: Connection, customers: Rows) -> list[Any]:
    """(shop, customer, id, state, amount, remaining, held, owed, limited, expires_at, at, kind, order id) of the lots
    of (shop, customer) pairs that hold something, in the order they are spent (PTS-12)."""
    return rows(
        connection,
        f"""SELECT l.shop, l.customer_id, {_LOT} FROM point_lot l
            JOIN (SELECT DISTINCT * FROM unnest(%(shops)b::text[], %(customers)b::text[])) AS v(shop, customer)
              ON l.shop = v.shop AND l.customer_id = v.customer
            WHERE l.remaining > 0 OR l.held > 0
            ORDER BY l.shop, l.customer_id, l.limited DESC, l.expires_at NULLS LAST, l.at, l.id""",
        {"shops": [c[0] for c in customers], "customers": [c[1] for c in customers]},
    )


def lots(connection: Connection, ids: Sequence[int]) -> list[Any]:
    """The same columns of the lots with these ids."""
    return rows(
        connection,
        f"SELECT l.shop, l.customer_id, {_LOT} FROM point_lot l WHERE l.id = ANY(%(ids)b::bigint[]) ORDER BY l.id",
        {"ids": list(ids)},
    )


def gone(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """Points of lots that their customer has lost without spending them: expired, void, or clawed back by the order
    that had earned them; by lot."""
    found = rows(
        connection,
        """SELECT l.id, sum(t.amount)::int FROM point_lot l
           JOIN point_transfer t ON t.shop = l.shop AND t.customer_id = l.customer_id AND t.lot_id = l.id
           WHERE l.id = ANY(%(ids)b::bigint[])
             AND (t.credit IN ('expired', 'void') OR t.kind IN ('clawback', 'owe') AND t.order_id = l.order_id)
           GROUP BY l.id""",
        {"ids": list(ids)},
    )
    return {row[0]: row[1] for row in found}


def balance(connection: Connection, shop: str, customer: str) -> Any | None:
    """(pending, valid, held), or None for a customer without a ledger."""
    return _one(
        rows(
            connection,
            "SELECT pending, valid, held FROM point_balance WHERE shop = %(shop)s AND customer_id = %(customer)s",
            {"shop": shop, "customer": customer},
        )
    )


def page(connection: Connection, shop: str, customer: str, before: int | None, limit: int) -> list[Any]:
    """(id, at, kind, debit, credit, amount, lot, order number) of the customer's transfers, newest first."""
    return rows(
        connection,
        """SELECT t.id, t.at, t.kind, t.debit, t.credit, t.amount, t.lot_id, o.number
           FROM point_transfer t LEFT JOIN shop_order o ON o.id = t.order_id
           WHERE t.shop = %(shop)s AND t.customer_id = %(customer)s AND t.id < %(before)s
           ORDER BY t.id DESC LIMIT %(limit)s""",
        {"shop": shop, "customer": customer, "before": before or 2**63 - 1, "limit": limit},
    )


def customer(connection: Connection, shop: str, customer_id: str) -> Any | None:
    """(email, name, locale, birth date, registered_at)."""
    return _one(
        rows(
            connection,
            """SELECT email, name, locale, birth_date, registered_at FROM customer
               WHERE shop = %(shop)s AND id = %(id)s""",
            {"shop": shop, "id": customer_id},
        )
    )


def has_shipped(connection: Connection, shop: str, customer_id: str) -> bool:
    """Whether something the customer ordered has left (PTS-10)."""
    found = rows(
        connection,
        """SELECT EXISTS (SELECT FROM shop_order WHERE shop = %(shop)s AND customer_id = %(id)s
                          AND state IN ('partly_shipped', 'shipped', 'delivered'))""",
        {"shop": shop, "id": customer_id},
    )
    return bool(found[0][0])


def order(connection: Connection, shop: str, number: str) -> Any | None:
    """(id, customer) of an order."""
    return _one(
        rows(
            connection,
            "SELECT id, customer_id FROM shop_order WHERE shop = %(shop)s AND number = %(number)s",
            {"shop": shop, "number": number},
        )
    )


def request(connection: Connection, shop: str, key: str) -> Any | None:
    """(request hash, answer) of a grant asked for under ``key``."""
    return _one(
        rows(
            connection,
            "SELECT request_hash, answer FROM point_request WHERE shop = %(shop)s AND key = %(key)s",
            {"shop": shop, "key": key},
        )
    )


def hold(connection: Connection, shop: str, key: str) -> Any | None:
    """(customer, request hash, amount, reason, outcome, at) of a hold."""
    return _one(
        rows(
            connection,
            """SELECT customer_id, request_hash, amount, reason, outcome, at FROM point_hold
               WHERE shop = %(shop)s AND key = %(key)s""",
            {"shop": shop, "key": key},
        )
    )


def shops_of_hold(connection: Connection, key: str) -> list[str]:
    """Shops that have a hold of this key."""
    return [row[0] for row in rows(connection, "SELECT shop FROM point_hold WHERE key = %(key)s", {"key": key})]


def hold_parts(connection: Connection, shop: str, source: str) -> list[Any]:
    """(lot, points, account they came from) of what a hold took aside."""
    return rows(
        connection,
        """SELECT t.lot_id, t.amount, t.debit FROM point_transfer t
           WHERE t.source = %(source)s AND t.kind = 'hold' AND t.shop = %(shop)s ORDER BY t.lot_id""",
        {"shop": shop, "source": source},
    )


def granted_by_source(connection: Connection, shop: str, source: str) -> Any | None:
    """(lot id, amount, state, expires_at) of what was granted once."""
    return _one(
        rows(
            connection,
            "SELECT id, amount, state, expires_at FROM point_lot WHERE shop = %(shop)s AND source = %(source)s",
            {"shop": shop, "source": source},
        )
    )


def birthdays(connection: Connection, shop: str, month: int, year: int, limit: int) -> list[Any]:
    """Customers of ``shop`` who were born in ``month`` and have no birthday points of ``year`` yet."""
    found = rows(
        connection,
        """SELECT c.id FROM customer c
           WHERE c.shop = %(shop)s AND extract(month FROM c.birth_date) = %(month)s
             AND NOT EXISTS (SELECT FROM point_lot l WHERE l.shop = c.shop
                             AND l.source = 'birthday:' || c.id || ':' || %(year)s::int)
           ORDER BY c.id LIMIT %(limit)s""",
        {"shop": shop, "month": month, "year": year, "limit": limit},
    )
    return [row[0] for row in found]


def unthanked(connection: Connection, shop: str, since: datetime, until: datetime, limit: int) -> list[Any]:
    """Customers whose order of [since, until) stands and who were never given the thank-you coupon (CUT-05)."""
    found = rows(
        connection,
        """SELECT DISTINCT o.customer_id FROM shop_order o
           WHERE o.shop = %(shop)s AND o.accepted_at >= %(since)s AND o.accepted_at < %(until)s
             AND o.state <> 'cancelled' AND o.customer_id <> ''
             AND NOT EXISTS (SELECT FROM point_lot l WHERE l.shop = o.shop AND l.source = 'thanks:' || o.customer_id)
           ORDER BY 1 LIMIT %(limit)s""",
        {"shop": shop, "since": since, "until": until, "limit": limit},
    )
    return [row[0] for row in found]


def expiring(
    connection: Connection, shop: str, since: datetime, until: datetime, after: tuple[str, datetime], limit: int
) -> list[Any]:
    """(customer, expires_at, points, email, name, locale) of valid points that expire in (since, until], for customers
    who can be reached; the page after (customer, expires_at)."""
    return rows(
        connection,
        """SELECT l.customer_id, l.expires_at, sum(l.remaining)::int, c.email, c.name, c.locale
           FROM point_lot l JOIN customer c ON c.shop = l.shop AND c.id = l.customer_id
           WHERE l.state = 'valid' AND l.shop = %(shop)s AND l.expires_at > %(since)s AND l.expires_at <= %(until)s
             AND c.email <> '' AND (l.customer_id, l.expires_at) > (%(customer)s, %(expires_at)s)
           GROUP BY l.customer_id, l.expires_at, c.email, c.name, c.locale
           ORDER BY l.customer_id, l.expires_at LIMIT %(limit)s""",
        {
            "shop": shop,
            "since": since,
            "until": until,
            "customer": after[0],
            "expires_at": after[1],
            "limit": limit,
        },
    )


def movements(connection: Connection, since: date, until: date, shops: Sequence[str]) -> list[Any]:
    """(shop, day, lot month, granted, activated, used, returned, expired, voided, clawed back) of the days from
    ``since`` through ``until``, Asia/Tokyo; no ``shops`` means all.

    What customers hold changes by granted - used + returned - expired - voided - clawed back.
    """
    return rows(
        connection,
        """SELECT t.shop, (t.at AT TIME ZONE 'Asia/Tokyo')::date, to_char(l.at AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM'),
                  coalesce(sum(t.amount) FILTER (WHERE t.debit = 'granted'), 0)::bigint,
                  coalesce(sum(t.amount) FILTER (WHERE t.credit = 'valid' AND t.debit IN ('granted', 'pending')), 0)::bigint,
                  coalesce(sum(t.amount) FILTER (WHERE t.credit = 'used'), 0)::bigint,
                  coalesce(sum(t.amount) FILTER (WHERE t.debit = 'used'), 0)::bigint,
                  coalesce(sum(t.amount) FILTER (WHERE t.credit = 'expired'), 0)::bigint,
                  coalesce(sum(t.amount) FILTER (WHERE t.credit = 'void'), 0)::bigint,
                  (coalesce(sum(t.amount) FILTER (WHERE t.credit = 'clawed_back'), 0)
                    - coalesce(sum(t.amount) FILTER (WHERE t.debit = 'clawed_back'), 0))::bigint
           FROM point_transfer t JOIN point_lot l ON l.id = t.lot_id
           WHERE t.at >= %(since)s::date::timestamp AT TIME ZONE 'Asia/Tokyo'
             AND t.at < (%(until)s::date + 1)::timestamp AT TIME ZONE 'Asia/Tokyo'
             AND (cardinality(%(shops)b::text[]) = 0 OR t.shop = ANY(%(shops)b::text[]))
           GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
        {"since": since, "until": until, "shops": list(shops)},
    )
