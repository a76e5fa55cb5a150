"""What was written in a database: rows and WAL, and what COPY of the rows that are left would have cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final, NamedTuple

import psycopg
from sqlalchemy import Engine, make_url, text

from benchmarks.processor import processor_seconds
from workers.process.child import wait_until

#: Seconds until connections that were closed have told the server what they did.
_TOLD: Final = 30.0
_OTHERS: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"""
_WRITTEN: Final = """
SELECT sum(n_tup_ins)::bigint AS inserted, sum(n_tup_upd)::bigint AS updated, sum(n_tup_del)::bigint AS deleted,
       pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint AS wal FROM pg_stat_user_tables"""
_TABLES: Final = "SELECT relname FROM pg_stat_user_tables WHERE schemaname = 'public' AND n_live_tup > 0 ORDER BY 1"


class Written(NamedTuple):
    """Rows inserted, updated and deleted, and bytes of WAL, of one order or of all so far."""

    inserted: float
    updated: float
    deleted: float
    wal: float

    @property
    def rows(self) -> float:
        """All rows that were written."""
        return self.inserted + self.updated + self.deleted

    def since(self, before: Written, orders: int) -> Written:
        """An order's share of what was written after ``before``."""
        return Written(*((now - was) / orders for now, was in zip(self, before, strict=True)))


def written(engine: Engine) -> Written:
    """All that was written so far. Whoever else is connected must have gone: a server counts what a connection did once it ends.

    Raises TimeoutError where somebody stays.
    """
    engine.dispose()

    def are_gone() -> bool:
        with engine.connect() as connection:
            return not connection.execute(text(_OTHERS)).scalar_one()

    if not wait_until(are_gone, patience=_TOLD, pause=0.05):
        raise TimeoutError("somebody is still connected, and what he wrote is not counted yet")
    with engine.connect() as connection:
        return Written(*connection.execute(text(_WRITTEN)).one())


class Copied(NamedTuple):
    """What COPY of rows into tables with the same indexes cost: PostgreSQL's processor seconds, seconds, bytes of WAL."""

    processor: float
    seconds: float
    wal: float


def copied(engine: Engine, postgres: int) -> Copied:
    """Copy every row that there is into like tables, without foreign keys, each table in one COPY; ``postgres`` is the server's process."""
    url = make_url(engine.url).set(drivername="postgresql").render_as_string(hide_password=False)
    with engine.connect() as connection:
        tables: Sequence[str] = connection.execute(text(_TABLES)).scalars().all()
    with psycopg.connect(url, autocommit=True) as line:
        line.execute("CREATE SCHEMA copied")
        data = {table: _read(line, table) for table in tables}
        for table in tables:
            line.execute(f"CREATE TABLE copied.{table} (LIKE public.{table} INCLUDING ALL)".encode())
        at, began, before = _wal(line), time.perf_counter(), processor_seconds([postgres])
        for table, rows in data.items():
            with line.cursor().copy(f"COPY copied.{table} FROM STDIN (FORMAT binary)".encode()) as copy:
                copy.write(rows)
        cost = Copied(processor_seconds([postgres]) - before, time.perf_counter() - began, _wal(line) - at)
        line.execute("DROP SCHEMA copied CASCADE")
    return cost


def _read(line: psycopg.Connection[tuple[object, ...]], table: str) -> bytes:
    with line.cursor().copy(f"COPY public.{table} TO STDOUT (FORMAT binary)".encode()) as copy:
        return b"".join(bytes(block) for block in copy)


def _wal(line: psycopg.Connection[tuple[object, ...]]) -> float:
    (at,) = line.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8").fetchone() or (0.0,)
    assert isinstance(at, float)
    return at
