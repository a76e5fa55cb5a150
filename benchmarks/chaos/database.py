"""Injuries between the service and PostgreSQL, and of PostgreSQL itself."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta

import psycopg
from psycopg import sql

from benchmarks.chaos.field import DATABASE, Field
from benchmarks.chaos.injury import Boundary, Count, Inflict, Injury, Unhealed, since, wired
from benchmarks.wire import AFTER, ANSWERS, ASKS, BEFORE, NOTHING, POSTGRES_COMMIT, SILENCE, Strike, Way, Wire
from benchmarks.wire import Injury as Blow
from pipelines.points.jobs import hour
from workers.periodic import ALL_JOBS

#: Execute of what was prepared last, all rows: what psycopg sends for each statement with parameters.
EXECUTE = b"E\x00\x00\x00\x09\x00\x00\x00\x00\x00"
#: Who commits what, by the name under which its connections are opened: orders, news and actions are taken in by web.
WRITERS = {"intake": b"shukka-web", "decide": b"shukka-worker", "effects": b"shukka-effects", "clock": b"shukka-clock"}
_ANYTHING = re.compile(rb"(?s).")
_HEALED = "the wire is whole again"


@contextmanager
def struck(wire: Wire, way: Way, place: bytes | re.Pattern[bytes], blow: Blow, *, every: int, most: int | None,
           of: bytes = b"") -> Iterator[Strike]:  # fmt: skip
    """A strike of ``wire`` for as long as the block lasts."""
    strike = wire.strike("chaos", way, place, blow, every=every, most=most, of=of)
    try:
        yield strike
    finally:
        wire.withdraw(strike)


@contextmanager
def answered(field: Field, sqlstate: str) -> Iterator[Count]:
    """How often PostgreSQL answered the service with ``sqlstate``."""
    with struck(field.wires[DATABASE], ANSWERS, f"C{sqlstate}\0".encode(), NOTHING, every=1, most=None) as strike:
        yield lambda: strike.struck


def _cut_at(place: bytes, blow: Blow, *, every: int, of: bytes = b"") -> Inflict:
    @contextmanager
    def inflict(field: Field) -> Iterator[Count]:
        with struck(field.wires[DATABASE], ASKS, place, blow, every=every, most=5, of=of) as strike:
            yield lambda: strike.struck

    return inflict


def _its_wire(field: Field) -> Wire:
    return field.wires[DATABASE]


def _silent(field: Field) -> Iterator[Count]:
    """Connections that carry nothing any more while new ones do: a firewall has forgotten them."""
    wire = field.wires[DATABASE]
    with struck(wire, ASKS, _ANYTHING, SILENCE, every=7, most=6) as strike:
        yield lambda: strike.struck
    wire.cut()


def _cut(field: Field) -> Iterator[Count]:
    wire = field.wires[DATABASE]
    count = since(lambda: wire.hurt)
    wire.cut()
    yield count


def _taken(field: Field) -> Iterator[Count]:
    """Somebody else has every connection that the server gives."""
    with answered(field, "53300") as count, ExitStack() as stack:
        for _ in range(2):  # what our own cut connections leave is taken as well
            with suppress(psycopg.OperationalError):
                while True:
                    stack.callback(field.connect().close)
            field.wires[DATABASE].cut()
        yield count


def _deadlock(field: Field) -> Iterator[Count]:
    """Let nobody record a move, and ask for the orders as soon as somebody who has some waits for us."""
    stop = threading.Event()

    def quarrel() -> None:
        with field.connect() as connection, suppress(psycopg.Error):
            connection.execute("SET deadlock_timeout = '30s'")  # it is the other who notices
            connection.execute("SET lock_timeout = '8s'")
            while not stop.is_set():
                with suppress(psycopg.errors.LockNotAvailable), connection.transaction():
                    _quarrel_once(connection, stop)
                time.sleep(0.1)

    with answered(field, "40P01") as count:
        thread = threading.Thread(target=quarrel, name="deadlock")
        thread.start()
        try:
            yield count
        finally:
            stop.set()
            thread.join()


_WAITS = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid)))"


def _quarrel_once(connection: psycopg.Connection[tuple[object, ...]], stop: threading.Event) -> None:
    connection.execute("LOCK TABLE transition IN SHARE MODE")
    until = time.monotonic() + 2.0
    while not stop.is_set() and time.monotonic() < until:
        if (row := connection.execute(_WAITS).fetchone()) and row[0]:
            connection.execute("LOCK TABLE shop_order IN EXCLUSIVE MODE")
            return
        time.sleep(0.02)


def _slow_statement(field: Field) -> Iterator[Count]:
    """Storing an order takes longer than a statement may."""
    with answered(field, "57014") as count, field.database() as connection:
        connection.execute(
            "CREATE OR REPLACE FUNCTION chaos_sleeps() RETURNS trigger LANGUAGE plpgsql"
            " AS $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$"
        )
        connection.execute(
            "CREATE TRIGGER chaos_sleeps BEFORE INSERT ON shop_order FOR EACH STATEMENT EXECUTE FUNCTION chaos_sleeps()"
        )
        try:
            yield count
        finally:
            _end_transactions(field)
            connection.execute("DROP TRIGGER chaos_sleeps ON shop_order")
            connection.execute("DROP FUNCTION chaos_sleeps")


def _end_transactions(field: Field) -> None:
    """Nobody who sleeps in the trigger shall keep it from being dropped."""
    with field.database() as connection:
        connection.execute(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND pid <> pg_backend_pid()"
        )


def _cancelled(field: Field) -> Iterator[Count]:
    """An operator ends whatever runs, ten times a second."""
    with answered(field, "57014") as count, field.database() as connection:
        ends = time.monotonic() + 3.0
        while time.monotonic() < ends:
            connection.execute(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'shukka-%'"
                " AND application_name NOT IN ('shukka-chaos', 'shukka-trial') AND state = 'active'"
            )
            time.sleep(0.02)
        yield count


def _read_only(field: Field) -> Iterator[Count]:
    with answered(field, "25006") as count, field.database() as connection:
        _set(connection, "on")
        try:
            yield count
        finally:
            _set(connection, None)


def _set(connection: psycopg.Connection[tuple[object, ...]], value: str | None) -> None:
    name = sql.SQL("default_transaction_read_only")
    connection.execute(
        sql.SQL("ALTER SYSTEM RESET {}").format(name)
        if value is None
        else sql.SQL("ALTER SYSTEM SET {} = {}").format(name, sql.Literal(value))
    )
    connection.execute("SELECT pg_reload_conf()")


def _restarted(field: Field) -> Iterator[Count]:
    """Fast shutdown, as a package upgrade does it."""
    pid = field.pid("postgres")
    os.kill(pid, signal.SIGINT)
    if not field.came_back("postgres", pid):
        raise Unhealed("PostgreSQL did not come back")
    yield lambda: 1


def _cut_at_the_clocks(blow: Blow) -> Inflict:
    """The clock commits what its hourly jobs do: they are an hour behind, whatever a clock that was ahead has done before its time."""
    cut = _cut_at(POSTGRES_COMMIT, blow, every=1, of=WRITERS["clock"])

    @contextmanager
    def inflict(field: Field) -> Iterator[Count]:
        with cut(field) as count, field.database() as connection:
            behind = hour(field.trial.clock.now()) - timedelta(hours=1)
            names = [job.name for job in ALL_JOBS if job.boundary is hour]
            connection.execute("UPDATE job SET done_until = %s WHERE name = ANY(%s)", (behind, names))
            yield count

    return inflict


def _at_commit() -> Iterator[Injury]:
    for writer, name in WRITERS.items():
        lost, unanswered = (
            _cut_at_the_clocks(blow) if writer == "clock" else _cut_at(POSTGRES_COMMIT, blow, every=3, of=name)
            for blow in (BEFORE, AFTER)
        )
        yield Injury(
            f"COMMIT of {writer} lost",
            Boundary.DATABASE,
            "the connection is cut before COMMIT arrives",
            _HEALED,
            lost,
            1.0,
        )
        yield Injury(
            f"COMMIT of {writer} unanswered", Boundary.DATABASE, "COMMIT is done, and the connection cut before its answer",
            _HEALED, unanswered, 1.0,
        )  # fmt: skip


INJURIES: Sequence[Injury] = (
    *_at_commit(),
    Injury("statement lost", Boundary.DATABASE, "the connection is cut before a statement arrives", _HEALED,
           _cut_at(EXECUTE, BEFORE, every=11), 1.0),
    Injury("statement unanswered", Boundary.DATABASE, "a statement is run, and the connection cut before its answer",
           _HEALED, _cut_at(EXECUTE, AFTER, every=11), 1.0),
    Injury("database cut", Boundary.DATABASE, "every connection is reset at once", "new ones are open",
           contextmanager(_cut)),
    Injury("connections silent", Boundary.DATABASE, "six connections carry nothing any more, new ones do", "they are reset",
           contextmanager(_silent), 12.0, is_quick=False),
    Injury("database frozen", Boundary.DATABASE, "nothing passes, either way, and nothing is closed", "it passes",
           wired(_its_wire, Wire.freeze), 12.0, is_quick=False),
    Injury("database slow", Boundary.DATABASE, "50 ms later, each way", "no delay", wired(_its_wire, lambda wire: wire.delay(0.05)), 4.0),
    Injury("no connection left", Boundary.DATABASE, "53300: somebody else has all of them", "he gives them back",
           contextmanager(_taken), 3.0),
    Injury("deadlock", Boundary.DATABASE, "40P01: another transaction wants what we hold and holds what we want",
           "one of both is ended", contextmanager(_deadlock), 1.0, 20.0),
    Injury("statement_timeout", Boundary.DATABASE, "57014: storing an order takes longer than a statement may",
           "it is quick again", contextmanager(_slow_statement), 9.0, is_quick=False),
    Injury("statements cancelled", Boundary.DATABASE, "57014: an operator cancels whatever runs, for 3 s", "he stops",
           contextmanager(_cancelled)),
    Injury("database read-only", Boundary.DATABASE, "25006: nothing can be written", "it can again",
           contextmanager(_read_only), 4.0),
    Injury("PostgreSQL restarted", Boundary.DATABASE, "fast shutdown", "its keeper starts it again",
           contextmanager(_restarted)),
)  # fmt: skip
