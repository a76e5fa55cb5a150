"""How we are connected: by our own settings, whatever the server's are, also through a pooler."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url

from models.database import DECIDE, INTAKE, connect, glance, release_idle
from models.migrations import upgrade
from models.store.statement import scalars
from tests.conftest import Running
from tests.world import World, document
from workers import metrics
from workers.mail.rendering import Renderer
from workers.measuring import Measuring
from workers.process.child import wait_until

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def shown(engine: Engine, *settings: str) -> list[str]:
    with engine.connect() as connection:
        return [connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in settings]


def test_transactions_are_ours_whatever_the_server_says(running: Running, engine: Engine) -> None:
    """Two workers that claim beside each other would only get serialization failures from a stricter level."""
    name = engine.url.database
    running.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
    running.execute(f"ALTER DATABASE {name} SET TimeZone = 'America/New_York'")
    fresh = connect(engine.url.render_as_string(hide_password=False), replace(DECIDE, statement=7.0))
    assert shown(fresh, "transaction_isolation", "TimeZone", "statement_timeout") == [
        "read committed",
        "Asia/Tokyo",
        "7s",
    ]
    fresh.dispose()


def test_reading_forgets_nothing_that_was_prepared(database_url: str) -> None:
    """A transaction that only read and is rolled back at its end costs its connection all that is prepared, and a plan each time."""
    fresh = connect(database_url, INTAKE)
    for _ in range(3):
        with glance(fresh) as connection:
            assert scalars(connection, "SELECT 7") == [7]
    assert "SELECT 7" in prepared(fresh)
    with fresh.connect() as connection:
        assert scalars(connection, "SELECT 7") == [7]
    assert "SELECT 7" not in prepared(fresh)
    fresh.dispose()


def test_connections_that_nobody_needs_are_closed_and_none_that_is_in_use(engine: Engine) -> None:
    resting = connect(engine.url.render_as_string(hide_password=False), INTAKE, application="shukka-resting")

    def held() -> Sequence[int]:
        with glance(engine) as connection:
            return scalars(connection, "SELECT pid FROM pg_stat_activity WHERE application_name = 'shukka-resting'")

    with glance(resting) as connection, glance(resting) as another:
        assert scalars(connection, "SELECT 7") == scalars(another, "SELECT 7") == [7]
        release_idle(resting, after=0.0)
        assert len(held()) == 2
    release_idle(resting, after=60.0)
    assert len(held()) == 2
    release_idle(resting, after=0.0)
    assert wait_until(lambda: not held(), patience=5.0)
    release_idle(resting, after=0.0)
    with glance(resting):
        assert len(held()) == 1
    resting.dispose()


def prepared(engine: Engine) -> list[str]:
    """What the one connection of the pool has prepared; asking does not count."""
    with glance(engine) as connection:
        found = scalars(connection, "SELECT statement FROM pg_prepared_statements")
        return [one for one in found if "pg_prepared_statements" not in one]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def pooled(running: Running) -> Iterator[str]:
    """The URL of an empty database behind a PgBouncer in transaction mode with two connections, which knows no setting but
    its own and forgets all that a client prepared."""
    if PGBOUNCER is None:
        pytest.skip("no pgbouncer on this machine: apt-get install pgbouncer")
    name = "shukka_pooled"
    running.execute(f"CREATE DATABASE {name}")
    target = make_url(running.database_url(name))
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as folder:
        Path(folder).chmod(0o755)
        settings = Path(folder) / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\n{name} = host={target.query['host']} port={target.query['port']} user={target.username}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
            "pool_mode = transaction\ndefault_pool_size = 2\n"
        )
        become = ["-u", "nobody"] if os.geteuid() == 0 else []
        pooler = subprocess.Popen([PGBOUNCER, "-q", *become, str(settings)], stderr=subprocess.DEVNULL)
        try:
            _wait_for(port)
            yield f"postgresql://{target.username}@127.0.0.1:{port}/{name}"
        finally:
            pooler.terminate()
            pooler.wait(10)
    running.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as line:
            if line.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("pgbouncer does not listen")


def test_all_of_it_works_through_a_pooler(pooled: str, renderer: Renderer) -> None:
    """Migrations, and orders to their end, with more statements than would be prepared."""
    engine = connect(pooled)
    upgrade(engine)
    upgrade(engine)
    with World(engine, pooled, renderer) as world:
        world.enrol("supplier", "warehouse", url="https://wms.example/")
        for number in range(12):
            world.take(document(f"S-{number}"))
            world.settle()
        assert {state for state, _ in world.states().values()} == {"released"}
        assert world.broken() == {}
        metrics.CONNECTIONS.clear()
        Measuring(world.house).database()
        told = [sample for family in metrics.CONNECTIONS.collect() for sample in family.samples]
        assert told == [], "the server names whoever used a connection last: it would page that no worker is there"
    assert shown(engine, "statement_timeout", "TimeZone") == ["30s", "Asia/Tokyo"]
    with glance(engine) as connection:  # has the limits too: there they are of each transaction
        assert scalars(connection, "SHOW statement_timeout") == ["30s"]
    engine.dispose()
