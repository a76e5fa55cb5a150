"""SPL-04, B.6.2: an authorization is watched from the day it is made, whatever its goods wait for: a day far ahead, a supplier, or a
person who has the order. What the profile says happens before its end, and is told of before that."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine

from tests.rules.build import SHOPS, shop_with
from tests.world import World, a_line, document
from workers.mail.rendering import Renderer

#: The gateway of the world holds a sum until 2027-01-31: told of on the 26th, acted upon on the 28th.
FAR = a_line("1", availability="backorder", expected_on="2027-02-01")
READ = {"remarks": "裏口へ"}
LATE = "2026-11-25 12:00:00"


@pytest.fixture
def captures(engine: Engine, database_url: str, renderer: Renderer) -> Any:
    """A house whose salon captures what is about to end."""
    salon = shop_with("salon", **{"[payment]": '[payment]\nauthorization_ends = "capture"'})
    with World(engine, database_url, renderer, shops={**SHOPS, "salon": salon}) as world:
        yield world


def told_of(world: World) -> int:
    return sum(one.type == "payment.expiring" for one in world.storefronts.messages.values())


def stands_until(world: World, *lines: dict[str, Any], **order: Any) -> None:
    """One order of salon, on the 26th of January; nobody did anything about it."""
    world.enrol("storefront", "shop", url="https://shop.example/hook", shops=["salon"])
    world.take(document("S-1", *lines, **order))
    world.settle()
    world.at(LATE)
    assert told_of(world) == 0
    world.at("2027-01-26 00:00:00")


@pytest.mark.parametrize(
    ("lines", "order", "held"),
    [([FAR], {}, []), ([], READ, ["needs_human"]), ([], {}, ["dispatch_late", "supplier_silent"])],
    ids=["a back-order with a day", "held before it is planned", "held for its supplier"],
)
def test_it_is_told_of_and_put_before_a_person(world: World, lines: Any, order: Any, held: list[str]) -> None:
    """A back-order with a day was looked at on that day, and what a person had not at all: the money was gone."""
    stands_until(world, *lines, **order)
    assert told_of(world) == 1
    (awaited,) = world.show()["awaits"]
    assert (awaited["what"], awaited["until"][:10], awaited["then"]) == ("shipment.left", "2027-01-28", "operator")
    world.at("2027-01-28 00:00:00")
    assert sorted(one["reason"] for one in world.show()["holds"]) == sorted([*held, "authorization_ends"])
    world.at("2027-02-10 09:00:00")
    assert (told_of(world), world.broken()) == (1, {})


def test_a_supplier_that_refused_leaves_it_watched(world: World) -> None:
    """Another one may send the goods, on the same money; what a storefront has not answered yet is waited for by nobody."""
    world.enrol("storefront", "shop", url="https://shop.example/hook", shops=["salon"])
    world.take(document("S-1"))
    world.settle()
    world.tell(world.news("shipment.refused", world.shipments()[0], reason="broken"))
    world.settle()
    world.at("2027-01-28 00:00:00")
    assert [one["reason"] for one in world.show()["holds"]] == ["supplier_refused", "authorization_ends"]
    assert told_of(world) == 1, "the clock jumped over the warning: it is given before something is done"


@pytest.mark.parametrize("ends", ["hold", "capture"])
def test_a_shop_may_be_told_on_the_day_on_which_it_is_acted_upon(
    engine: Engine, database_url: str, renderer: Renderer, ends: str
) -> None:
    """payment.expiring comes ``authorization_warning_days`` before the end, at the latest with what is done about it."""
    rules = f'[payment]\nauthorization_ends = "{ends}"\nauthorization_warning_days = 3'
    shops = {**SHOPS, "salon": shop_with("salon", **{"[payment]": rules})}
    with World(engine, database_url, renderer, shops=shops) as world:
        stands_until(world, FAR)
        assert told_of(world) == 0
        world.at("2027-01-28 00:00:00")
        assert told_of(world) == 1
        assert [one["reason"] for one in world.show()["holds"]] == (["authorization_ends"] if ends == "hold" else [])
        assert world.show()["payment"]["captured"] == (0 if ends == "hold" else 11_000)
        world.at("2027-02-10 09:00:00")
        assert (told_of(world), world.broken()) == (1, {})


@pytest.mark.parametrize(("lines", "order"), [([FAR], {}), ([], READ), ([], {})])
def test_it_is_captured_where_the_profile_says_so(captures: World, lines: Any, order: Any) -> None:
    """Once, also where a release follows; a cancel gives it back."""
    stands_until(captures, *lines, **order)
    captures.at("2027-01-28 00:00:00")
    payment = captures.show()["payment"]
    assert (payment["state"], payment["captured"]) == ("captured", 11_000)
    captures.at("2027-02-10 09:00:00")
    captures.tell(captures.ask("order.cancel", "S-1", operator=True, reason="nobody answers"))
    captures.settle()
    assert captures.states() == {"S-1": ("cancelled", "done")}
    assert captures.show()["payment"]["refunded"] == 11_000
    assert captures.broken() == {}


def test_a_release_of_both_captures_and_plans(world: World) -> None:
    stands_until(world, **READ)
    world.at("2027-01-28 09:00:00")
    world.tell(world.ask("order.release", "S-1"))
    world.settle()
    shown = world.show()
    assert (shown["payment"]["captured"], shown["state"], shown["holds"]) == (11_000, "released", [])
    world.ship_all("S-1")
    assert world.show()["payment"]["captured"] == 11_000
    assert world.broken() == {}
