"""Parcels that left: one row shape, read and written alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from models.shipment import Parcel
from models.store.statement import columns, execute, fetch, insert, writer


class ParcelRow(NamedTuple):
    """A parcel; ``claim`` is what the supplier named (None: all that was open), ``lines`` what that comes to."""

    order_id: int
    shipment_id: str
    key: str
    shipped_at: datetime
    claim: Mapping[str, int] | None
    lines: Mapping[str, int]
    carrier: str | None
    tracking_number: str | None
    number_as_of: datetime
    tracking_status: str | None
    status_as_of: datetime | None


_OF_ORDERS = f"""
SELECT {columns(ParcelRow)} FROM parcel WHERE order_id = ANY(%(ids)b::bigint[]) ORDER BY shipped_at, key
"""


def of_orders(connection: Connection, ids: Sequence[int]) -> list[ParcelRow]:
    """Parcels of the orders, oldest first."""
    return fetch(connection, ParcelRow, _OF_ORDERS, {"ids": list(ids)})


#: What a parcel is known by never changes.
_CHANGES = [name for name in ParcelRow._fields if name not in ("order_id", "shipment_id", "key")]
put = writer(
    ParcelRow,
    insert(
        ParcelRow,
        Parcel,
        conflict=f"(shipment_id, key) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _CHANGES)}",
    ),
)


class NumberRow(NamedTuple):
    """Who has a tracking number: the shipment of an order, its supplier and the customer it goes to."""

    number: str
    order_id: int
    shipment_id: str
    supplier: str
    shop: str
    customer_id: str


_WITH_NUMBERS = """
SELECT p.tracking_number, p.order_id, p.shipment_id, s.supplier, o.shop, o.customer_id
FROM parcel p JOIN shipment s ON s.id = p.shipment_id JOIN shop_order o ON o.id = p.order_id
WHERE p.tracking_number = ANY(%(numbers)b::text[]) AND p.shipped_at > %(since)s ORDER BY p.id
"""


def with_numbers(connection: Connection, numbers: Sequence[str], since: datetime) -> list[NumberRow]:
    """Parcels of all shops that have one of the numbers and left after ``since``, the first known first."""
    return fetch(connection, NumberRow, _WITH_NUMBERS, {"numbers": list(numbers), "since": since})


_CLAIM = """
SELECT pg_advisory_xact_lock(hashtextextended('tracking number ' || number, 0))
FROM (SELECT number FROM unnest(%(numbers)b::text[]) AS number ORDER BY 1) AS sorted
"""


def claim_numbers(connection: Connection, numbers: Sequence[str]) -> None:
    """Wait for whoever else is about to keep a parcel under one of the numbers, and let nobody else until this transaction ends."""
    execute(connection, _CLAIM, {"numbers": list(numbers)})
