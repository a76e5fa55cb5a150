"""How busy the house is now, from the database: what ``shukka top`` and the console's page Now show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Engine

from models.database import glance
from models.store import attention, throughput

#: Seconds of real time over which rates and outcomes are counted.
WINDOW: Final = 60


def look(engine: Engine, now: datetime) -> Mapping[str, Any]:
    """What is counted at ``now``, the Clock's, in plain values; seconds are real ones."""
    with glance(engine) as connection:
        counted = attention.counts(connection, now)
        moved = throughput.moved(connection, WINDOW)
        ended = throughput.ended(connection, WINDOW)
    of = {what: [row for row in counted if row.what == what] for what in ("work", "effect", "circuit", "attention")}
    return {
        "at": now.isoformat(sep=" ", timespec="seconds"),
        "seconds": WINDOW,
        "orders_per_second": {row.what: round(row.number / WINDOW, 2) for row in moved},
        "stages": [{"stage": row.name, "due": row.number, "late": round(row.late, 1)} for row in of["work"]],
        "waiting": [{"kind": row.name, "waiting": row.number, "late": round(row.late, 1)} for row in of["effect"]],
        "effects": [
            {
                "kind": row.kind,
                "state": row.state,
                "ended": row.number,
                "p50": round(row.p50, 3),
                "p95": round(row.p95, 3),
            }
            for row in ended
        ],
        "circuits": [row.name for row in of["circuit"]],
        "attention": {row.name: row.number for row in of["attention"] if row.number},
    }
