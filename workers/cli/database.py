"""The database as commands open it."""

from __future__ import annotations

from sqlalchemy import Engine

from models.database import OPERATOR, connect
from models.store.revision import is_current
from pipelines.errors import Misconfigured
from workers.settings import load


def opened(command: str) -> Engine:
    """The database of the settings; raises Misconfigured if there is none or its schema is not ours."""
    engine = connect(load().need_database(), OPERATOR, application=f"shukka-{command}")
    with engine.connect() as connection:
        if not is_current(connection):
            raise Misconfigured("DATABASE_URL", "its schema is not this version's; run `shukka migrate` first")
    return engine
