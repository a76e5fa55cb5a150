"""The test's own world, and the web interface on it: salon agrees with each individual on what the shipping costs more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.rules.build import SHOPS, shop_with
from tests.web.site import Site
from tests.world import World
from workers.mail.rendering import Renderer

QUOTES = shop_with("salon", **{"[returns]": '[intake]\nindividuals = "surcharge"\n[returns]'})


@pytest.fixture
def world(engine: Engine, database_url: str, renderer: Renderer) -> Iterator[World]:
    """A house on a database of its own."""
    with World(engine, database_url, renderer, shops={**SHOPS, "salon": QUOTES}) as world:
        yield world


@pytest.fixture
def site(world: World) -> Iterator[Site]:
    """The web interface, with a client of every kind."""
    site = Site(world)
    yield site
    site.close()
