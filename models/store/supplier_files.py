"""Files that suppliers sent, and what must be known of their shipments to read one or to write one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from models.store.statement import execute, fetch


class NamedShipmentRow(NamedTuple):
    """A shipment of the supplier: whom it goes to (None unless it was asked for), its ``pieces`` that were not cancelled, the
    ``numbers`` of its parcels, former ones too, what those have now that did not come back (``current``: a number or None each), and
    whether goods are still owed of it."""

    shipment_id: str
    order_id: int
    shop: str
    placed_at: datetime
    name: str | None
    pieces: int
    numbers: Sequence[str]
    current: Sequence[str | None]
    owed: bool


_NAMED = """
SELECT s.id, s.order_id, o.shop, o.placed_at, {name},
       (SELECT coalesce(sum(l.quantity - l.cancelled), 0)::int FROM shipment_line l WHERE l.shipment_id = s.id),
       ARRAY(SELECT n FROM parcel p, unnest(ARRAY[p.key, p.tracking_number]) n WHERE p.shipment_id = s.id AND n IS NOT NULL),
       ARRAY(SELECT p.tracking_number FROM parcel p
             WHERE p.shipment_id = s.id AND coalesce(p.tracking_status, '') NOT IN ('returned', 'lost')),
       s.state IN ('instructed', 'acknowledged')
FROM shipment s JOIN shop_order o ON o.id = s.order_id {join}
WHERE s.supplier = %(supplier)s AND (cardinality(%(shops)b::text[]) = 0 OR o.shop = ANY(%(shops)b::text[])) AND {where}
ORDER BY s.id
"""
_BY_ID = _NAMED.format(name="NULL", join="", where="s.id = ANY(%(ids)b::text[])")
_OWED = _NAMED.format(
    name="d.document->'ship_to'->>'name'",
    join="JOIN order_document d ON d.order_id = s.order_id",
    where="s.state IN ('instructed', 'acknowledged')",
)


def named(connection: Connection, supplier: str, shops: Sequence[str], ids: Sequence[str]) -> list[NamedShipmentRow]:
    """Those of the shipments ``ids`` that are the supplier's, of ``shops`` (none: of any)."""
    return fetch(connection, NamedShipmentRow, _BY_ID, {"supplier": supplier, "shops": list(shops), "ids": list(ids)})


def owed(connection: Connection, supplier: str, shops: Sequence[str]) -> list[NamedShipmentRow]:
    """The shipments of which the supplier owes goods, with whom they go to, of ``shops`` (none: of any)."""
    return fetch(connection, NamedShipmentRow, _OWED, {"supplier": supplier, "shops": list(shops)})


class TakenRow(NamedTuple):
    """A number, and a shipment that has it."""

    number: str
    shipment_id: str


def taken(connection: Connection, numbers: Sequence[str]) -> list[TakenRow]:
    """Whose parcels have these numbers."""
    statement = "SELECT tracking_number, shipment_id FROM parcel WHERE tracking_number = ANY(%(numbers)b::text[])"
    return fetch(connection, TakenRow, statement, {"numbers": list(numbers)})


class OwedRow(NamedTuple):
    """A shipment that its supplier was told of and has not wholly sent; ``lines`` are the pieces that have not left, ``document``
    is the order's."""

    shipment_id: str
    order_id: int
    shop: str
    number: str
    placed_at: datetime
    dispatch_on: date | None
    arrive_on: date | None
    backorder: bool
    again: int
    lines: Sequence[Mapping[str, Any]]
    document: Mapping[str, Any]


_TO_WRITE = """
SELECT s.id, s.order_id, o.shop, o.number, o.placed_at, s.dispatch_on, s.arrive_on, s.backorder, s.again,
       (SELECT coalesce(json_agg(json_build_object('line', l.line, 'sku', p.sku, 'name', p.name,
                                                   'quantity', l.quantity - l.cancelled - l.shipped) ORDER BY length(l.line), l.line), '[]'::json)
        FROM shipment_line l JOIN order_line p ON p.order_id = s.order_id AND p.line = l.line
        WHERE l.shipment_id = s.id AND l.cancelled + l.shipped < l.quantity),
       d.document
FROM shipment s JOIN shop_order o ON o.id = s.order_id JOIN order_document d ON d.order_id = s.order_id
WHERE s.supplier = %(supplier)s AND s.state IN ('instructed', 'acknowledged') AND o.shop = ANY(%(shops)b::text[])
ORDER BY s.dispatch_on, s.id
"""


def to_write(connection: Connection, supplier: str, shops: Sequence[str]) -> list[OwedRow]:
    """What the supplier was told of and has not wholly sent, by the day on which it leaves."""
    return fetch(connection, OwedRow, _TO_WRITE, {"supplier": supplier, "shops": list(shops)})


_KEEP = """
INSERT INTO supplier_file (supplier, digest, content, order_ids, answer, at)
VALUES (%(supplier)s, %(digest)s, %(content)s, %(orders)b::bigint[], %(answer)s::jsonb, %(at)s)
ON CONFLICT (supplier, digest) DO NOTHING
"""


def keep(
    connection: Connection,
    supplier: str,
    digest: bytes,
    content: bytes,
    orders: Sequence[int],
    answer: str,
    at: datetime,
) -> bool:
    """Keep a file as it came, with its ``answer`` (JSON); False for one that is kept, or was."""
    told = {
        "supplier": supplier,
        "digest": digest,
        "content": content,
        "orders": list(orders),
        "answer": answer,
        "at": at,
    }
    return bool(execute(connection, _KEEP, told))
