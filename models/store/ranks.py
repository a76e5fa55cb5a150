"""Ranks and what decides them, set-based: spend by customer and day, histories, and who is to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from models.database import rows
from models.store.write import Rows

#: Yen that orders count for ranks: frozen with the order, less what was taken out since; a cancelled order counts nothing.
_SPEND = """
SELECT o.shop, o.customer_id, (o.placed_at AT TIME ZONE 'Asia/Tokyo')::date AS day,
       sum((d.breakdown->>'rank_spend')::bigint - coalesce(a.gone, 0))::bigint AS spend, max(o.id) AS order_id
FROM shop_order o JOIN order_document d ON d.order_id = o.id
CROSS JOIN LATERAL (SELECT sum(rank_spend) AS gone FROM order_adjustment WHERE order_id = o.id) a
WHERE o.state <> 'cancelled' AND o.customer_id <> ''
"""


def spend_by_day(connection: Connection, shops: Sequence[str], customers: Sequence[str], since: datetime) -> list[Any]:
    """(shop, customer, day, yen, last order id) of the customers' orders placed from ``since`` on, oldest first."""
    return rows(
        connection,
        _SPEND
        + """  AND o.placed_at >= %(since)s
             AND (o.shop, o.customer_id) IN (SELECT * FROM unnest(%(shops)b::text[], %(customers)b::text[]))
             GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
        {"shops": list(shops), "customers": list(customers), "since": since},
    )


def histories(connection: Connection, shops: Sequence[str], customers: Sequence[str]) -> list[Any]:
    """(shop, customer, rank, previous, from_on, cause, spend) of the customers, oldest first."""
    return rows(
        connection,
        """SELECT r.shop, r.customer_id, r.rank, r.previous, r.from_on, r.cause, r.spend
           FROM customer_rank r
           WHERE (r.shop, r.customer_id) IN (SELECT * FROM unnest(%(shops)b::text[], %(customers)b::text[]))
           ORDER BY r.shop, r.customer_id, r.from_on, r.id""",
        {"shops": list(shops), "customers": list(customers)},
    )


def on_days(connection: Connection, shops: Sequence[str], customers: Sequence[str], days: Sequence[date]) -> list[Any]:
    """(shop, customer, day, rank in force that day) for those that have a history by then."""
    return rows(
        connection,
        """SELECT DISTINCT ON (v.shop, v.customer, v.day) v.shop, v.customer, v.day, r.rank
           FROM unnest(%(shops)b::text[], %(customers)b::text[], %(days)b::date[]) AS v(shop, customer, day)
           JOIN customer_rank r ON r.shop = v.shop AND r.customer_id = v.customer AND r.from_on <= v.day
           ORDER BY v.shop, v.customer, v.day, r.from_on DESC, r.id DESC""",
        {"shops": list(shops), "customers": list(customers), "days": list(days)},
    )


def buyers(connection: Connection, shops: Sequence[str], since: datetime) -> list[Any]:
    """(shop, customer) with an order that was accepted or changed from ``since`` on."""
    return rows(
        connection,
        """SELECT o.shop, o.customer_id FROM shop_order o
           WHERE o.shop = ANY(%(shops)b::text[]) AND o.customer_id <> ''
             AND (o.accepted_at >= %(since)s
                  OR EXISTS (SELECT FROM order_adjustment a WHERE a.order_id = o.id AND a.at >= %(since)s)
                  OR EXISTS (SELECT FROM order_repricing p WHERE p.order_id = o.id AND p.at >= %(since)s))
           GROUP BY 1, 2 ORDER BY 1, 2""",
        {"shops": list(shops), "since": since},
    )


def ranked(connection: Connection, shops: Sequence[str], befores: Sequence[date]) -> list[Any]:
    """(shop, customer) whose newest entry begins before the day given for the shop."""
    return rows(
        connection,
        """SELECT r.shop, r.customer_id FROM customer_rank r
           JOIN unnest(%(shops)b::text[], %(befores)b::date[]) AS v(shop, before) ON v.shop = r.shop
           GROUP BY r.shop, r.customer_id, v.before HAVING max(r.from_on) < v.before ORDER BY 1, 2""",
        {"shops": list(shops), "befores": list(befores)},
    )


def add(connection: Connection, changes: Rows) -> list[Any]:
    """(shop, customer, rank, previous, from_on, cause, spend, order id, at): those that are new, as (order id, cause)."""
    if not changes:
        return []
    return rows(
        connection,
        """INSERT INTO customer_rank (shop, customer_id, rank, previous, from_on, cause, spend, order_id, at)
           SELECT * FROM unnest(%(c0)b::text[], %(c1)b::text[], %(c2)b::text[], %(c3)b::text[], %(c4)b::date[],
                                %(c5)b::text[], %(c6)b::int[], %(c7)b::bigint[], %(c8)b::timestamptz[])
                AS v(shop, customer, rank, previous, from_on, cause, spend, order_id, at)
           ORDER BY shop, customer, from_on
           ON CONFLICT (shop, customer_id, from_on, rank) DO NOTHING RETURNING order_id, cause""",
        {f"c{i}": list(column) for i, column in enumerate(zip(*changes, strict=True))},
    )
