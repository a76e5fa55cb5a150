"""Schema migrations (alembic), shipped inside the wheel."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from models.store.revision import is_newer

#: Held while migrating, so that processes that start together migrate one after the other.
_LOCK = 0x5348554B4B41


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the database to ``revision``, the newest unless one is named, in one transaction; safe to run from several
    processes at once. A database that a newer version has brought further is left as it is."""
    with engine.begin() as connection:  # the lock is the transaction's, as a pooler may give the next one to others
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if is_newer(connection):
            return
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def of(revision: str) -> ModuleType:
    """The migration to ``revision``."""
    return ScriptDirectory.from_config(_config()).get_revision(revision).module
