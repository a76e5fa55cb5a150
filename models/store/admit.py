"""Statements of intake: what is known already, and the rows of newly accepted orders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from models.database import rows
from models.store.write import USE_COUPON, Rows, write_rows


def known_orders(connection: Connection, shops: Sequence[str], numbers: Sequence[str]) -> list[Any]:
    """(shop, number, content hash, state) of the orders that exist."""
    return rows(
        connection,
        """SELECT o.shop, o.number, o.content_hash, o.state FROM shop_order o
           JOIN unnest(%(shops)b::text[], %(numbers)b::text[]) AS v(shop, number)
             ON o.shop = v.shop AND o.number = v.number""",
        {"shops": list(shops), "numbers": list(numbers)},
    )


def known_keys(connection: Connection, clients: Sequence[int], keys: Sequence[str]) -> list[Any]:
    """(client id, key, request hash, shop, number) of Idempotency-Keys that were used."""
    return rows(
        connection,
        """SELECT k.client_id, k.key, k.request_hash, k.shop, k.number FROM idempotency_key k
           JOIN unnest(%(clients)b::bigint[], %(keys)b::text[]) AS v(client, key)
             ON k.client_id = v.client AND k.key = v.key""",
        {"clients": list(clients), "keys": list(keys)},
    )


def taken_items(connection: Connection, shops: Sequence[str], skus: Sequence[str]) -> list[Any]:
    """(shop, sku) of one-of-a-kind items that belong to a live order (INT-10)."""
    return rows(
        connection,
        """SELECT u.shop, u.sku FROM unique_allocation u
           JOIN unnest(%(shops)b::text[], %(skus)b::text[]) AS v(shop, sku) ON u.shop = v.shop AND u.sku = v.sku""",
        {"shops": list(shops), "skus": list(skus)},
    )


def used_coupons(connection: Connection, wanted: Rows) -> list[Any]:
    """(shop, customer, key of the code) of the ``wanted`` that orders used and did not give back."""
    if not wanted:
        return []
    return rows(
        connection,
        """SELECT u.shop, u.customer_id, u.code_key FROM coupon_use u
           JOIN unnest(%(c0)b::text[], %(c1)b::text[], %(c2)b::text[]) AS v(shop, customer, code_key)
             ON u.shop = v.shop AND u.customer_id = v.customer AND u.code_key = v.code_key
           WHERE u.returned_at IS NULL""",
        {f"c{i}": list(column) for i, column in enumerate(zip(*wanted, strict=True))},
    )


def orders(connection: Connection, new: Rows) -> dict[tuple[str, str], int]:
    """(shop, number, content hash, customer, locale, method, grand total, placed_at, accepted_at, document JSON,
    breakdown JSON) -> ids by (shop, number). An order that another process stored meanwhile is missing from them."""
    # One statement: the documents go in for exactly the orders that were new.
    if not new:
        return {}
    found = rows(
        connection,
        """WITH v AS (
             SELECT * FROM unnest(%(c0)b::text[], %(c1)b::text[], %(c2)b::bytea[], %(c3)b::text[], %(c4)b::text[],
                                  %(c5)b::text[], %(c6)b::int[], %(c7)b::timestamptz[], %(c8)b::timestamptz[],
                                  %(c9)b::text[], %(c10)b::text[])
               AS v(shop, number, hash, customer, locale, method, total, placed_at, accepted_at, document, breakdown)),
           new AS (
             INSERT INTO shop_order (shop, number, content_hash, customer_id, locale, state, condition, method,
                                     grand_total, placed_at, accepted_at, version, sequence)
             SELECT shop, number, hash, customer, locale, 'accepted', 'running', method, total, placed_at, accepted_at, 1, 1
             FROM v ORDER BY shop, number
             ON CONFLICT (shop, number) DO NOTHING RETURNING shop, number, id),
           documents AS (
             INSERT INTO order_document (order_id, document, breakdown)
             SELECT new.id, v.document::json, v.breakdown::json FROM new JOIN v USING (shop, number))
           SELECT shop, number, id FROM new""",
        {f"c{i}": list(column) for i, column in enumerate(zip(*new, strict=True))},
    )
    return {(row[0], row[1]): row[2] for row in found}


def lines(connection: Connection, new: Rows) -> int:
    """(order id, line, sku, name, quantity, unit_price, tax_rate, supplier, availability, expected_on, points_rate,
    flags JSON)."""
    return write_rows(
        connection,
        """INSERT INTO order_line (order_id, line, sku, name, quantity, cancelled, shipped, unit_price, tax_rate,
                                   supplier, availability, expected_on, points_rate, flags)
           SELECT id, line, sku, name, quantity, 0, 0, unit_price, tax_rate, supplier, availability, expected_on,
                  points_rate, ARRAY(SELECT jsonb_array_elements_text(flags::jsonb))
           FROM unnest(%(c0)b::bigint[], %(c1)b::text[], %(c2)b::text[], %(c3)b::text[], %(c4)b::int[], %(c5)b::int[],
                       %(c6)b::int[], %(c7)b::text[], %(c8)b::text[], %(c9)b::date[], %(c10)b::numeric[],
                       %(c11)b::text[])
                AS v(id, line, sku, name, quantity, unit_price, tax_rate, supplier, availability, expected_on,
                     points_rate, flags)""",
        new,
    )


def payments(connection: Connection, new: Rows) -> int:
    """(order id, method, gateway, token, amount): nothing authorized yet."""
    return write_rows(
        connection,
        """INSERT INTO payment (order_id, method, gateway, token, state, amount, authorized, captured, refunded,
                                refunded_by_hand)
           SELECT id, method, gateway, token, 'pending', amount, 0, 0, 0, 0
           FROM unnest(%(c0)b::bigint[], %(c1)b::text[], %(c2)b::text[], %(c3)b::text[], %(c4)b::int[])
                AS v(id, method, gateway, token, amount)""",
        new,
    )


def unique_items(connection: Connection, new: Rows) -> int:
    """(shop, sku, order id): how many of them were still free."""
    return write_rows(
        connection,
        """INSERT INTO unique_allocation (shop, sku, order_id)
           SELECT * FROM unnest(%(c0)b::text[], %(c1)b::text[], %(c2)b::bigint[]) AS v(shop, sku, id)
           ORDER BY shop, sku
           ON CONFLICT (shop, sku) DO NOTHING""",
        new,
    )


def coupon_uses(connection: Connection, new: Rows) -> int:
    """Rows of ``USE_COUPON``: how many of them were not used up meanwhile."""
    return write_rows(
        connection,
        USE_COUPON + "ON CONFLICT (shop, customer_id, code_key) WHERE once AND returned_at IS NULL DO NOTHING",
        new,
    )


def keys(connection: Connection, new: Rows) -> int:
    """(client id, key, request hash, shop, number): how many of them were still free."""
    return write_rows(
        connection,
        """INSERT INTO idempotency_key (client_id, key, request_hash, shop, number)
           SELECT * FROM unnest(%(c0)b::bigint[], %(c1)b::text[], %(c2)b::bytea[], %(c3)b::text[], %(c4)b::text[])
               AS v(client, key, hash, shop, number)
           ORDER BY client, key
           ON CONFLICT (client_id, key) DO NOTHING""",
        new,
    )


def refused(connection: Connection, new: Rows) -> int:
    """(content hash, shop, number, problems JSON, document JSON) of orders from the broker that were refused."""
    return write_rows(
        connection,
        """INSERT INTO refused_order (content_hash, shop, number, problems, document)
           SELECT hash, shop, number, problems::jsonb, document::jsonb
           FROM unnest(%(c0)b::bytea[], %(c1)b::text[], %(c2)b::text[], %(c3)b::text[], %(c4)b::text[])
               AS v(hash, shop, number, problems, document)
           ON CONFLICT (content_hash) DO NOTHING""",
        new,
    )


def events(connection: Connection, new: Rows) -> list[Any]:
    """(source, event id, type, order id, shipment id, body JSON, at, state, reason): (source, event id, order id) of
    those that are new."""
    if not new:
        return []
    return rows(
        connection,
        """INSERT INTO inbox_event (source, event_id, type, order_id, shipment_id, body, at, state, reason)
           SELECT source, event_id, type, order_id, shipment_id, body::jsonb, at, state, reason
           FROM unnest(%(c0)b::text[], %(c1)b::text[], %(c2)b::text[], %(c3)b::bigint[], %(c4)b::text[], %(c5)b::text[],
                       %(c6)b::timestamptz[], %(c7)b::text[], %(c8)b::text[])
               AS v(source, event_id, type, order_id, shipment_id, body, at, state, reason)
           ORDER BY source, event_id
           ON CONFLICT (source, event_id) DO NOTHING RETURNING source, event_id, order_id""",
        {f"c{i}": list(column) for i, column in enumerate(zip(*new, strict=True))},
    )


def shipments_of(connection: Connection, supplier_shops: Rows) -> list[Any]:
    """(shipment id, supplier) -> (shipment id, supplier, order id, shop) where that supplier ships that shipment."""
    if not supplier_shops:
        return []
    return rows(
        connection,
        """SELECT s.id, s.supplier, s.order_id, o.shop
           FROM unnest(%(c0)b::text[], %(c1)b::text[]) AS v(id, supplier)
           JOIN shipment s ON s.id = v.id AND s.supplier = v.supplier JOIN shop_order o ON o.id = s.order_id""",
        {f"c{i}": list(column) for i, column in enumerate(zip(*supplier_shops, strict=True))},
    )


def orders_by_number(connection: Connection, numbers: Rows) -> list[Any]:
    """(shop, number) -> (shop, number, order id)."""
    if not numbers:
        return []
    return rows(
        connection,
        """SELECT o.shop, o.number, o.id FROM shop_order o
           JOIN unnest(%(c0)b::text[], %(c1)b::text[]) AS v(shop, number) ON o.shop = v.shop AND o.number = v.number""",
        {f"c{i}": list(column) for i, column in enumerate(zip(*numbers, strict=True))},
    )
