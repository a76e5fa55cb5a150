"""Operators before their browsers: cookies kept, forms read from the page and sent back as they were shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from models.database import connect
from tests.conftest import Running, fresh_database
from tests.console.browser import Browser, Console
from tests.world import World, document
from workers.mail.rendering import Renderer


@pytest.fixture
def console(world: World) -> Iterator[Console]:
    """The console over a world with the order S-1 of salon, instructed."""
    world.take(document("S-1"))
    world.settle()
    console = Console(world)
    yield console
    console.close()


@pytest.fixture
def operator(console: Console) -> Browser:
    """An operator of every shop, signed in."""
    return console.signed_in("sato", {"*": "operator"})


@pytest.fixture(scope="module")
def shared(running: Running, template: str, renderer: Renderer) -> Iterator[Console]:
    """The same, once for the tests of a module that change nothing of it."""
    with fresh_database(running, template) as url:
        engine = connect(url, application="shukka-test")
        with World(engine, url, renderer) as world:
            world.take(document("S-1"))
            world.settle()
            console = Console(world)
            yield console
            console.close()
        engine.dispose()


@pytest.fixture(scope="module")
def reader(shared: Console) -> Browser:
    """An operator of every shop before the shared console."""
    return shared.signed_in("sato", {"*": "operator"})
