"""The watermark of checks: read in the snapshot that is checked, moved on once that was clean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from models.store.statement import columns, execute, one


class WatermarkRow(NamedTuple):
    """From where a check may go on."""

    horizon: int
    made_by: int
    under_way: Sequence[int]
    floors: Mapping[str, int]
    checked_at: datetime


#: SQL: the row is still as it was written here, not copied by a dump or by replication into another count of transactions.
_OURS: Final = "w.xmin = mod(w.made_by, 4294967296)::text::xid"
#: Beyond it, ids of transactions can no longer be compared with those in the rows.
_MOST: Final = 2_000_000_000
_STANDS = f"""
SELECT {columns(WatermarkRow, "w")} FROM watermark w WHERE {_OURS} AND w.queries = %(queries)s
  AND pg_snapshot_xmax(pg_current_snapshot())::text::bigint - w.horizon BETWEEN 0 AND {_MOST}"""


def standing(connection: Connection, queries: bytes) -> WatermarkRow | None:
    """The watermark of those queries, where one stands."""
    return one(connection, WatermarkRow, _STANDS, {"queries": queries})


class NextWatermarkRow(NamedTuple):
    """How far a clean check has seen."""

    horizon: int
    queries: bytes
    under_way: Sequence[int]
    floors: str


_SET = """horizon = %(horizon)s, made_by = pg_current_xact_id()::text::bigint, queries = %(queries)s,
    under_way = %(under_way)b::bigint[], floors = %(floors)s::jsonb, checked_at = now()"""
_MOVE = f"UPDATE watermark w SET {_SET} WHERE w.made_by = %(from)s AND {_OURS}"
_PUT = f"""
INSERT INTO watermark AS w (id, horizon, made_by, queries, under_way, floors)
VALUES (true, %(horizon)s, pg_current_xact_id()::text::bigint, %(queries)s, %(under_way)b::bigint[], %(floors)s::jsonb)
ON CONFLICT (id) DO UPDATE SET {_SET} WHERE w.horizon < %(horizon)s OR NOT {_OURS}"""


def put(connection: Connection, row: NextWatermarkRow) -> int:
    """Everything was seen to hold at ``row.horizon``: it stands there, unless one stands beyond it already."""
    return execute(connection, _PUT, row._asdict())


def move(connection: Connection, since: WatermarkRow, row: NextWatermarkRow) -> int:
    """What was touched since a watermark was seen to hold: it goes on to ``row.horizon``, if it still stands where it stood; 0 if not."""
    return execute(connection, _MOVE, {**row._asdict(), "from": since.made_by})


def take_away(connection: Connection) -> None:
    """Something old is broken: no watermark stands until everything is seen to hold."""
    execute(connection, "DELETE FROM watermark", {})
