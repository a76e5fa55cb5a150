"""Customers of shops: who they are and where they are reached, and what of their past later orders must know (INT-14)."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from models.customer import Customer
from models.order import CustomerMark
from models.store.statement import columns, fetch, insert, one, reader, values, writer


class CustomerKey(NamedTuple):
    """A customer of a shop."""

    shop: str
    customer_id: str


class MarkRow(NamedTuple):
    """Something a customer did; ``source`` makes it count once."""

    shop: str
    customer_id: str
    kind: str
    source: str
    at: datetime


_marks = f"""
SELECT {columns(MarkRow, "m")} FROM customer_mark m
JOIN (SELECT DISTINCT * FROM {values(CustomerKey, CustomerMark)}) AS v USING (shop, customer_id)
WHERE m.at >= %(since)s
"""
#: The marks of customers that were made from ``since`` on.
marks = reader(CustomerKey, _marks, MarkRow)
add_marks = writer(MarkRow, insert(MarkRow, CustomerMark, conflict="(source, kind) DO NOTHING"))


class MemberRow(NamedTuple):
    """What is known of a customer; of one to remember, an empty email and None keep what stands."""

    shop: str
    id: str
    email: str
    name: str
    locale: str
    birth_date: date | None
    registered_at: datetime | None
    known_since: datetime


_MEMBER = f"SELECT {columns(MemberRow)} FROM customer WHERE shop = %(shop)s AND id = %(id)s"


def member(connection: Connection, shop: str, customer: str) -> MemberRow | None:
    """A customer, or None for one nobody knows."""
    return one(connection, MemberRow, _MEMBER, {"shop": shop, "id": customer})


#: Keeps what is new of customers; each is named once.
remember = writer(
    MemberRow,
    f"""INSERT INTO customer AS c ({columns(MemberRow)})
        SELECT {columns(MemberRow, "v")} FROM {values(MemberRow, Customer)}
        LEFT JOIN customer k ON k.shop = v.shop AND k.id = v.id
        WHERE k.id IS NULL OR (v.email <> '' AND (k.email, k.name, k.locale) IS DISTINCT FROM (v.email, v.name, v.locale))
           OR v.birth_date IS DISTINCT FROM k.birth_date AND v.birth_date IS NOT NULL
           OR v.registered_at IS NOT NULL AND k.registered_at IS NULL
        ORDER BY v.shop, v.id
        ON CONFLICT (shop, id) DO UPDATE SET
          email = CASE WHEN excluded.email <> '' THEN excluded.email ELSE c.email END,
          name = CASE WHEN excluded.email <> '' THEN excluded.name ELSE c.name END,
          locale = CASE WHEN excluded.email <> '' THEN excluded.locale ELSE c.locale END,
          birth_date = coalesce(excluded.birth_date, c.birth_date),
          registered_at = coalesce(c.registered_at, excluded.registered_at)""",
)


class GoodsRow(NamedTuple):
    """Goods that left for a customer, and the product that the storefront named for them."""

    sku: str
    product: str | None


_SHIPPED_GOODS = """
SELECT DISTINCT l.sku, (SELECT said->>'product' FROM json_array_elements(d.document->'lines') said
                        WHERE said->>'line' = l.line LIMIT 1)
FROM shop_order o JOIN order_line l ON l.order_id = o.id JOIN order_document d ON d.order_id = o.id
WHERE o.shop = %(shop)s AND o.customer_id = %(id)s AND l.shipped > 0
"""


def shipped_goods(connection: Connection, shop: str, customer: str) -> list[GoodsRow]:
    """What of the customer's orders has left (PTS-10)."""
    return fetch(connection, GoodsRow, _SHIPPED_GOODS, {"shop": shop, "id": customer})
