"""How partners are doing: what was heard of each last, and what is sent to storefronts. Of the newest 200,000 rows at most."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from models.store.statement import fetch

_NEWEST: Final = 200_000


class HeardRow(NamedTuple):
    """When ``source`` ("supplier:maker-a") was heard of last, in real time, and how much of what it said was kept out."""

    source: str
    last: datetime
    quarantined: int


_HEARD: Final = f"""
SELECT source, max(recorded_at), count(*) FILTER (WHERE state = 'quarantined') FROM inbox_event
WHERE id > coalesce((SELECT max(id) FROM inbox_event), 0) - {_NEWEST}
  AND (starts_with(source, 'supplier:') OR starts_with(source, 'gateway:') OR starts_with(source, 'carrier:'))
GROUP BY source ORDER BY source
"""


def heard(connection: Connection) -> list[HeardRow]:
    """Suppliers, gateways and carriers by what they told."""
    return fetch(connection, HeardRow, _HEARD, {})


class DeliveryRow(NamedTuple):
    """Events for one client that stand alike: how many, the last one, and the code of the last that ended so."""

    client: str
    state: str
    number: int
    last: datetime
    code: str


_DELIVERIES: Final = f"""
SELECT coalesce(c.name, e.payload->>'client', ''), e.state, count(*), max(coalesce(e.finished_at, e.recorded_at)),
       coalesce((array_agg(e.outcome->>'code' ORDER BY e.id DESC))[1], '')
FROM effect e LEFT JOIN client c ON c.id::text = e.payload->>'client'
WHERE e.id > coalesce((SELECT max(id) FROM effect), 0) - {_NEWEST} AND e.kind = %(kind)s
GROUP BY 1, 2 ORDER BY 1, 2
"""


def deliveries(connection: Connection, kind: str) -> list[DeliveryRow]:
    """Effects of ``kind`` by client and state."""
    return fetch(connection, DeliveryRow, _DELIVERIES, {"kind": kind})
