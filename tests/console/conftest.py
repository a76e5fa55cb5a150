"""Operators before their browsers: cookies kept, forms read from the page and sent back as they were shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.console.browser import Browser, Console
from tests.world import World, document


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
