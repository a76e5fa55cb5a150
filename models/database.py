"""How every process connects to PostgreSQL, and what it makes of a database that does not answer."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

import orjson
import psycopg
from psycopg import errors as pg
from psycopg.abc import PQGen
from psycopg.types.json import set_json_dumps, set_json_loads
from sqlalchemy import Connection as SqlConnection
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from sqlalchemy.pool import ConnectionPoolEntry

import models.arrays  # noqa: F401 - every connection knows its types

Result = TypeVar("Result")

#: Seconds until a connection stands, or the database counts as away.
CONNECT: Final = 4
#: Seconds within which a pooled connection has to show that it still carries anything, before it is used again.
PING: Final = 2.0
#: How often a connection runs a statement as it comes, before it lets the server prepare it, and how many it keeps prepared.
PREPARED_AFTER: Final = 1
PREPARED: Final = 200
#: Seconds after a statement's own limit in which the server may say that it ended it; then the connection is given up.
GRACE: Final = 2.0


#: For who reads and writes by keys alone: a statement is planned once, not each time it comes (a plan costs more than what it is for
#: where one order is asked about), and never for a table that was empty then and is read from end to end ever after.
_BY_KEY: Final = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a role allows the database, in seconds: ``statement`` for one statement, ``lock`` for what another transaction holds,
    ``idle`` between two statements of one transaction (then the server ends it, and nothing of ours is locked by a process that
    is gone), ``free`` for a connection where all are taken; ``rest``: what was used so lately is not asked whether it still
    carries anything, since whoever uses it comes again by itself. ``keyed``: all statements are by keys.

    At most ``connections`` and, for a while, ``more`` are open at a time.
    """

    statement: float
    lock: float
    idle: float = 60.0
    free: float = 10.0
    connections: int = 8
    more: int = 8
    rest: float = 0.0
    keyed: bool = False

    @property
    def silence(self) -> float:
        """Seconds after which a server that says nothing at all is not waited for any more."""
        return self.statement + GRACE

    @property
    def settings(self) -> dict[str, str]:
        """The server's settings that keep them."""
        named = {
            "statement_timeout": self.statement,
            "lock_timeout": self.lock,
            "idle_in_transaction_session_timeout": self.idle,
        }
        return {name: str(round(seconds * 1000)) for name, seconds in named.items()} | (_BY_KEY if self.keyed else {})


#: Somebody waits for an answer.
INTAKE: Final = Limits(statement=8.0, lock=3.0, idle=20.0, free=3.0)
#: Batches of orders are decided: each holds its locks until its end, and whoever waits for one waits for a whole batch.
DECIDE: Final = Limits(statement=30.0, lock=15.0, rest=1.0, keyed=True)
#: Effects are leased and their outcomes kept: short statements, since a lease is soon over.
EFFECTS: Final = Limits(statement=10.0, lock=5.0, idle=20.0, rest=1.0, keyed=True)
#: Commands and jobs look through whole tables.
OPERATOR: Final = Limits(statement=600.0, lock=30.0, idle=600.0)
#: Migrations wait for whoever is at a table, and change all of it.
MIGRATE: Final = Limits(statement=600.0, lock=600.0, idle=600.0)


class DatabaseSilent(psycopg.OperationalError):
    """The server said nothing for longer than any statement may take: the connection was given up."""


class _Line(psycopg.Connection[Any]):
    """A connection that is not waited on for ever: the network of a host that is there acknowledges what its server, stopped or
    stuck, never reads."""

    patience: float = CONNECT

    def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        """Wait for what the server has to say; raises DatabaseSilent after ``patience`` seconds."""
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.OperationalError as error:
            # What the server says has a code, and what the network says breaks the connection: this is neither.
            if error.sqlstate is not None or self.broken or self.closed:
                raise
            self.pgconn.finish()
            raise DatabaseSilent(f"no answer within {self.patience:.0f} s") from error

    @contextmanager
    def hasty(self, seconds: float) -> Iterator[None]:
        """Have less patience inside of the block."""
        usual, self.patience = self.patience, seconds
        try:
            yield
        finally:
            self.patience = usual


def connect(url: str, limits: Limits = DECIDE, *, application: str = "shukka") -> Engine:
    """An engine for ``url`` (``postgresql://`` or ``postgresql+psycopg://``) within ``limits``; nothing connects before first use.

    JSON goes through orjson in both directions. Transactions are READ COMMITTED, whatever the server's default is: what several
    processes do at a time is built on it. Between us and the database there may be a PgBouncer that gives every transaction
    another of its connections.
    """
    set_json_loads(orjson.loads)
    set_json_dumps(lambda value: orjson.dumps(value).decode())
    engine = create_engine(
        driver_url(url),
        isolation_level="READ COMMITTED",
        pool_size=limits.connections,
        max_overflow=limits.more,
        pool_timeout=limits.free,
        pool_use_lifo=True,
        hide_parameters=True,  # what a failed statement was given may be a customer's name and address
        json_deserializer=orjson.loads,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        connect_args={"application_name": application, "connect_timeout": CONNECT, **_network(limits)},
    )

    _sent[engine] = 0
    event.listen(engine, "handle_error", _remember)

    @event.listens_for(engine, "do_connect")
    def reach(dialect: object, record: object, arguments: tuple[Any, ...], named: dict[str, Any]) -> _Line:
        return _Line.connect(*arguments, **named)

    @event.listens_for(engine, "connect")
    def settle_in(driver: _Line, record: ConnectionPoolEntry) -> None:
        record.info[_POOLED] = _settle_in(driver, limits)
        record.info[_SEEN] = float("inf")  # it has just stood up
        record.info[_STOOD] = time.monotonic()
        driver.patience = limits.silence

    @event.listens_for(engine, "checkout")
    def ping(driver: _Line, record: ConnectionPoolEntry, proxy: object) -> None:
        """One that carries nothing any more is replaced, and so are all that are as old: they went the same way."""
        rested = time.monotonic() - record.info[_SEEN]
        old = record.info[_STOOD] < _lost.get(engine, float("-inf"))
        if old or (rested > limits.rest and not _answers(driver)):
            raise InvalidatePoolError

    @event.listens_for(engine, "checkin")
    def rest(driver: _Line | None, record: ConnectionPoolEntry) -> None:
        record.info[_SEEN] = _used[engine] = time.monotonic()

    @event.listens_for(engine, "begin")
    def begin(connection: SqlConnection) -> None:
        """A pooler gives what was set of a connection to others: there the limits are of each transaction."""
        if connection.info[_POOLED]:
            connection.exec_driver_sql(_set(limits, local=True))

    return engine


@contextmanager
def glance(engine: Engine) -> Iterator[SqlConnection]:
    """A connection without a transaction: each statement stands for itself and sees what stands when it begins, and is one journey to
    the server instead of three. For whoever only reads, for who looks often and mostly finds nothing, and for what is one statement anyway.

    Nothing is rolled back at its end, as it is where `Engine.connect` began a transaction: with that the driver forgets all that the
    connection has prepared. Behind a pooler it is a transaction all the same, since the limits are of each.
    """
    with engine.connect() as connection:
        if connection.info[_POOLED]:
            with connection.begin():
                yield connection
        else:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")


def is_pooled(connection: SqlConnection) -> bool:
    """Whether a pooler stands before the database: what the server knows of its connections is of the pooler's then, and of whoever used
    them last."""
    return bool(connection.info[_POOLED])


def release_idle(engine: Engine, after: float) -> None:
    """Close the engine's connections if none was in use for ``after`` seconds: each is a process of the server's, with all that it
    has planned. Whoever comes next makes a new one."""
    unused = time.monotonic() - _used.get(engine, float("inf"))
    if unused > after and engine.pool.checkedout() == 0:  # type: ignore[attr-defined]
        del _used[engine]
        engine.dispose()


#: Seconds for which what the database refused of its own accord is still told of.
RECENT: Final = 30.0
READ_ONLY: Final = "read-only"
_TROUBLES: Final[Mapping[type[BaseException], str]] = {
    pg.DiskFull: "disk full",
    pg.ReadOnlySqlTransaction: READ_ONLY,
    pg.OutOfMemory: "out of memory",
    DatabaseSilent: "silent a moment ago",
}
#: What keeps writing back while reading goes on, as `recent_trouble` calls it.
TROUBLES: Final = frozenset(_TROUBLES.values())
_met: Final[WeakKeyDictionary[Engine, tuple[str, float]]] = WeakKeyDictionary()
_sent: Final[WeakKeyDictionary[Engine, int]] = WeakKeyDictionary()
#: When a connection was last given back; nothing where there is none.
_used: Final[WeakKeyDictionary[Engine, float]] = WeakKeyDictionary()
#: When a connection was last found to be lost.
_lost: Final[WeakKeyDictionary[Engine, float]] = WeakKeyDictionary()


def recent_trouble(engine: Engine) -> str | None:
    """What the database said of itself in the last ``RECENT`` seconds where it could not write; None where it said nothing."""
    name, at = _met.get(engine, ("", float("-inf")))
    return name if time.monotonic() - at < RECENT else None


def _remember(context: ExceptionContext) -> None:
    if context.engine is not None and _met_trouble(context.engine, context.original_exception) == READ_ONLY:
        context.is_disconnect = True  # after a failover the next connection may reach a server that writes


def _met_trouble(engine: Engine, error: BaseException) -> str | None:
    name = next((name for kind, name in _TROUBLES.items() if isinstance(error, kind)), None)
    if name is not None:
        _met[engine] = (name, time.monotonic())
    return name


def run(connection: SqlConnection, statement: bytes, parameters: Sequence[Any]) -> psycopg.RawCursor[Any]:
    """Run a statement whose parameters are ``$1`` and so on, by the driver itself: SQLAlchemy, whose the pool and the transactions are,
    takes longer for a small statement than the driver does. What goes wrong is raised as SQLAlchemy raises it."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, _Line)
    if not driver.autocommit and not connection.in_transaction():
        connection.begin()
    cursor = psycopg.RawCursor(driver)
    _sent[connection.engine] += 1
    try:
        return cursor.execute(statement, parameters)
    except psycopg.Error as error:
        raise _told(connection, driver, statement, error) from error


def statements_sent(engine: Engine) -> int:
    """How many statements ``run`` ran on the engine's connections; of threads side by side one or the other may be missed."""
    return _sent[engine]


def _told(connection: SqlConnection, driver: _Line, statement: bytes, error: psycopg.Error) -> BaseException:
    """An error of the driver as SQLAlchemy's. Where it says that the connection is lost, so are all that stood up before."""
    ends = isinstance(error, pg.AdminShutdown | pg.CrashShutdown)  # its end is said before the line is closed
    lost = _met_trouble(connection.engine, error) == READ_ONLY or ends or driver.closed or driver.broken
    told = DBAPIError.instance(
        statement.decode(),
        None,
        error,
        psycopg.Error,
        hide_parameters=True,
        connection_invalidated=lost,
        dialect=connection.dialect,
    )
    if lost:
        _lost[connection.engine] = time.monotonic()
        connection.invalidate(error)
    return told


#: Whether a connection reaches the database through a pooler, when it stood up, and when it was used last.
_POOLED: Final = "pooled"
_STOOD: Final = "stood"
_SEEN: Final = "seen"


def _network(limits: Limits) -> dict[str, int]:
    """A host that is gone is noticed: on an idle connection by keepalives, on one that waits by what nobody acknowledges."""
    patience = round(limits.silence)
    probes = {"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
    return {**probes, "tcp_user_timeout": min(patience, 30) * 1000}


def _settle_in(driver: _Line, limits: Limits) -> bool:
    """Times come in Tokyo's; poolers know of this setting and carry it along. Behind one nothing is prepared: the next
    transaction may meet another connection, which would not know the statement. Answers whether there is one."""
    driver.autocommit = True
    found = driver.execute("SELECT set_config('TimeZone', 'Asia/Tokyo', false), pg_backend_pid()").fetchone()
    is_pooled = (
        found is not None and found[1] != driver.info.backend_pid
    )  # what answers is not what we are connected to
    if is_pooled:
        driver.prepare_threshold = None
    else:
        driver.execute(_set(limits, local=False).encode())
        driver.prepare_threshold, driver.prepared_max = PREPARED_AFTER, PREPARED
    driver.autocommit = False
    return is_pooled


def _set(limits: Limits, *, local: bool) -> str:
    """One statement that sets all of them, of a connection or, ``local``, of a transaction."""
    return "SELECT " + ", ".join(
        f"set_config('{name}', '{value}', {'true' if local else 'false'})" for name, value in limits.settings.items()
    )


def _answers(driver: _Line) -> bool:
    try:
        with driver.hasty(PING):
            driver.autocommit = True
            driver.execute("SELECT 1")
            driver.autocommit = False
    except psycopg.Error:
        return False
    return True


def driver_url(url: str) -> str:
    """The same URL naming the one driver Shukka uses (psycopg 3)."""
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def is_away(error: BaseException) -> bool:
    """Whether the database could not be reached, or was ending or standing by: nothing is wrong with what it was asked, and
    the same again succeeds once it is back.

    A deadlock, or what took too long, a statement or the wait for a lock, is of what was asked, and so is everything that is no
    operational error.
    """
    if isinstance(error, NoFreeConnection):
        return True
    if not isinstance(error, DBAPIError):
        return False
    # A process that was paused finds its transaction ended.
    away = (pg.OperationalError, pg.InterfaceError, pg.ReadOnlySqlTransaction, pg.IdleInTransactionSessionTimeout)
    return isinstance(error.orig, away) and not isinstance(error.orig, (*_IN_THE_WAY, *_TOO_LARGE))


def is_passing(error: BaseException) -> bool:
    """Whether the same again may succeed: the database is away, or others were in the way for too long, or ended what ran, or its
    migrations have yet to run. Nothing says that anything is wrong with what was asked, and nobody may be blamed for it."""
    return is_away(error) or (
        isinstance(error, DBAPIError) and isinstance(error.orig, (*_IN_THE_WAY, pg.UndefinedTable))
    )


#: What took too long, or was ended so that others could go on.
_IN_THE_WAY: Final = (pg.DeadlockDetected, pg.SerializationFailure, pg.QueryCanceled, pg.LockNotAvailable)
#: Operational errors that come again whenever the same is asked: a row or a statement is larger than the server takes.
_TOO_LARGE: Final = (pg.ProgramLimitExceeded,)
