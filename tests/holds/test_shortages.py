"""A supplier that says twice what it lacks (INT-13): of each line its newest word counts, whichever comes first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.rules.build import at
from tests.world import World, a_line, document
from workers.mail.rendering import Renderer

Pieces = Mapping[str, int] | None


@pytest.fixture
def world(engine: Engine, database_url: str, renderer: Renderer) -> Iterator[World]:
    with World(engine, database_url, renderer) as world:
        world.take(document("S-1", a_line("1", 3), a_line("2", 2)))
        world.settle()
        world.at("2026-11-20 10:00:00")
        yield world


def lacks(world: World, pieces: Pieces, minute: int) -> None:
    """It is said of 9:30 and so many minutes, and heard now."""
    named: dict[str, Any] = {}
    if pieces is not None:
        named["lines"] = [{"line": one, "quantity": n} for one, n in pieces.items()]
    said = at("2026-11-20 09:30:00") + timedelta(minutes=minute)
    world.tell(world.news("shipment.short", world.shipments()[0], at=said, **named))
    world.settle()


def asked(world: World) -> list[str]:
    says = [hold["says"] for hold in world.show()["holds"]]
    return sorted(one.removeprefix("warehouse cannot supply ").partition(" of SH-")[0] for one in says)


@pytest.mark.parametrize(
    ("said", "stands"),
    [
        ([{"1": 1}, {"1": 2}], ["2 of line 1"]),
        ([{"1": 2}, {"1": 1}], ["1 of line 1"]),
        ([{"1": 1}, {"2": 1}], ["1 of line 1", "1 of line 2"]),
        ([{"1": 1}, {"1": 1, "2": 1}], ["1 of line 1, 1 of line 2"]),
        ([None, {"1": 1}], ["1 of line 1", "2 of line 2"]),
        ([{"1": 1}, None], ["3 of line 1, 2 of line 2"]),
        ([{"1": 1}, {"1": 2}, {"1": 1, "2": 2}], ["1 of line 1, 2 of line 2"]),
    ],
)
def test_of_each_line_the_newest_word_counts(world: World, said: list[Pieces], stands: list[str]) -> None:
    """It was asked twice about one line, and a person took out the sum or looked for pieces that were there."""
    for minute, pieces in enumerate(said):
        lacks(world, pieces, minute)
    assert asked(world) == stands
    assert world.states()["S-1"] == ("released", "held")


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_whichever_comes_first(world: World, order: tuple[int, ...]) -> None:
    said: list[Pieces] = [{"1": 3, "2": 2}, {"1": 2}, {"1": 1}]
    for minute in order:
        lacks(world, said[minute], minute)
    assert asked(world) == ["1 of line 1", "2 of line 2"]


@pytest.mark.parametrize("order", list(permutations(({"1": 1}, {"1": 2}))))
def test_of_two_that_were_said_at_one_moment_the_more(world: World, order: tuple[Pieces, ...]) -> None:
    for pieces in order:
        lacks(world, pieces, 0)
    assert asked(world) == ["2 of line 1"]


def test_the_same_again_is_nothing(world: World) -> None:
    lacks(world, {"1": 1}, 0)
    before = world.rows("SELECT id, closed_at FROM order_hold")
    lacks(world, {"1": 1}, 0)
    assert world.rows("SELECT id, closed_at FROM order_hold") == before
    lacks(world, {"1": 1}, 5)
    assert asked(world) == ["1 of line 1"]
    assert world.broken() == {}
