"""Instructions that do not arrive: until when they are tried is said, and then a person has the order (docs/operations.md)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from pipelines.ports import Verdict
from tests.world import World, document
from workers.mail.rendering import Renderer


@pytest.fixture
def world(engine: Engine, database_url: str, renderer: Renderer) -> Iterator[World]:
    """A warehouse that answers 500 for days."""
    with World(engine, database_url, renderer) as world:
        world.enrol("supplier", "warehouse", url="https://warehouse.example/hook")
        world.suppliers.answers = [Verdict.RETRY] * 1000
        world.take(document("S-1"))
        world.settle()
        yield world


def awaited(world: World) -> list[dict[str, Any]]:
    awaits: list[dict[str, Any]] = world.show()["awaits"]
    return awaits


def reasons(world: World) -> list[str]:
    return [hold["reason"] for hold in world.show()["holds"]]


def delivered(world: World) -> None:
    """The warehouse is there again, and what waits for it is due."""
    world.suppliers.answers = []
    world.hurry()
    world.settle()


def test_what_does_not_arrive_has_a_date_and_then_a_person(world: World) -> None:
    (shipment,) = world.shipments()
    assert awaited(world) == [
        {
            "what": "supplier.instruction",
            "from": "warehouse",
            "until": "2026-11-20T20:00:00+09:00",
            "then": "operator",
            "shipment": shipment,
            "return": None,
        }
    ]
    world.at("2026-11-20 19:59:59")
    assert reasons(world) == []
    world.at("2026-11-20 20:00:00")
    assert reasons(world) == ["supplier_unreachable"]
    assert awaited(world) == []
    delivered(world)
    assert (reasons(world), world.states()["S-1"]) == ([], ("released", "running"))
    assert [one["what"] for one in awaited(world)] == ["supplier.acknowledgement"]
    assert len(world.suppliers.messages) == 1
    assert world.broken() == {}


def test_once_it_arrives_its_answer_and_the_goods_are_waited_for(world: World) -> None:
    delivered(world)
    assert [(one["what"], one["until"]) for one in awaited(world)] == [("supplier.ship", "2026-11-20T20:00:00+09:00")]
    world.at("2026-11-20 20:00:00")
    assert reasons(world) == []


def test_a_supplier_that_heard_of_it_otherwise_is_waited_for_no_longer(world: World) -> None:
    """It was called: its news counts though no instruction arrived."""
    (shipment,) = world.shipments()
    world.tell(world.news("shipment.acknowledged", shipment))
    world.settle()
    assert [one["what"] for one in awaited(world)] == ["supplier.ship"]
    world.at("2026-11-20 20:00:00")
    assert reasons(world) == []


def test_a_supplier_that_hears_of_it_from_a_person_is_unreachable_no_longer(world: World) -> None:
    (shipment,) = world.shipments()
    world.at("2026-11-20 20:00:00")
    world.tell(world.news("shipment.acknowledged", shipment))
    world.settle()
    assert (reasons(world), [one["what"] for one in awaited(world)]) == ([], ["supplier.ship"])


def test_nobodys_look_makes_it_arrive(world: World) -> None:
    """A release ends nothing; asking again does, and tries it for as long."""
    world.at("2026-11-20 20:00:00")
    world.tell(world.ask("order.release", "S-1", reason="looked at it"))
    world.settle()
    assert reasons(world) == ["supplier_unreachable"]
    (shipment,) = world.shipments()
    world.tell(world.ask("order.ask_again", "S-1", shipment=shipment, reason="they are back"))
    world.settle()
    assert reasons(world) == []
    assert [(one["what"], one["until"]) for one in awaited(world)] == [
        ("supplier.instruction", "2026-11-21T20:00:00+09:00")
    ]
    delivered(world)
    assert [message.key for message in world.suppliers.messages.values()] == [f"{shipment}:requested:2"]
