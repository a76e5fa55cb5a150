"""Lots of points, as decisions on orders and intake read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from models.database import rows


def lots(connection: Connection, ids: Sequence[int]) -> list[Any]:
    """Point lots that the orders earned, and the lots whose points they used with the points used (from the ledger)."""
    return rows(
        connection,
        """SELECT order_id, id, source, kind, amount, remaining, state, expires_at
           FROM point_lot WHERE order_id = ANY(%(ids)b::bigint[]) ORDER BY id""",
        {"ids": list(ids)},
    )


def used_points(connection: Connection, ids: Sequence[int]) -> list[Any]:
    """Points the orders used and did not get back yet, nor had granted anew, by lot, with the lot's state now."""
    return rows(
        connection,
        """SELECT u.order_id, u.lot_id, (u.points - coalesce(g.points, 0))::int, l.state, l.expires_at
           FROM (SELECT t.order_id, t.lot_id, sum(CASE t.kind WHEN 'use' THEN t.amount ELSE -t.amount END) AS points
                 FROM shop_order o
                 JOIN point_transfer t ON t.shop = o.shop AND t.customer_id = o.customer_id AND t.order_id = o.id
                 WHERE o.id = ANY(%(ids)b::bigint[]) AND t.kind IN ('use', 'return')
                 GROUP BY t.order_id, t.lot_id) u
           JOIN point_lot l ON l.id = u.lot_id
           LEFT JOIN LATERAL (SELECT sum(amount) AS points FROM point_lot again
                              WHERE again.order_id = u.order_id AND again.kind = 'regrant'
                                AND again.source LIKE '%%:regrant:' || u.lot_id) g ON true
           WHERE u.points > coalesce(g.points, 0)""",
        {"ids": list(ids)},
    )


def balances(connection: Connection, ids: Sequence[int]) -> list[Any]:
    """(order id, valid points of its customer)."""
    return rows(
        connection,
        """SELECT o.id, b.valid FROM shop_order o
           JOIN point_balance b ON b.shop = o.shop AND b.customer_id = o.customer_id
           WHERE o.id = ANY(%(ids)b::bigint[])""",
        {"ids": list(ids)},
    )


def spendable_lots(connection: Connection, shops: Sequence[str], customers: Sequence[str]) -> list[Any]:
    """Lock the balances of customers who want to use points, in order, and read their valid lots.

    (shop, customer, points owed, lot id, remaining, expires_at), lot None where there is none: limited-time points first, soonest expiry first, then the
    oldest (PTS-12).
    """
    rows(
        connection,
        """SELECT 1 FROM point_balance b
           JOIN (SELECT DISTINCT * FROM unnest(%(shops)b::text[], %(customers)b::text[])) AS v(shop, customer)
             ON b.shop = v.shop AND b.customer_id = v.customer
           ORDER BY b.shop, b.customer_id FOR NO KEY UPDATE OF b""",
        {"shops": list(shops), "customers": list(customers)},
    )
    return rows(
        connection,
        """SELECT b.shop, b.customer_id,
                  (SELECT coalesce(sum(d.owed), 0)::int FROM point_lot d
                   WHERE d.shop = b.shop AND d.customer_id = b.customer_id AND d.owed > 0),
                  l.id, l.remaining, l.expires_at
           FROM (SELECT DISTINCT * FROM unnest(%(shops)b::text[], %(customers)b::text[])) AS v(shop, customer)
           JOIN point_balance b ON b.shop = v.shop AND b.customer_id = v.customer
           LEFT JOIN point_lot l ON l.shop = b.shop AND l.customer_id = b.customer_id
                AND l.state = 'valid' AND l.remaining > 0
           ORDER BY b.shop, b.customer_id, l.limited DESC, l.expires_at NULLS LAST, l.at, l.id""",
        {"shops": list(shops), "customers": list(customers)},
    )
