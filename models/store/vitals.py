"""Signs of life of the service and its database, for whoever is on call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from models.store.statement import fetch, one, scalars

#: The processes of the house, as their connections to the database are named.
PROCESSES: Final = ("web", "worker", "clock")


class VitalsRow(NamedTuple):
    """Whether the database takes writes, and its size."""

    writes: bool
    size: int


def vitals(connection: Connection) -> VitalsRow:
    """Of the database itself: no table is asked, whoever holds it and whether it is there or not."""
    row = one(
        connection,
        VitalsRow,
        "SELECT NOT current_setting('transaction_read_only')::bool, pg_database_size(current_database())",
        {},
    )
    assert row is not None
    return row


def keys_ending(connection: Connection, now: datetime) -> int:
    """How many clients have a replaced key or secret that ends within a day of ``now``, the Clock's."""
    (number,) = scalars(
        connection,
        """SELECT count(*) FROM client
           WHERE revoked_at IS NULL AND old_until BETWEEN %(now)s AND %(now)s + interval '1 day'""",
        {"now": now},
    )
    return int(number)


def clock_ahead(connection: Connection, real: Callable[[], float]) -> float:
    """Seconds by which this machine's clock, ``real``, is ahead of the database's; below zero: behind. Exact to the time that the
    question takes."""
    asked = real()
    (says,) = scalars(connection, "SELECT extract(epoch FROM clock_timestamp())::float8")
    return (asked + real()) / 2 - float(says)


class ProcessRow(NamedTuple):
    """How many connections the processes called ``name`` hold."""

    name: str
    connections: int


_PROCESSES: Final = """
SELECT name, (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'shukka-' || name)
FROM unnest(%(names)s::text[]) name
"""


def processes(connection: Connection) -> list[ProcessRow]:
    """Each of ``PROCESSES``, those without a connection too. A process keeps the connections that it made."""
    return fetch(connection, ProcessRow, _PROCESSES, {"names": list(PROCESSES)})
