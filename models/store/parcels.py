"""Parcels that left: one row shape, read and written alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from models.shipment import Parcel
from models.store.statement import columns, fetch, insert, writer


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


#: What a parcel is known by, and what it claims, never changes.
_CHANGES = [name for name in ParcelRow._fields if name not in ("order_id", "shipment_id", "key", "claim")]
put = writer(
    ParcelRow,
    insert(
        ParcelRow,
        Parcel,
        conflict=f"(shipment_id, key) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _CHANGES)}",
    ),
)
