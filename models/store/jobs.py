"""Leases of the periodic jobs: one runner at a time, fenced, in the database's own time; progress in the Clock's."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from models.database import rows, run


def progress(connection: Connection) -> dict[str, datetime | None]:
    """Up to which moment each job is done."""
    return {row[0]: row[1] for row in rows(connection, "SELECT name, done_until FROM job", {})}


def lease(connection: Connection, name: str, until: datetime, seconds: float) -> Any | None:
    """Take job ``name`` if it is free and not done until ``until``: (done_until, token), else None."""
    run(
        connection,
        "INSERT INTO job (name, token) VALUES (%(name)s, 0) ON CONFLICT (name) DO NOTHING",
        {"name": name},
    )
    found = rows(
        connection,
        """UPDATE job SET leased_until = clock_timestamp() + make_interval(secs => %(seconds)s), token = token + 1
           WHERE name = %(name)s AND (done_until IS NULL OR done_until < %(until)s)
             AND (leased_until IS NULL OR leased_until <= clock_timestamp())
           RETURNING done_until, token""",
        {"name": name, "until": until, "seconds": seconds},
    )
    return found[0] if found else None


def extend(connection: Connection, name: str, token: int, seconds: float) -> bool:
    """Keep the lease while a step is written; False if another runner has it: the step must not be committed."""
    return bool(
        run(
            connection,
            """UPDATE job SET leased_until = clock_timestamp() + make_interval(secs => %(seconds)s)
               WHERE name = %(name)s AND token = %(token)s""",
            {"name": name, "token": token, "seconds": seconds},
        )
    )


def finish(connection: Connection, name: str, token: int, until: datetime) -> bool:
    """The job is done until ``until``; False if another runner has it."""
    return bool(
        run(
            connection,
            "UPDATE job SET done_until = %(until)s, leased_until = NULL WHERE name = %(name)s AND token = %(token)s",
            {"name": name, "token": token, "until": until},
        )
    )
