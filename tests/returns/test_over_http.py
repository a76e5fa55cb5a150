"""Returns over HTTP (contract: Returns): who may ask, what is answered, and what is not shown to others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.returns.counter import Counter, pieces
from tests.web.site import Site, problem
from tests.world import World
from workers.mail.rendering import Renderer

ORDER = "/v1/orders/apparel/S-1"


@pytest.fixture
def site(engine: Engine, database_url: str, renderer: Renderer) -> Iterator[Site]:
    with World(engine, database_url, renderer) as world:
        site = Site(world)
        Counter(world, "apparel").sell().arrive()
        yield site
        site.close()


def test_a_return_is_answered_with_its_id_and_read_by_it(site: Site) -> None:
    """201 at once, the same again under the same Idempotency-Key, and there to be read before it is decided."""
    asked, headers = {"lines": [pieces()]}, {"idempotency-key": "k-1"}
    answers = [site.post(f"{ORDER}/returns", asked, headers=headers) for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 201]
    first, again = (one.json() for one in answers)
    assert first == again == {"return": first["return"], "state": "requested"}
    path = f"/v1/returns/{first['return']}"
    assert site.get(path).json()["state"] == "requested"
    site.world.settle()
    shown = site.get(path).json()
    assert (shown["state"], shown["shop"], shown["number"]) == ("awaiting_goods", "apparel", "S-1")
    assert len(site.get(ORDER).json()["returns"]) == 1
    received = site.post(f"{path}/receive", {}, key=site.operator)
    assert (received.status_code, received.json()["return"]) == (202, first["return"])
    site.world.settle()
    assert site.get(path).json()["state"] == "received"
    names = {
        (one["name"], one["about"]): one["possible"] for one in site.get(ORDER, key=site.operator).json()["actions"]
    }
    assert names["returns:inspect", first["return"]]
    assert not names["returns:refund", first["return"]]


def test_what_cannot_be_is_said(site: Site) -> None:
    """409 with the rule, 422 with the field, 404 for a return that there is not and for who may not act on one."""
    refused = problem(site.post(f"{ORDER}/returns", {"lines": [pieces("1", 1, "unwanted", "opened")]}), 409)
    assert "RET-02" in refused["detail"]
    wrong = problem(site.post(f"{ORDER}/returns", {"lines": [pieces(quantity=9)]}), 422)
    assert wrong["errors"][0]["field"] == "lines[0].quantity"
    one = site.post(f"{ORDER}/returns", {"lines": [pieces()]}).json()["return"]
    assert site.post(f"/v1/returns/{one}/close", {}).status_code == 404
    assert site.get("/v1/returns/RT-NONE").status_code == 404
    assert site.post("/v1/returns/RT-NONE/close", {}, key=site.operator).status_code == 404
