"""Where others are in the way for too long, a request is told to come again, and is nobody's fault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from models.database import INTAKE, connect
from pipelines.errors import Raced
from pipelines.orders.message import take_in_or_keep
from tests.web.site import Site, problem
from tests.world import World, document
from workers.mail.rendering import Renderer


@pytest.fixture
def impatient(database_url: str, renderer: Renderer) -> Iterator[Site]:
    """A site whose statements wait a second at most."""
    engine = connect(database_url, replace(INTAKE, statement=1.0))
    with World(engine, database_url, renderer) as world:
        site = Site(world)
        yield site
        site.close()
    engine.dispose()


def test_an_order_in_whose_way_others_are_comes_again(impatient: Site) -> None:
    """Alone, in a batch, and over the broker; then it is taken."""
    order = document("S-1")
    world = impatient.world
    with world.engine.connect() as other:
        other.exec_driver_sql("LOCK TABLE shop_order IN SHARE MODE")
        answer = impatient.order(order)
        assert "send the same again" in problem(answer, 503)["detail"]
        assert answer.headers["retry-after"] == "1"
        (result,) = impatient.post("/v1/orders:batch", {"orders": [order]}).json()["results"]
        assert (result["status"], result["title"]) == (503, "Busy")
        with pytest.raises(Raced):
            take_in_or_keep(world.engine, world.shops, world.clock, order)
    assert world.rows("SELECT FROM refused_order") == []
    assert impatient.order(order).status_code == 202
