"""What may be asked of an order: what is said to be possible is, what is not is refused, and what is shown happens."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.orders.act import Asker, Asking, action_named, actions, look, possible, preview, standing
from pipelines.orders.action import About
from tests.actions.orders import STANDS, Stand, cancelled, held, request_for, settled
from tests.web.site import Site, problem
from tests.world import World, a_line, document

OPERATOR = Asker("client:1", "operations", "operator")


#: Where what is not possible is answered otherwise: asked for already, or without a piece that could be named.
OTHERWISE = {
    (cancelled, "cancel"): 202,
    (settled, "lines:return"): 422,
    (settled, "returns"): 422,
}


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
    of_shipments = {action.name for action in actions() if action.about == About.SHIPMENT}
    of_returns = {action.name for action in actions() if action.about == About.RETURN}  # there is none: tests/returns
    left_out = of_returns | (set() if world.shipments() else of_shipments)
    assert set(found) | left_out == {action.name for action in actions()}


def test_each_that_is_not_says_why(world: World) -> None:
    """CAN-02, CPN-03, INT-13."""
    settled(world)
    assert offered(world) == {
        "address:change": ("INT-09",),
        "cancel": ("CAN-06",),
        "collected": ("PAY-09",),
        "mails:resend": (),
        "coupons": ("CPN-03",),
        "fee:agree": ("INT-04",),
        "lines:cancel": ("INT-13",),
        "lines:return": ("All that has left has come back or was settled.",),
        "pickup:arrived": ("STO-01",),
        "pickup:bought": ("STO-01",),
        "pickup:sent_back": ("STO-01",),
        "pickup:visit": ("STO-01",),
        "refunds": ("Nothing is due back: what was captured is what the order comes to, or a refund is on its way.",),
        "refunds:goodwill": (),  # the return fee was kept
        "release": ("The order is done: nothing holds it.",),
        "returns": ("All that has left has come back or was settled.",),
        "shipments:ask_again": ("Now the order is shipped: nothing of it waits to be sent.",),
        "shipments:ship": ("Now the order is shipped: nothing of it waits to be sent.",),
        "shipments:reroute": ("Now the order is shipped: nothing of it waits to be sent.",),
    }


def test_a_customer_may_ask_for_a_cancel_and_for_a_return_alone_where_nothing_is_called_to_a_store(
    world: World,
) -> None:
    held(world)
    refused = "Now the order is accepted: only goods that have left can be returned."
    assert offered(world, "storefront") == {"cancel": (), "returns": (refused,), "pickup:visit": ("STO-01",)}


@pytest.mark.parametrize("stand", STANDS, ids=lambda stand: stand.__name__)
def test_the_door_does_what_is_said(site: Site, stand: Stand) -> None:
    """202 for what is possible; for what is not 409 in the same words and with the same ways out, or 422 where no piece could
    be named, and nothing is kept."""
    stand(site.world)

    def answer(action: str) -> Any:
        return site.post(f"/v1/orders/salon/S-1/{action}", request_for(site.world, action), key=site.operator)

    shown = site.get("/v1/orders/salon/S-1", key=site.operator).json()
    kept = site.world.value("SELECT count(*) FROM inbox_event")
    for one in (one for one in shown["actions"] if not one["possible"]):
        refused, says = answer(one["name"]), one["refusals"][0]
        if (status := OTHERWISE.get((stand, one["name"]))) is not None:
            assert refused.status_code == status
            continue
        detail = f"{says['says']} ({says['rule']})" if says["rule"] else says["says"]
        assert problem(refused, 409)["detail"] == detail
        assert refused.json().get("ways_out", []) == says["ways_out"]
        assert set(says["ways_out"]) <= STANDS[stand], "a way out leads somewhere"
    assert site.world.value("SELECT count(*) FROM inbox_event") == kept
    taken = {one["name"]: answer(one["name"]).status_code for one in shown["actions"] if one["possible"]}
    assert taken == dict.fromkeys(STANDS[stand], 202) | dict.fromkeys(STANDS[stand] & {"returns"}, 201)


def asking(world: World, action: str) -> Asking:
    chosen = action_named(action)
    return Asking(chosen, "salon", "S-1", chosen.read(request_for(world, action)), OPERATOR)


@pytest.mark.parametrize(
    ("stand", "action"),
    [(stand, action) for stand, open_to in STANDS.items() for action in sorted(open_to)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_is_shown_is_what_happens(world: World, stand: Stand, action: str) -> None:
    """A preview is the stage's own decision: its moves and mails are those that follow, and it changes nothing."""
    stand(world)
    request = asking(world, action)
    before = (len(world.show()["timeline"]), len(world.show()["mails"]))
    with world.engine.connect() as connection:
        facts = standing(connection, "salon", "S-1", world.clock.now(), asking=request)
        assert facts is not None
        shown = preview(facts, world.shops["salon"], request, world.clock.now(), "en")
        event = look(connection, world.shops, request, world.clock.now(), "en").event
    assert (len(world.show()["timeline"]), len(world.show()["mails"])) == before
    assert event is not None
    assert shown.moves or shown.mails or shown.resent or shown.adjustments or shown.payment, (
        "what is possible changes something"
    )
    world.tell(event)
    world.decide(
        "notify", "cancel", "reprice", "adjust", "amend", "returns", "settle", "attend", "collect", "pull_in", "resend"
    )
    after = world.show()
    happened = [(m["entity"], m["from"], m["to"], m["cause"]) for m in after["timeline"][before[0] :]]
    moves = [m for m in happened if m[0] not in ("lot", "goodwill", "price", "address", "visit")]
    assert sorted(moves) == sorted((m.entity, m.old, m.new, m.cause) for m in shown.moves if m.entity != "lot")
    assert [m["template"] for m in after["mails"][before[1] :]] == [
        *(m.template for m in shown.mails),
        *(m["template"] for copy in shown.resent for m in after["mails"] if m["id"] == copy.id),
    ]
    assert world.value("SELECT state FROM inbox_event ORDER BY id DESC LIMIT 1") == "applied"
    assert world.broken() == {}


def test_operators_read_their_own_language_and_customers_the_orders(site: Site) -> None:
    """An order of a customer who reads English refuses in English; the shop's people choose by Accept-Language."""
    path = "/v1/orders/salon/S-1"
    site.order(document("S-1", locale="en"))
    site.world.settle()
    assert "can no longer be cancelled" in problem(site.post(f"{path}/cancel"), 409)["detail"]
    assert "actions" not in site.get(path).json()
    site.world.ship_all("S-1")
    for language, says in (("ja-JP,en;q=0.5", "すでに発送"), ("en", "have left"), ("fr", "have left")):
        headers = {"accept-language": language}
        refused = problem(site.post(f"{path}/cancel", key=site.operator, headers=headers), 409)
        assert (says in refused["detail"], "CAN-06" in refused["detail"]) == (True, True)
        assert refused["ways_out"] == ["lines:return"]
        actions_shown = site.get(path, key=site.operator, headers=headers).json()["actions"]
        (refusal,) = next(one["refusals"] for one in actions_shown if one["name"] == "cancel")
        assert says in refusal["says"]
        assert (refusal["rule"], refusal["ways_out"]) == ("CAN-06", ["lines:return"])


def test_an_operators_cancel_stops_whoever_was_told(world: World) -> None:
    """CAN-04, CAN-06: one supplier refused, one has its instruction, one is not told yet; none of them is to ship any more, and
    goods that leave all the same are seen."""
    now, later = a_line("1", 1, 6_000, supplier="maker-a"), {"availability": "backorder", "expected_on": "2026-12-10"}
    lines = (now, a_line("2", 1, 2_000, supplier="maker-b"), a_line("3", 1, 900, supplier="maker-b", **later))
    world.take(document("C-1", *lines, shop="clinic"))
    world.settle()
    by_line = {one["lines"][0]["line"]: one["id"] for one in world.show("C-1", "clinic")["shipments"]}
    assert len(by_line) == 3
    world.tell(world.news("shipment.refused", by_line["1"], "maker-a", reason="sold out"))
    world.settle()
    world.tell(world.ask("order.cancel", "C-1", "clinic", operator=True))
    world.settle()
    shown = world.show("C-1", "clinic")
    assert world.states()["C-1"] == ("cancelled", "done")
    assert {one["state"] for one in shown["shipments"]} == {"cancelled"}
    told = [(m["template"], m["shipment"]) for m in shown["mails"] if m["template"] == "supplier_cancel"]
    assert told == [("supplier_cancel", by_line["2"])]
    assert shown["payment"]["state"] == "voided"
    assert world.broken() == {}
    world.tell(world.shipped(by_line["2"], "maker-b"))
    world.settle()
    assert world.show("C-1", "clinic")["holds"][0]["reason"] == "shipped_after_cancel"
    assert world.broken() == {}
