"""A database as SQL that fills an empty one of the same revision: ``python -m tests.store.dump > tests/store/databases/NNNN.sql``.

To be run before a migration is written, so that the next version meets what the last one left (``tests.store.lives``).
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, text

from models.database import connect
from models.migrations import upgrade
from models.schema import metadata
from pipelines.points.holds import hold
from pipelines.points.schema import HoldDocument
from tests.store.lives import live
from tests.world import DOMAIN, SENDER, World
from workers.mail.rendering import Renderer
from workers.periodic import Timekeeper
from workers.process.embedded import EmbeddedEngines


def statements(connection: Connection) -> Iterator[str]:
    """INSERTs of every row, tables in the order in which they refer to one another, then where the identities go on."""
    for table in metadata.sorted_tables:
        names = [column.name for column in table.columns if column.computed is None]
        listed = ", ".join(f'"{name}"' for name in names)
        literals = ", ".join(_literal(table.name, name) for name in names)
        keys = ", ".join(column.name for column in table.primary_key)
        rows = f"SELECT concat_ws(', ', {literals}) FROM {table.name} ORDER BY {keys}"
        for values in connection.execute(text(rows)).scalars():
            yield f"INSERT INTO {table.name} ({listed}) OVERRIDING SYSTEM VALUE VALUES ({values});"
        for column in table.columns:
            if column.identity is not None:
                sequence = f"pg_get_serial_sequence('{table.name}', '{column.name}')"
                last = connection.execute(
                    text(f"SELECT coalesce(max({column.name}), 1) FROM {table.name}")
                ).scalar_one()
                yield f"SELECT setval({sequence}, {last});"


def _literal(table: str, column: str) -> str:
    plain = f'quote_nullable("{column}"::text)'
    if (table, column) == ("mail", "packed"):  # what was sent is not read again, and is most of what there is
        return f"CASE WHEN state = 'sent' THEN quote_literal('') ELSE {plain} END"
    return plain


def fill(world: World) -> None:
    """Let orders of every kind come to be."""
    jobs = Timekeeper(world.engine, world.shops, world.runner.renderer, world.clock)

    def hold_points(customer: str, amount: int) -> None:
        wish = HoldDocument(
            shop="salon", customer=customer, key=f"held-{customer}", amount=amount, reason="looked into"
        )
        hold(world.engine, world.shops, world.clock, wish)

    live(world, jobs.look, hold_points)


def main() -> None:
    """Print a database in which orders of every kind stand."""
    data = Path(tempfile.mkdtemp(prefix="shukka-dump-", dir="/tmp"))
    engines = EmbeddedEngines(data, valkey=False)
    try:
        url = engines.start().database_url or ""
        engine = connect(url)
        upgrade(engine)
        with World(engine, url, Renderer(SENDER, DOMAIN)) as world:
            fill(world)
            if broken := world.broken():
                raise SystemExit(f"the database is not sound: {broken}")
        with engine.connect() as connection:
            for statement in statements(connection):
                sys.stdout.write(f"{statement}\n")
        engine.dispose()
    finally:
        engines.stop()
        shutil.rmtree(data, ignore_errors=True)


if __name__ == "__main__":
    main()
