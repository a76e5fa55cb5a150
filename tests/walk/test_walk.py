"""A short random walk: whatever comes in whatever order, to workers that are behind, breaks nothing and leaves nobody waiting for
nothing. ``make walk`` walks for longer."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest
from sqlalchemy import Engine, text

from benchmarks.walk.crowd import Crowd
from benchmarks.walk.plants import PLANTS
from benchmarks.walk.town import Town
from benchmarks.walk.verdict import verdict
from pipelines.engine.stage import Stage
from pipelines.route import STAGES
from workers.mail.rendering import Renderer


def walked(
    engine: Engine, url: str, renderer: Renderer, *, size: int, route: Mapping[str, Stage] = STAGES
) -> list[str]:
    """What is wrong after the lives of ``size`` orders; each ends as somebody must see it."""
    with Town(engine, url, renderer, "1") as town:
        crowd = Crowd(town, random.Random(1), size, route=route)
        found = crowd.live()
        assert found or {condition for _, condition in crowd.ends()} <= {"done", "held"}
        return found


def test_nothing_breaks_and_nobody_is_silent(engine: Engine, database_url: str, renderer: Renderer) -> None:
    assert walked(engine, database_url, renderer, size=100) == []


def test_books_that_differ_from_what_was_paid_are_found(engine: Engine, database_url: str, renderer: Renderer) -> None:
    """The judges of a run hear of what the town's gateways and bank did."""
    with Town(engine, database_url, renderer, "1") as town:
        assert Crowd(town, random.Random(1), 80).live() == []
        with engine.begin() as connection:
            connection.execute(text("UPDATE payment SET captured = captured - 1 WHERE captured > refunded"))
        judges = {says.partition(":")[0] for says in verdict(town)}
    assert {"gateway_agrees", "deposits_booked"} <= judges


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_fault_is_found(engine: Engine, database_url: str, renderer: Renderer, plant: str) -> None:
    """The walk can fail: a stage that forgets one look breaks what is judged."""
    stage = PLANTS[plant]
    assert walked(engine, database_url, renderer, size=600, route={**STAGES, stage.name: stage})
