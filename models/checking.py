"""A check of all invariants: of everything, or beyond so many orders of what was touched since the watermark."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

from sqlalchemy import Connection, Engine

from models import touched
from models.database import glance
from models.invariant import Invariant
from models.invariants import INVARIANTS, failing
from models.store import watermarks
from models.store.watermarks import NextWatermarkRow, WatermarkRow

#: The invariants and what they are asked of: where any of it changes, what was seen to hold says nothing of it.
QUERIES: Final = hashlib.sha256(
    "\0".join(f"{i.name}\0{i.over}\0{touched.narrowed(i)}" for i in INVARIANTS).encode()
).digest()
#: Seconds for which a check waits for the transactions that were open when it began.
_PATIENCE: Final = 2.0
#: Orders up to which everything is looked at unasked: that takes seconds (docs/judges.md has the measurement).
WHOLE_UP_TO: Final = 50_000
#: Ids that a statement may have been given and not written yet.
_MARGIN: Final = 10_000


class Extent(NamedTuple):
    """What a check looks at: orders and customers touched since a moment of the database's; everything if that is None."""

    since: datetime | None
    orders: int
    customers: int


class Progress(Protocol):
    """Whoever is told how a check gets on."""

    def begun(self, extent: Extent) -> None:
        """What it looks at."""

    def asked(self, name: str, number: int, of: int) -> None:
        """The ``number``-th of the invariants, from 1, is asked now."""


def check(
    engine: Engine, progress: Progress, *, full: bool = False, whole_up_to: int = WHOLE_UP_TO
) -> Iterator[tuple[Invariant, Sequence[Any]]]:
    """Those that fail with the rows that break them, all seen in one snapshot.

    Everything is looked at with ``full``, and where there are no more orders than ``whole_up_to``. Else a check goes on from the watermark
    where one stands. One that found nothing moves it; one of everything that found something takes it away. What is found since a watermark is found again until it is gone, since the watermark stays. On a
    database that only reads everything is looked at.
    """
    writes = _writes(engine)
    before = _settled(engine) if writes else None
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        horizon = _horizon(connection)
        whole = full or not writes or not _has_more(connection, whole_up_to)
        since = None if whole else watermarks.standing(connection, QUERIES)
        broken = False
        for found in look(connection, since, progress):
            broken = True
            yield found
        waiting = [] if broken or not writes else touched.under_way(connection)
    if before is None or (broken and since is not None):
        return
    with engine.begin() as connection:
        floors = before.floors if horizon >= before.following else since.floors if since is not None else {}
        reached = NextWatermarkRow(horizon, QUERIES, waiting, json.dumps(dict(floors)))
        if broken:
            watermarks.take_away(connection)
        elif since is None:
            watermarks.put(connection, reached)
        else:
            watermarks.move(connection, since, reached)


def look(
    connection: Connection, since: WatermarkRow | None, progress: Progress, among: Sequence[Invariant] = INVARIANTS
) -> Iterator[tuple[Invariant, Sequence[Any]]]:
    """One look within the transaction of ``connection``: at what was touched since a watermark, or at everything."""
    progress.begun(_extent(connection, since))
    query: Callable[[Invariant], str] = (lambda one: one.query) if since is None else touched.narrowed
    return failing(connection, among, query=query, asked=progress.asked)


def _extent(connection: Connection, since: WatermarkRow | None) -> Extent:
    if since is None:
        return Extent(None, 0, 0)
    return Extent(since.checked_at, *touched.gather(connection, since))


class _Before(NamedTuple):
    """What stood before the snapshot: every transaction from ``following`` on is given ids above the ``floors``."""

    following: int
    floors: Mapping[str, int]


def _writes(engine: Engine) -> bool:
    with glance(engine) as connection:
        asked = "SELECT NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off'"
        return bool(connection.exec_driver_sql(asked).scalar_one())


def _settled(engine: Engine) -> _Before:
    """The ids that are given out, once those who were given some of them have written their rows, or for all we wait."""
    newest = ", ".join(f"(SELECT coalesce(max(id), 0) FROM {table})" for table in touched.GROWING)
    with engine.begin() as connection:
        ids = connection.exec_driver_sql(f"SELECT {newest}").one()
        following = int(connection.exec_driver_sql("SELECT pg_current_xact_id()::text::bigint").scalar_one())
    floors = {table: max(0, int(id_) - _MARGIN) for table, id_ in zip(touched.GROWING, ids, strict=True)}
    until = time.monotonic() + _PATIENCE
    with glance(engine) as connection:
        while _horizon(connection) < following and time.monotonic() < until:
            time.sleep(0.02)
    return _Before(following, floors)


def _has_more(connection: Connection, orders: int) -> bool:
    """Whether there are more orders than that; counts no further."""
    beyond = connection.exec_driver_sql("SELECT FROM shop_order OFFSET %(orders)s LIMIT 1", {"orders": orders})
    return beyond.first() is not None


def _horizon(connection: Connection) -> int:
    """The oldest transaction that may still be open for this snapshot: all before it are seen, or will never be."""
    return int(connection.exec_driver_sql("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint").scalar_one())
