"""Any sequence of returns, refunds, replacements, exchanges and settlements at once pays out no more than was paid and returns no piece twice."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from pipelines.errors import Conflict, Invalid
from tests.returns.counter import CUSTOMER, Counter, pieces
from tests.world import World, a_line
from workers.mail.rendering import Renderer

REASONS = ("unwanted", "defect", "wrong_item")
ACTS = {
    "returns:approve": {},
    "returns:refuse": {"words": "no"},
    "returns:receive": {},
    "returns:inspect": {"passes": True},
    "returns:refund": {},
    "returns:replace": {},
    "returns:exchange": {
        "lines": [a_line("1", 1, 1_500, sku="OTHER")],
        "payment": {"method": "card", "token": "tok_ok"},
    },
    "returns:close": {},
}
COUPON = [{"code": "C", "kind": "amount", "value": 1_000}]


@pytest.fixture
def world(engine: Engine, database_url: str, renderer: Renderer) -> Iterator[World]:
    with World(engine, database_url, renderer) as world:
        yield world


def step(counter: Counter, dice: random.Random) -> None:
    """Something that a customer or an operator may ask; most of it cannot be, and then changes nothing."""
    line, quantity = dice.choice("12"), dice.randint(1, 3)
    returns = counter.order()["returns"]
    kind = dice.randrange(10)
    if kind < 3 or not returns:
        counter.hand_in("returns", by=CUSTOMER, lines=[pieces(line, quantity, dice.choice(REASONS))])
    elif kind == 3:
        counter.hand_in(
            "lines:return", lines=[{"line": line, "quantity": quantity}], fault=dice.choice(("customer", "shop"))
        )
    else:
        name = dice.choice(list(ACTS))
        counter.hand_in(name, dice.choice(returns)["return"], **ACTS[name])


@pytest.mark.parametrize("seed", range(2))
def test_no_sequence_gives_more_than_there_was(world: World, seed: int) -> None:
    """CPN-04, PTS-12, PTS-13, TAX-05, A.12: on real engines, several requests at one moment among them; many more
    sequences are decided by the stage alone (`tests/rules/returns/test_any_sequence.py`)."""
    dice = random.Random(seed)
    world.grant(500, shop="apparel")
    lines = (a_line("1", 3, 2_000), a_line("2", 3, 700))
    counter = Counter(world, "apparel").sell(*lines, coupons=COUPON, points={"use": 500}).arrive()
    paid = counter.order()["payment"]["captured"]
    for _ in range(25):
        try:
            step(counter, dice)
        except (Conflict, Invalid):
            continue
        if dice.random() < 0.7:
            world.settle()
    world.settle()
    shown = counter.order()
    assert shown["payment"]["refunded"] == sum(change["money"] for change in shown["adjustments"]) <= paid
    assert sum(change["points_returned"] for change in shown["adjustments"]) <= 500
    rests = world.value("SELECT coalesce(sum(amount), 0) FROM point_lot WHERE kind = 'exchange'")
    assert shown["payment"]["refunded"] + rests <= paid + 500
    back: dict[str, int] = {}
    for change in shown["adjustments"]:
        for one in change["lines"]:
            back[one["line"]] = back.get(one["line"], 0) + one["quantity"]
    for one in (one for one in shown["returns"] if one["state"] in ("replaced", "exchanged")):
        for line in one["lines"]:
            back[line["line"]] = back.get(line["line"], 0) + line["quantity"]
    assert all(count <= 3 for count in back.values())
    assert world.broken() == {}
