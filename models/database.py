"""How every process connects to PostgreSQL."""

from __future__ import annotations

from typing import Any, Final

import orjson
from psycopg import Connection
from psycopg import errors as pg
from psycopg.types.json import set_json_dumps, set_json_loads
from sqlalchemy import Connection as SqlConnection
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from sqlalchemy.pool import ConnectionPoolEntry

import models.arrays  # noqa: F401 - every connection knows its types


def connect(url: str, *, pool_size: int = 8, application: str = "shukka", statement_timeout: int = 30) -> Engine:
    """An engine for ``url`` (``postgresql://`` or ``postgresql+psycopg://``); nothing connects before first use.

    ``statement_timeout`` is in seconds. JSON goes through orjson in both directions. Transactions are READ COMMITTED, whatever
    the server's default is: what several processes do at a time is built on it. Between us and the database there may be a
    PgBouncer that gives every transaction another of its connections.
    """
    set_json_loads(orjson.loads)
    set_json_dumps(lambda value: orjson.dumps(value).decode())
    engine = create_engine(
        driver_url(url),
        isolation_level="READ COMMITTED",
        pool_size=pool_size,
        max_overflow=8,
        pool_pre_ping=True,
        pool_use_lifo=True,
        hide_parameters=True,  # what a failed statement was given may be a customer's name and address
        json_deserializer=orjson.loads,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        connect_args={"application_name": application, "connect_timeout": 5},
    )
    milliseconds = statement_timeout * 1000

    @event.listens_for(engine, "connect")
    def settle_in(driver: Connection[Any], record: ConnectionPoolEntry) -> None:
        record.info[_POOLED] = _settle_in(driver, milliseconds)

    @event.listens_for(engine, "begin")
    def begin(connection: SqlConnection) -> None:
        """A pooler gives what was set of a connection to others: there the limit is of each transaction."""
        if connection.info[_POOLED]:
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds}")

    return engine


#: Whether a connection reaches the database through a pooler.
_POOLED: Final = "pooled"


def _settle_in(driver: Connection[Any], statement_timeout: int) -> bool:
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
        driver.execute(f"SET statement_timeout = {statement_timeout}".encode())
    driver.autocommit = False
    return is_pooled


def driver_url(url: str) -> str:
    """The same URL naming the one driver Shukka uses (psycopg 3)."""
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def is_away(error: BaseException) -> bool:
    """Whether the database could not be reached, or was ending or standing by: nothing is wrong with what it was asked, and
    the same again succeeds once it is back.

    A deadlock or a statement that took too long is of what was asked, and so is everything that is no operational error.
    """
    if isinstance(error, NoFreeConnection):
        return True
    if not isinstance(error, DBAPIError):
        return False
    of_the_work = (pg.DeadlockDetected, pg.SerializationFailure, pg.QueryCanceled)
    away = (pg.OperationalError, pg.InterfaceError, pg.ReadOnlySqlTransaction)
    return isinstance(error.orig, away) and not isinstance(error.orig, of_the_work)
