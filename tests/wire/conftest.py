"""A house behind a wire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from benchmarks.wire import Wire
from models.database import INTAKE, connect
from tests.web.site import Site
from tests.wire.wired import Wired
from tests.world import World
from workers.mail.rendering import Renderer

#: As the web process has them, with less patience for a silent server.
SOON = replace(INTAKE, statement=2.0, lock=1.0, free=1.0)


@pytest.fixture
def wired(database_url: str, renderer: Renderer) -> Iterator[Wired]:
    """A house over a wire on a database of the test's own."""
    with Wire.before(database_url) as wire:
        engine = connect(wire.through(database_url), SOON, application="shukka-test")
        with World(engine, database_url, renderer) as world:
            site = Site(world)
            yield Wired(wire, world, site)
            wire.heal()
            site.close()
        engine.dispose()
