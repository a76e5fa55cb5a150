"""How every process connects to PostgreSQL."""

from __future__ import annotations

import orjson
from psycopg import errors as pg
from psycopg.types.json import set_json_dumps, set_json_loads
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

import models.arrays  # noqa: F401 - every connection knows its types


def connect(url: str, *, pool_size: int = 8, application: str = "shukka", statement_timeout: int = 30) -> Engine:
    """An engine for ``url`` (``postgresql://`` or ``postgresql+psycopg://``); nothing connects before first use.

    ``statement_timeout`` is in seconds. JSON goes through orjson in both directions.
    """
    set_json_loads(orjson.loads)
    set_json_dumps(lambda value: orjson.dumps(value).decode())
    return create_engine(
        driver_url(url),
        pool_size=pool_size,
        max_overflow=8,
        pool_pre_ping=True,
        pool_use_lifo=True,
        hide_parameters=True,  # what a failed statement was given may be a customer's name and address
        json_deserializer=orjson.loads,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        connect_args={
            "application_name": application,
            "connect_timeout": 5,
            "options": f"-c statement_timeout={statement_timeout * 1000} -c timezone=Asia/Tokyo",
        },
    )


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
