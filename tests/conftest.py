"""Engines, databases and houses for the tests: one PostgreSQL and Valkey a test process, one database a test."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, make_url, text

from models.database import MIGRATE, connect
from models.migrations import upgrade
from pipelines.plugins import FOLDER, REGISTRIES
from tests.chromium import Visit, browser
from tests.world import DOMAIN, SENDER, World
from workers.mail.rendering import Renderer
from workers.process.embedded import EmbeddedEngines, Urls
from workers.settings import load

# Processes that tests start have what `shukka up` would give them.
os.environ.setdefault("SHUKKA_LINK_SECRET", "of-the-tests-" * 3)
os.environ.setdefault("SHUKKA_PUBLIC_URL", "https://pages.shukka.example")

TEMPLATE = "shukka_template"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Running:
    """The engines of this test process."""

    engines: EmbeddedEngines
    urls: Urls

    def database_url(self, name: str) -> str:
        assert self.urls.database_url is not None
        return make_url(self.urls.database_url).set(database=name).render_as_string(hide_password=False)

    @property
    def redis_url(self) -> str:
        assert self.urls.redis_url is not None
        return self.urls.redis_url

    def execute(self, statement: str) -> None:
        """Run one statement that wants no transaction, as CREATE DATABASE does."""
        admin = connect(self.database_url("postgres")).execution_options(isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(statement))
        admin.dispose()


def _quick_directory() -> str:
    """Memory where there is plenty: a database a test is many small files, and nothing of them needs to last."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 2 * 1024**3 else "/tmp"


@pytest.fixture
def plugins_in() -> Iterator[Callable[[Path | str], None]]:
    """Makes a folder the one of plug-ins until the test ends."""

    def look_again() -> None:
        for registry in REGISTRIES:
            registry.forget()

    with pytest.MonkeyPatch.context() as environment:

        def use(folder: Path | str) -> None:
            environment.setenv(FOLDER, str(folder))
            look_again()

        yield use
    look_again()


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    """Both engines. Not in tmp_path: its parents are closed to the user nobody, whom the engines run as for root."""
    data = Path(tempfile.mkdtemp(prefix="shukka-test-", dir=_quick_directory()))
    engines = EmbeddedEngines(data)
    try:
        running = Running(engines, engines.start())
        # What is written survives the death of every process; only a power cut would need more, and the disk is slow.
        for setting in ("fsync", "full_page_writes"):
            running.execute(f"ALTER SYSTEM SET {setting} = off")
        running.execute("SELECT pg_reload_conf()")
        yield running
    finally:
        engines.stop()
        shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="session")
def template(running: Running) -> str:
    """The name of a database that stands at the newest revision."""
    running.execute(f"CREATE DATABASE {TEMPLATE}")
    engine = connect(running.database_url(TEMPLATE), MIGRATE)
    upgrade(engine)
    engine.dispose()
    return TEMPLATE


@contextmanager
def fresh_database(running: Running, template: str) -> Iterator[str]:
    """The URL of a migrated database that ends with the block."""
    name = f"shukka_{next(_numbers)}"
    running.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    try:
        yield running.database_url(name)
    finally:
        running.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(running: Running, template: str) -> Iterator[str]:
    """A migrated database of the test's own."""
    with fresh_database(running, template) as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Connections to that database."""
    engine = connect(database_url, application="shukka-test")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def renderer() -> Renderer:
    """The real mails; compiled once."""
    return Renderer(SENDER, DOMAIN, links=load().links)


@pytest.fixture
def world(engine: Engine, database_url: str, renderer: Renderer) -> Iterator[World]:
    """A house on that database with the outside world around it."""
    with World(engine, database_url, renderer) as world:
        yield world


@pytest.fixture(scope="module")
def driven() -> Iterator[Visit]:
    """A real browser for the readers of a module's tests."""
    with browser() as visit:
        yield visit
