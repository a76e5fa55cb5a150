"""What customers and accountants read in the points ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from models.store.statement import fetch


class EntryRow(NamedTuple):
    """A transfer with the number of its order."""

    id: int
    at: datetime
    kind: str
    debit: str
    credit: str
    amount: int
    lot_id: int
    number: str | None


_PAGE = """
SELECT t.id, t.at, t.kind, t.debit, t.credit, t.amount, t.lot_id, o.number
FROM point_transfer t LEFT JOIN shop_order o ON o.id = t.order_id
WHERE t.shop = %(shop)s AND t.customer_id = %(customer)s AND t.id < %(before)s
ORDER BY t.id DESC LIMIT %(limit)s
"""


def page(connection: Connection, shop: str, customer: str, before: int | None, limit: int) -> list[EntryRow]:
    """The customer's transfers before the one with the id ``before``, newest first."""
    values = {"shop": shop, "customer": customer, "before": before or 2**63 - 1, "limit": limit}
    return fetch(connection, EntryRow, _PAGE, values)


class MovementsRow(NamedTuple):
    """Points that moved on a day, by shop and month of the lot ("2026-11"); days and months are Asia/Tokyo's.

    What customers hold changes by granted - used + returned - expired - voided - clawed_back.
    """

    shop: str
    day: date
    lot_month: str
    granted: int
    activated: int
    used: int
    returned: int
    expired: int
    voided: int
    clawed_back: int


_MOVEMENTS = """
SELECT t.shop, (t.at AT TIME ZONE 'Asia/Tokyo')::date, to_char(l.at AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM'),
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
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


def movements(connection: Connection, since: date, until: date, shops: Sequence[str]) -> list[MovementsRow]:
    """Movements of the days from ``since`` through ``until``; no ``shops`` means all."""
    return fetch(connection, MovementsRow, _MOVEMENTS, {"since": since, "until": until, "shops": list(shops)})
