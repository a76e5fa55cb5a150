"""Parcels of which their carrier is to be asked, and when it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from models.carrier_inquiry import CarrierInquiry
from models.store.statement import columns, fetch, insert, writer


class UnderWayRow(NamedTuple):
    """A parcel under way with a number: whose it is, what was heard of it last, and whether its order waits to hear of it now."""

    shipment_id: str
    key: str
    supplier: str
    tracking_number: str
    shipped_at: datetime
    tracking_status: str | None
    status_as_of: datetime | None
    is_awaited: bool


_IS_AWAITED = "s.order_id IN (SELECT order_id FROM work WHERE what = %(awaited)s)"
# By the range of ``shipped_at``, as parcels lie: nothing about asking burdens the writing of parcels.
_DUE = f"""
SELECT {columns(UnderWayRow, "p", supplier="s.supplier", is_awaited=_IS_AWAITED)}
FROM parcel p JOIN shipment s ON s.id = p.shipment_id
JOIN unnest(%(states)b::text[], %(seconds)b::float8[]) AS pause(state, seconds) ON pause.state = coalesce(p.tracking_status, '')
LEFT JOIN carrier_inquiry i ON i.shipment_id = p.shipment_id AND i.key = p.key
WHERE p.carrier = %(carrier)s AND p.tracking_number IS NOT NULL AND p.shipped_at BETWEEN %(since)s AND %(now)s
  AND coalesce(i.asked_at, '-infinity') <= %(now)s::timestamptz
      - make_interval(secs => CASE WHEN {_IS_AWAITED} THEN %(again)s::float8 ELSE pause.seconds END)
ORDER BY {_IS_AWAITED} DESC, i.asked_at NULLS FIRST, p.shipped_at, p.key LIMIT %(most)s
"""


def due(
    connection: Connection,
    carrier: str,
    pauses: Mapping[str, timedelta],
    since: datetime,
    now: datetime,
    most: int,
    *,
    awaited: str,
    again: timedelta,
) -> list[UnderWayRow]:
    """Up to ``most`` parcels that left with ``carrier`` after ``since``: those first whose orders wait for ``awaited``, with ``again``
    between two questions, then those that wait longest, of each of ``pauses``' states, by which so much time lies between two."""
    return fetch(
        connection,
        UnderWayRow,
        _DUE,
        {
            "carrier": carrier,
            "states": list(pauses),
            "seconds": [pause.total_seconds() for pause in pauses.values()],
            "since": since,
            "now": now,
            "most": most,
            "awaited": awaited,
            "again": again.total_seconds(),
        },
    )


class AskedRow(NamedTuple):
    """A parcel of which its carrier answered."""

    shipment_id: str
    key: str
    asked_at: datetime


_keep = writer(
    AskedRow, insert(AskedRow, CarrierInquiry, conflict="(shipment_id, key) DO UPDATE SET asked_at = excluded.asked_at")
)


def keep(connection: Connection, parcels: Sequence[UnderWayRow], at: datetime) -> None:
    """These were asked after at ``at``."""
    _keep(connection, [AskedRow(one.shipment_id, one.key, at) for one in parcels])
