"""A short quarter: a week of the four shops by a clock that jumps, judged as ninety days are (``make quarter``)."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from benchmarks.other_shops import CHOICES, other_shops
from benchmarks.quarter import Quarter, Simulation
from pipelines.shops import Shop, load_shops
from pipelines.shops.load import ProfileErrors, changed_shop
from workers.installation import INSTALLATION
from workers.mail.rendering import Renderer

WEEK = Quarter(days=8, orders_a_day=5, seed=2)


@pytest.mark.timeout(120)
def test_a_week_breaks_no_promise_and_leaves_nothing_unwatched(engine: Engine, renderer: Renderer) -> None:
    said: list[str] = []
    outcome = Simulation(engine, WEEK, renderer).run(said.append)
    assert outcome.violations == []
    assert sum(outcome.by_state.values()) == 40
    assert len(said) == 1  # a week, and its state
    assert {"shipped", "delivered"} <= outcome.by_state.keys()
    assert {"carrier.delivery"} <= {one.what for one in outcome.awaits}
    assert outcome.jobs["points.expire"] == 9  # each midnight, and the one before the first
    assert 0 < outcome.money["captured"] < outcome.money["ordered"]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("DELETE FROM work", "nothing will ever move it"),
        ("UPDATE payment SET captured = captured - 1 WHERE captured > 0 AND gateway = 'sandbox'", "the gateway took"),
        ("DELETE FROM mail WHERE template = 'shipment_shipped'", "every parcel has its mail"),
        ("DELETE FROM parcel", "are known"),
    ],
)
def test_what_goes_wrong_behind_its_back_is_found(
    engine: Engine, renderer: Renderer, statement: str, says: str
) -> None:
    simulation = Simulation(engine, Quarter(days=2, orders_a_day=6, seed=2), renderer)
    simulation.live(lambda line: None)
    with engine.begin() as connection:
        assert connection.execute(text(statement)).rowcount
    outcome = simulation.judge()
    assert not outcome.is_good
    assert any(says in violation for violation in outcome.violations), outcome.violations


def test_other_shops_are_drawn_by_the_seed_and_every_parameter_is_one_that_a_profile_takes() -> None:
    packaged = load_shops(installation=INSTALLATION)
    shops, drawn = other_shops(packaged, 3, INSTALLATION)
    assert (shops, drawn) == other_shops(packaged, 3, INSTALLATION)
    assert drawn != other_shops(packaged, 4, INSTALLATION)[1]
    assert all(shops[key] != packaged[key] for key in packaged)
    taken = {
        (name, value)
        for name in CHOICES
        for value in CHOICES[name]
        for shop in packaged.values()
        if _takes(shop, f"{name} = {value}")
    }
    assert taken == {(name, value) for name in CHOICES for value in CHOICES[name]}


def _takes(shop: Shop, says: str) -> bool:
    try:
        return bool(changed_shop(shop, says, INSTALLATION))
    except ProfileErrors:
        return False
