"""Shipments with their lines: read for decisions and suppliers, planned and changed by decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection

from models.order import ShopOrder
from models.shipment import Shipment, ShipmentLine
from models.store.statement import columns, execute, fetch, insert, reader, scalars, update, values, writer


class ShipmentRow(NamedTuple):
    """A shipment; its lines are four lists side by side: line, and its pieces."""

    order_id: int
    id: str
    supplier: str
    state: str
    backorder: bool
    dispatch_on: date | None
    instruct_at: datetime | None
    arrive_on: date | None
    because: Sequence[Mapping[str, str]]
    plan_as_of: datetime | None
    told_at: datetime | None
    collects: bool | None
    again: int
    call_off: str | None
    call_off_as_of: datetime | None
    lines: Sequence[str]
    quantities: Sequence[int]
    cancelled: Sequence[int]
    shipped: Sequence[int]


_LINES = {
    "lines": "array_agg(l.line ORDER BY length(l.line), l.line)",
    "quantities": "array_agg(l.quantity ORDER BY length(l.line), l.line)",
    "cancelled": "array_agg(l.cancelled ORDER BY length(l.line), l.line)",
    "shipped": "array_agg(l.shipped ORDER BY length(l.line), l.line)",
}
_OF_ORDERS = f"""
SELECT {columns(ShipmentRow, "s", **_LINES)} FROM shipment s JOIN shipment_line l ON l.shipment_id = s.id
WHERE s.order_id = ANY(%(ids)b::bigint[]) GROUP BY s.id ORDER BY s.id
"""


def of_orders(connection: Connection, ids: Sequence[int]) -> list[ShipmentRow]:
    """Shipments of the orders, each order's in the sequence of their ids."""
    return fetch(connection, ShipmentRow, _OF_ORDERS, {"ids": list(ids)})


class ShipmentOfSupplier(NamedTuple):
    """A shipment that a supplier speaks of."""

    id: str
    supplier: str


class ShipmentOwnerRow(NamedTuple):
    """Whose order the shipment is a part of."""

    id: str
    supplier: str
    order_id: int
    shop: str


#: A supplier reaches its own shipments alone.
owners = reader(
    ShipmentOfSupplier,
    f"""SELECT s.id, s.supplier, s.order_id, o.shop FROM {values(ShipmentOfSupplier, Shipment)}
        JOIN shipment s ON s.id = v.id AND s.supplier = v.supplier JOIN shop_order o ON o.id = s.order_id""",
    ShipmentOwnerRow,
)


class SupplierRow(NamedTuple):
    """A supplier of a shop."""

    shop: str
    supplier: str


class PlannedRow(NamedTuple):
    """How many shipments of a supplier leave, or left, on a day."""

    shop: str
    supplier: str
    dispatch_on: date
    shipments: int


#: From ``since`` (a date) on; what was refused or cancelled takes no place.
planned = reader(
    SupplierRow,
    f"""SELECT o.shop, s.supplier, s.dispatch_on, count(*)::int AS shipments
        FROM {values(SupplierRow, Shipment, ShopOrder)} JOIN shipment s ON s.supplier = v.supplier
        JOIN shop_order o ON o.id = s.order_id AND o.shop = v.shop
        WHERE s.dispatch_on >= %(since)s::date AND s.state <> ALL ('{{refused,cancelled}}')
        GROUP BY o.shop, s.supplier, s.dispatch_on""",
    PlannedRow,
)

_SHIPS = """
SELECT EXISTS (SELECT FROM shipment s JOIN shop_order o ON o.id = s.order_id
               WHERE s.supplier = %(supplier)s AND (%(shop)s::text IS NULL OR o.shop = %(shop)s)) AS ships
"""


def ships(connection: Connection, supplier: str, shop: str | None = None) -> bool:
    """Whether ``supplier`` was ever to send anything, or anything of ``shop``."""
    return bool(scalars(connection, _SHIPS, {"shop": shop, "supplier": supplier})[0])


_CLAIM = """
SELECT pg_advisory_xact_lock(hashtextextended('places ' || name, 0)) FROM (
    SELECT name FROM unnest(%(names)b::text[]) AS v(name) ORDER BY name) sorted
"""


def claim_places(connection: Connection, suppliers: Sequence[SupplierRow]) -> None:
    """Wait for whoever else is about to plan shipments of these suppliers, and let nobody else until this transaction ends."""
    execute(connection, _CLAIM, {"names": [f"{one.shop} {one.supplier}" for one in suppliers]})


class NewShipmentRow(NamedTuple):
    """A shipment that was planned; ``because`` are {rule, says}."""

    id: str
    order_id: int
    supplier: str
    state: str
    backorder: bool
    dispatch_on: date | None
    instruct_at: datetime | None
    arrive_on: date | None
    because: Sequence[Mapping[str, str]]


class NewShipmentLineRow(NamedTuple):
    """Pieces of a line in a shipment that was planned."""

    shipment_id: str
    line: str
    quantity: int


add = writer(NewShipmentRow, insert(NewShipmentRow, Shipment))
add_lines = writer(
    NewShipmentLineRow, insert(NewShipmentLineRow, ShipmentLine, constants={"cancelled": "0", "shipped": "0"})
)


class ShipmentChangeRow(NamedTuple):
    """The new face of a shipment; None keeps what stands, but a new plan (``plan_as_of``) has its own dates or none, and
    what is asked for anew (``again``) is told anew whether it collects."""

    id: str
    state: str | None
    dispatch_on: date | None
    arrive_on: date | None
    because: Sequence[Mapping[str, str]] | None
    plan_as_of: datetime | None
    reason: str | None
    told_at: datetime | None
    collects: bool | None
    supplier: str | None
    instruct_at: datetime | None
    again: int | None
    call_off: str | None
    call_off_as_of: datetime | None


change = writer(
    ShipmentChangeRow,
    update(
        ShipmentChangeRow,
        Shipment,
        by=("id",),
        instead={
            **{
                day: f"CASE WHEN v.plan_as_of IS NULL THEN t.{day} ELSE v.{day} END"
                for day in ("dispatch_on", "arrive_on")
            },
            "collects": "CASE WHEN v.again IS NULL THEN coalesce(v.collects, t.collects) ELSE v.collects END",
        },
    ),
)


class ShipmentPiecesRow(NamedTuple):
    """Pieces of a line in a shipment in all, not added; None keeps what stands."""

    shipment_id: str
    line: str
    shipped: int | None
    cancelled: int | None


change_lines = writer(ShipmentPiecesRow, update(ShipmentPiecesRow, ShipmentLine, by=("shipment_id", "line")))
