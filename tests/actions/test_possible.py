"""What may be asked of an order: what is said to be possible is, what is not is refused, and what is shown happens."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.orders.act import Asker, Asking, action_named, actions, look, possible, preview, standing
from tests.actions.orders import REQUESTS, STANDS, Stand, cancelled, held, settled
from tests.web.site import Site, problem
from tests.world import World, document

OPERATOR = Asker("client:1", "operations", "operator")


def offered(world: World, role: str = "operator") -> dict[str, tuple[str, ...]]:
    """By action, the rules or sentences that refuse it."""
    with world.engine.connect() as connection:
        facts = standing(connection, "salon", "S-1", world.clock.now())
    assert facts is not None
    found = possible(facts, world.shops["salon"], world.clock.now(), role=role)
    return {action.name: tuple(one.rule or one.says("en") for one in refusals) for action, _, refusals in found}


@pytest.mark.parametrize("stand", STANDS, ids=lambda stand: stand.__name__)
def test_what_is_possible_as_an_order_stands(world: World, stand: Stand) -> None:
    stand(world)
    found = offered(world)
    assert {name for name, refused in found.items() if not refused} == STANDS[stand]
    assert set(found) == {action.name for action in actions()}


def test_each_that_is_not_says_why(world: World) -> None:
    """CAN-02, CPN-03, INT-13."""
    settled(world)
    assert offered(world) == {
        "cancel": ("CAN-06",),
        "collected": ("PAY-09",),
        "coupons": ("CPN-03",),
        "lines:cancel": ("INT-13",),
        "lines:return": ("All that has left has come back or was settled.",),
        "refunds": ("Nothing is due back: what was captured is what the order comes to, or a refund is on its way.",),
        "release": ("The order is done: nothing holds it.",),
    }


def test_a_customer_may_ask_for_a_cancel_alone(world: World) -> None:
    held(world)
    assert offered(world, "storefront") == {"cancel": ()}


@pytest.mark.parametrize("stand", STANDS, ids=lambda stand: stand.__name__)
def test_the_door_does_what_is_said(site: Site, stand: Stand) -> None:
    """202 for what is possible; for what is not 409, or 422 where no piece could be named, and nothing is kept."""
    stand(site.world)

    def answer(action: str) -> int:
        return site.post(f"/v1/orders/salon/S-1/{action}", dict(REQUESTS[action]), key=site.operator).status_code

    shown = site.get("/v1/orders/salon/S-1", key=site.operator).json()
    kept = site.world.value("SELECT count(*) FROM inbox_event")
    refused = {one["name"]: answer(one["name"]) for one in shown["actions"] if not one["possible"]}
    otherwise = {(cancelled, "cancel"): 202, (settled, "lines:return"): 422}
    assert refused == {name: otherwise.get((stand, name), 409) for name in refused}
    assert site.world.value("SELECT count(*) FROM inbox_event") == kept
    assert all(says["says"] for one in shown["actions"] for says in one["refusals"])
    taken = {one["name"]: answer(one["name"]) for one in shown["actions"] if one["possible"]}
    assert taken == dict.fromkeys(STANDS[stand], 202)


def asking(action: str, key: str | None = None, **request: Any) -> Asking:
    chosen = action_named(action)
    return Asking(chosen, "salon", "S-1", chosen.read(request or dict(REQUESTS[action])), OPERATOR, key)


@pytest.mark.parametrize(
    ("stand", "action"),
    [(stand, action) for stand, open_to in STANDS.items() for action in sorted(open_to)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_is_shown_is_what_happens(world: World, stand: Stand, action: str) -> None:
    """A preview is the stage's own decision: its moves and mails are those that follow, and it changes nothing."""
    stand(world)
    request = asking(action)
    before = (len(world.show()["timeline"]), len(world.show()["mails"]))
    with world.engine.connect() as connection:
        facts = standing(connection, "salon", "S-1", world.clock.now(), request.action)
        assert facts is not None
        shown = preview(facts, world.shops["salon"], request, world.clock.now(), "en")
        event = look(connection, world.shops, request, world.clock.now(), "en").event
    assert (len(world.show()["timeline"]), len(world.show()["mails"])) == before
    assert event is not None
    world.tell(event)
    world.decide("cancel", "reprice", "adjust", "returns", "settle", "attend", "collect")
    after = world.show()
    happened = [(m["entity"], m["from"], m["to"], m["cause"]) for m in after["timeline"][before[0] :]]
    assert sorted(m for m in happened if m[0] != "lot") == sorted(
        (m.entity, m.old, m.new, m.cause) for m in shown.moves if m.entity != "lot"
    )
    assert [m["template"] for m in after["mails"][before[1] :]] == [m.template for m in shown.mails]
    assert world.broken() == {}


def test_operators_read_their_own_language_and_customers_the_orders(site: Site) -> None:
    """An order of a customer who reads English refuses in English; the shop's people choose by Accept-Language."""
    path = "/v1/orders/salon/S-1"
    site.order(document("S-1", locale="en"))
    site.world.settle()
    assert "can no longer be cancelled" in problem(site.post(f"{path}/cancel"), 409)["detail"]
    assert "actions" not in site.get(path).json()
    for language, says in (("ja-JP,en;q=0.5", "商品はすでに"), ("en", "handed over"), ("fr", "handed over")):
        headers = {"accept-language": language}
        detail = problem(site.post(f"{path}/cancel", key=site.operator, headers=headers), 409)["detail"]
        assert (says in detail, "CAN-06" in detail) == (True, True)
        actions_shown = site.get(path, key=site.operator, headers=headers).json()["actions"]
        (refusal,) = next(one["refusals"] for one in actions_shown if one["name"] == "cancel")
        assert says in refusal["says"]
        assert (refusal["rule"], refusal["ways_out"]) == ("CAN-06", ["lines:cancel", "lines:return"])
