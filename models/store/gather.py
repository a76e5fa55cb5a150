"""The facts of a whole batch of orders, one SELECT a kind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from models.database import rows


def payments(connection: Connection, ids: Sequence[int]) -> list[Any]:
    """Payments of the orders."""
    return rows(
        connection,
        """SELECT order_id, method, gateway, state, amount, authorized, captured, refunded, refunded_by_hand,
                  reference, code
           FROM payment WHERE order_id = ANY(%(ids)b::bigint[])""",
        {"ids": list(ids)},
    )


def shipments(connection: Connection, ids: Sequence[int]) -> list[Any]:
    """Shipments of the orders with their lines as parallel arrays (line, quantity, cancelled, shipped)."""
    return rows(
        connection,
        """SELECT s.order_id, s.id, s.supplier, s.state, s.backorder, s.dispatch_on, s.instruct_at, s.arrive_on,
                  s.because, s.plan_as_of,
                  array_agg(l.line ORDER BY l.line), array_agg(l.quantity ORDER BY l.line),
                  array_agg(l.cancelled ORDER BY l.line), array_agg(l.shipped ORDER BY l.line)
           FROM shipment s JOIN shipment_line l ON l.shipment_id = s.id
           WHERE s.order_id = ANY(%(ids)b::bigint[]) GROUP BY s.id ORDER BY s.id""",
        {"ids": list(ids)},
    )


def parcels(connection: Connection, ids: Sequence[int]) -> list[Any]:
    """Parcels of the orders, oldest first."""
    return rows(
        connection,
        """SELECT order_id, shipment_id, key, shipped_at, claim, lines, carrier, tracking_number, number_as_of,
                  tracking_status, status_as_of
           FROM parcel WHERE order_id = ANY(%(ids)b::bigint[]) ORDER BY shipped_at, key""",
        {"ids": list(ids)},
    )


def pending_events(connection: Connection, ids: Sequence[int], types: Sequence[str]) -> list[Any]:
    """Inbox events of ``types`` that wait for the orders, in the order they arrived."""
    return rows(
        connection,
        """SELECT order_id, id, source, event_id, type, shipment_id, body, at
           FROM inbox_event
           WHERE order_id = ANY(%(ids)b::bigint[]) AND state = 'pending' AND type = ANY(%(types)b::text[])
           ORDER BY id""",
        {"ids": list(ids), "types": list(types)},
    )


def effects(connection: Connection, ids: Sequence[int]) -> list[Any]:
    """Effects of the orders with their outcomes."""
    return rows(
        connection,
        """SELECT order_id, key, kind, shipment_id, payload, state, outcome
           FROM effect WHERE order_id = ANY(%(ids)b::bigint[]) ORDER BY id""",
        {"ids": list(ids)},
    )


def adjustments(connection: Connection, ids: Sequence[int]) -> list[Any]:
    """(order id, amounts) of the orders' changes, first to last."""
    return rows(
        connection,
        "SELECT order_id, amounts FROM order_adjustment WHERE order_id = ANY(%(ids)b::bigint[]) ORDER BY order_id, sequence",
        {"ids": list(ids)},
    )


def promotions(connection: Connection, ids: Sequence[int]) -> list[Any]:
    """(order id, old rank, new rank, from_on) of the rises that the orders brought."""
    return rows(
        connection,
        """SELECT order_id, previous, rank, from_on FROM customer_rank
           WHERE order_id = ANY(%(ids)b::bigint[]) AND cause = 'spend' ORDER BY id""",
        {"ids": list(ids)},
    )


def coupon_uses(connection: Connection, ids: Sequence[int], unpaid: str) -> list[Any]:
    """Coupons that the orders used and did not give back: (order id, key, kind, how often other orders of the customer
    gave the same one back for the reason ``unpaid``)."""
    return rows(
        connection,
        """SELECT u.order_id, u.code_key, u.kind, (
             SELECT count(*)::int FROM coupon_use e
             WHERE e.shop = u.shop AND e.customer_id = u.customer_id AND e.code_key = u.code_key
               AND e.returned_because = %(unpaid)s)
           FROM coupon_use u
           WHERE u.order_id = ANY(%(ids)b::bigint[]) AND u.returned_at IS NULL ORDER BY u.order_id, u.code_key""",
        {"ids": list(ids), "unpaid": unpaid},
    )


def repricing(connection: Connection, ids: Sequence[int]) -> list[Any]:
    """What pricing the orders again goes by: (order id, how often it was done, the customer's rank on the day of purchase
    or None, keys of the coupons that the customer's other orders used and did not give back)."""
    return rows(
        connection,
        """SELECT o.id, (SELECT count(*)::int FROM order_repricing p WHERE p.order_id = o.id),
                  (SELECT r.rank FROM customer_rank r
                   WHERE r.shop = o.shop AND r.customer_id = o.customer_id
                     AND r.from_on <= (o.placed_at AT TIME ZONE 'Asia/Tokyo')::date
                   ORDER BY r.from_on DESC, r.id DESC LIMIT 1),
                  ARRAY(SELECT u.code_key FROM coupon_use u
                        WHERE u.shop = o.shop AND u.customer_id = o.customer_id AND u.returned_at IS NULL
                          AND u.order_id <> o.id)
           FROM shop_order o WHERE o.id = ANY(%(ids)b::bigint[])""",
        {"ids": list(ids)},
    )


def supplier_channels(connection: Connection) -> list[Any]:
    """Suppliers that registered: (name, url, mail). Few rows, whatever the batch."""
    return rows(
        connection,
        "SELECT name, url, mail FROM client WHERE kind = 'supplier' AND revoked_at IS NULL",
        {},
    )


def listening_storefronts(connection: Connection) -> list[Any]:
    """(client id, shops) of the storefronts that registered a URL for events."""
    return rows(
        connection,
        "SELECT id, shops FROM client WHERE kind = 'storefront' AND url IS NOT NULL AND revoked_at IS NULL",
        {},
    )


def marks(connection: Connection, shops: Sequence[str], customers: Sequence[str], since: datetime) -> list[Any]:
    """Customers' marks (INT-14): (shop, customer, kind, at)."""
    return rows(
        connection,
        """SELECT m.shop, m.customer_id, m.kind, m.at
           FROM customer_mark m
           JOIN (SELECT DISTINCT * FROM unnest(%(shops)b::text[], %(customers)b::text[])) AS v(shop, customer)
             ON m.shop = v.shop AND m.customer_id = v.customer
           WHERE m.at >= %(since)s""",
        {"shops": list(shops), "customers": list(customers), "since": since},
    )
