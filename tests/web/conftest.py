"""The sites: one of the test's own, and one for requests that leave nothing behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from models.database import connect
from tests.conftest import Running, fresh_database
from tests.web.site import Site
from tests.world import World, document
from workers.mail.rendering import Renderer


@pytest.fixture
def site(world: World) -> Iterator[Site]:
    """The web interface on the test's own world."""
    site = Site(world)
    yield site
    site.close()


@pytest.fixture(scope="module")
def shared_site(running: Running, template: str, renderer: Renderer) -> Iterator[Site]:
    """One site for all tests of a file whose requests are refused; it has the accepted order S-1 of salon."""
    with fresh_database(running, template) as url:
        engine = connect(url, application="shukka-test")
        with World(engine, url, renderer) as world:
            world.take(document("S-1"))
            site = Site(world)
            yield site
            assert set(world.states()) == {"S-1"}, "something that was refused was stored"
            site.close()
        engine.dispose()
