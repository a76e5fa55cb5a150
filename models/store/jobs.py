"""Leases of the periodic jobs: one runner at a time, fenced, in the database's own time; progress in the Clock's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from models.store.statement import columns, execute, fetch, one


class ProgressRow(NamedTuple):
    """Up to which moment a job is done, None if it never was, and up to which one it was last to be; how it failed since then."""

    name: str
    done_until: datetime | None
    due_until: datetime | None
    error: str | None


def progress(connection: Connection) -> list[ProgressRow]:
    """Up to which moment each job is done."""
    return fetch(connection, ProgressRow, f"SELECT {columns(ProgressRow)} FROM job ORDER BY name")


class JobLeaseRow(NamedTuple):
    """A job that was taken: from where it goes on, under which token."""

    done_until: datetime | None
    token: int


def lease(connection: Connection, name: str, until: datetime, seconds: float) -> JobLeaseRow | None:
    """Take job ``name`` if it is free and not done until ``until``, else None."""
    execute(
        connection,
        "INSERT INTO job (name, token) VALUES (%(name)s, 0) ON CONFLICT (name) DO NOTHING",
        {"name": name},
    )
    return one(
        connection,
        JobLeaseRow,
        """UPDATE job SET leased_until = clock_timestamp() + make_interval(secs => %(seconds)s), token = token + 1,
             due_until = %(until)s
           WHERE name = %(name)s AND (done_until IS NULL OR done_until < %(until)s)
             AND (leased_until IS NULL OR leased_until <= clock_timestamp())
           RETURNING done_until, token""",
        {"name": name, "until": until, "seconds": seconds},
    )


def extend(connection: Connection, name: str, token: int, seconds: float) -> bool:
    """Keep the lease while a step is written; False if another runner has it: the step must not be committed."""
    return bool(
        execute(
            connection,
            """UPDATE job SET leased_until = clock_timestamp() + make_interval(secs => %(seconds)s)
               WHERE name = %(name)s AND token = %(token)s""",
            {"name": name, "token": token, "seconds": seconds},
        )
    )


def finish(connection: Connection, name: str, token: int, until: datetime) -> bool:
    """The job is done until ``until``; False if another runner has it."""
    return bool(
        execute(
            connection,
            """UPDATE job SET done_until = %(until)s, leased_until = NULL, failing_since = NULL, error = NULL
               WHERE name = %(name)s AND token = %(token)s""",
            {"name": name, "token": token, "until": until},
        )
    )


def give_back(connection: Connection, name: str, token: int) -> bool:
    """The job is free again, and done no further than it was; False if another runner has it."""
    return bool(
        execute(
            connection,
            "UPDATE job SET leased_until = NULL WHERE name = %(name)s AND token = %(token)s",
            {"name": name, "token": token},
        )
    )


def rest(connection: Connection, names: Sequence[str]) -> int:
    """Jobs that nobody runs any more are behind with nothing, and their last failure is over; one that is under way is left alone. How
    many."""
    return execute(
        connection,
        """UPDATE job SET due_until = done_until, failing_since = NULL, error = NULL
           WHERE name = ANY(%(names)s::text[]) AND (leased_until IS NULL OR leased_until <= clock_timestamp())
             AND (failing_since IS NOT NULL OR due_until IS DISTINCT FROM done_until)""",
        {"names": list(names)},
    )


def fail(connection: Connection, name: str, token: int, at: datetime, error: str) -> bool:
    """The job failed at ``at``, the Clock's, and is tried again when its lease has run out; False if another runner has it."""
    return bool(
        execute(
            connection,
            """UPDATE job SET failing_since = coalesce(failing_since, %(at)s), error = %(error)s
               WHERE name = %(name)s AND token = %(token)s""",
            {"name": name, "token": token, "at": at, "error": error},
        )
    )
