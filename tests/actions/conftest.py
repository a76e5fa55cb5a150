"""The test's own world, and the web interface on it: salon agrees with each individual on what the shipping costs more,
and calls goods to a store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.rules.build import SHOPS, shop_with
from tests.web.site import Site
from tests.world import World
from workers.mail.rendering import Renderer

_STORE = """
[stores.store-1]
name = "みほん商店 丸の内店"
postal_code = "100-0005"
region = "東京都"
city = "千代田区"
line1 = "丸の内1-1-1"
"""
QUOTES = shop_with("salon", **{"[returns]": f'[intake]\nindividuals = "surcharge"\n{_STORE}\n[returns]'})


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
