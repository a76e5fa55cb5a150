"""An embedded database for a program that fills one, measures in it, and leaves nothing behind."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from models.database import OPERATOR, connect
from models.migrations import upgrade
from workers.process.embedded import EmbeddedEngines


@contextmanager
def empty_database(below: Path = Path("/tmp")) -> Iterator[tuple[Engine, str]]:
    """One of the newest schema in a new folder under ``below``, where the engines may write, with its URL; gone afterwards."""
    data = Path(tempfile.mkdtemp(prefix="shukka-bench-", dir=below))
    engines = EmbeddedEngines(data)
    try:
        url = engines.start().database_url or ""
        engine = connect(url, OPERATOR)
        upgrade(engine)
        yield engine, url
        engine.dispose()
    finally:
        engines.stop()
        shutil.rmtree(data, ignore_errors=True)


def settled(engine: Engine) -> None:
    """As autovacuum leaves a database some time after it was filled."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
