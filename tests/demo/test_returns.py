"""What the demo's customers send back: each way is one that the shop's terms give (A.12), and comes to the end that it names."""

from __future__ import annotations

import pytest

from models.states import ReturnState, may_move
from tests.world import SHOPS
from workers.demo.returns import WAYS, Returns, Way

#: Where an action of the operator leads.
LEADS = {
    "approve": "awaiting_goods", "refuse": "refused", "receive": "received", "close": "sent_back", "withdraw": "closed",
    "refund": "refunded", "replace": "replaced", "exchange": "exchanged",
}  # fmt: skip
ORDER = {"lines": [{"line": "1", "sku": "TEE", "name": "Tee", "unit_price": 3_990}]}


@pytest.mark.parametrize(("shop", "way"), [(shop, way) for shop, ways in WAYS.items() for way in ways])
def test_each_way_is_one_of_the_terms_and_ends_as_it_says(shop: str, way: Way) -> None:
    terms = SHOPS[shop].returns.terms_for(way.reason)
    assert terms is not None
    assert way.remedy in terms.remedies
    returns = Returns({shop: [way]})
    asked = returns.request(shop, ORDER)
    assert asked is not None
    assert asked["lines"][0]["reason"] == way.reason
    returns.opened(shop, "1", "RT-1")
    assert returns.request(shop, ORDER) is None, "the shop has no other"
    state = "awaiting_goods" if terms.approve == "automatic" else "requested"
    one = {"return": "RT-1", "state": state, "waits_until": "2026-12-01", "lines": [{"line": "1"}]}
    while not returns.is_over(one):
        step = returns.step(one, ORDER)
        assert step is not None, one
        action, said = step
        inspected = "inspected" if said.get("passes") else "rejected"
        state = inspected if action == "inspect" else LEADS[action]
        assert action in ("approve", "inspect") or may_move("return", str(one["state"]), state)
        one |= {"state": state}
    assert one["state"] == way.ends


def test_the_ways_of_the_day_end_in_every_way_but_what_takes_longer() -> None:
    """Goods that never come make a return expire weeks later: those of the day are still awaited."""
    ends = {way.ends for ways in WAYS.values() for way in ways}
    lasting = {
        ReturnState.REFUSED,
        ReturnState.SENT_BACK,
        ReturnState.REFUNDED,
        ReturnState.REPLACED,
        ReturnState.EXCHANGED,
    }
    assert ends == lasting | {ReturnState.CLOSED, ReturnState.AWAITING_GOODS}


def test_nothing_is_asked_of_what_left_for_a_return() -> None:
    assert Returns().request("salon", {**ORDER, "replaces": "S-1"}) is None
