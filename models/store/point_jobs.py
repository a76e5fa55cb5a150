"""What the periodic jobs of points find to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from models.store.statement import fetch, scalars


class ExpiredRow(NamedTuple):
    """A customer with valid points whose time is over: their lots, and the orders that earned them."""

    shop: str
    customer_id: str
    lot_ids: Sequence[int]
    order_ids: Sequence[int]


_EXPIRED = """
SELECT shop, customer_id, array_agg(id), coalesce(array_agg(DISTINCT order_id) FILTER (WHERE order_id IS NOT NULL), '{}')
FROM point_lot WHERE state = 'valid' AND expires_at <= %(now)s
GROUP BY shop, customer_id ORDER BY shop, customer_id LIMIT %(limit)s
"""


def expired(connection: Connection, now: datetime, limit: int) -> list[ExpiredRow]:
    """Up to ``limit`` customers with valid points whose time is over at ``now``."""
    return fetch(connection, ExpiredRow, _EXPIRED, {"now": now, "limit": limit})


class ExpiringRow(NamedTuple):
    """A customer who can be reached, and the valid points that expire at one moment."""

    customer_id: str
    expires_at: datetime
    points: int
    email: str
    name: str
    locale: str


_EXPIRING = """
SELECT l.customer_id, l.expires_at, sum(l.remaining)::bigint, c.email, c.name, c.locale
FROM point_lot l JOIN customer c ON c.shop = l.shop AND c.id = l.customer_id
WHERE l.state = 'valid' AND l.shop = %(shop)s AND l.expires_at > %(since)s AND l.expires_at <= %(until)s
  AND c.email <> '' AND c.withdrawn_at IS NULL AND c.mail_consent IS NOT FALSE AND (l.customer_id, l.expires_at) > (%(customer)s, %(expires_at)s)
GROUP BY l.customer_id, l.expires_at, c.email, c.name, c.locale
ORDER BY l.customer_id, l.expires_at LIMIT %(limit)s
"""


def expiring(
    connection: Connection,
    shop: str,
    since: datetime,
    until: datetime,
    *,
    after_customer: str,
    after_expiry: datetime,
    limit: int,
) -> list[ExpiringRow]:
    """Points that expire in (since, until], by customer and expiry: the page after those named. Not of customers who want no
    mails beside those of their orders (CON-02), or withdrew (CON-06)."""
    page = {"customer": after_customer, "expires_at": after_expiry, "limit": limit}
    return fetch(connection, ExpiringRow, _EXPIRING, {"shop": shop, "since": since, "until": until, **page})


_BORN = """
SELECT c.id FROM customer c
WHERE c.shop = %(shop)s AND c.withdrawn_at IS NULL AND extract(month FROM c.birth_date) = %(month)s
  AND NOT EXISTS (SELECT FROM point_lot l WHERE l.shop = c.shop
                  AND l.source = 'birthday:' || c.id || ':' || %(year)s::int)
ORDER BY c.id LIMIT %(limit)s
"""


def birthdays(connection: Connection, shop: str, month: int, year: int, limit: int) -> list[str]:
    """Customers of ``shop`` who were born in ``month`` and have no birthday points of ``year`` yet (PTS-09)."""
    return scalars(connection, _BORN, {"shop": shop, "month": month, "year": year, "limit": limit})
