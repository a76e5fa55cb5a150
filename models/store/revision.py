"""Which revision of the schema a database stands at, told without alembic: who only looks need not load it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from sqlalchemy import Connection, text


@cache
def newest() -> str:
    """The newest revision that this version knows: migrations are numbered, and a file's name begins with its number."""
    return max(
        number
        for number, _, _ in (one.name.partition("_") for one in (files("models") / "migrations" / "versions").iterdir())
        if number.isdigit()
    )


def is_current(connection: Connection) -> bool:
    """True if the database stands at the newest revision, or at one of a newer version: that only added to ours."""
    revision = _revision(connection)
    return revision is not None and revision >= newest()


def is_newer(connection: Connection) -> bool:
    """True if the database stands at a revision that this version does not know yet."""
    revision = _revision(connection)
    return revision is not None and revision > newest()


def _revision(connection: Connection) -> str | None:
    """None of a database that was never migrated."""
    if connection.execute(text("SELECT to_regclass('alembic_version')")).scalar() is None:
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revision
