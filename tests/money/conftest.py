"""The world of these tests: the packaged shops, but salon's makers ship to the customer themselves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.rules.build import SHOPS, shop_with
from tests.world import World
from workers.mail.rendering import Renderer

DROP_SHIPPING = shop_with("salon", **{"[calendar]": "[split]\ndrop_ship = true\n[calendar]"})


@pytest.fixture
def world(engine: Engine, database_url: str, renderer: Renderer) -> Iterator[World]:
    """A house on a database of its own."""
    with World(engine, database_url, renderer, shops={**SHOPS, "salon": DROP_SHIPPING}) as world:
        yield world
