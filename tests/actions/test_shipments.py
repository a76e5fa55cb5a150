"""Acts about goods that have not left: another supplier, the same once more."""

from __future__ import annotations

from typing import Any

import pytest

from models.store import effect_items
from pipelines.orders.act import possible, standing
from pipelines.ports import Verdict
from tests.actions.orders import released
from tests.web.site import Site, fields, problem
from tests.world import World, a_line, document, tracking_number


def clinic(world: World, supplier: str = "maker-a", **changes: Any) -> str:
    """C-1: one line that a maker sends; its shipment."""
    world.take(document("C-1", a_line("1", 2, 3_000, supplier=supplier), shop="clinic", **changes))
    world.settle()
    (shipment,) = world.shipments("C-1", "clinic")
    return shipment


def act(world: World, type_: str, **body: Any) -> str:
    """What became of a request about C-1."""
    world.tell(world.ask(type_, "C-1", "clinic", by="operations", operator=True, **body))
    world.settle()
    return str(world.value("SELECT state FROM inbox_event ORDER BY id DESC LIMIT 1"))


def shown(world: World) -> Any:
    return world.show("C-1", "clinic")


def templates(world: World) -> list[str]:
    return [mail["template"] for mail in shown(world)["mails"]]


def told(world: World) -> list[tuple[str, str]]:
    """(key, state) of every instruction."""
    found = world.rows("SELECT key, state FROM effect WHERE kind = 'supplier.instruct' ORDER BY id")
    return [(one.key, one.state) for one in found]


def test_a_shipment_that_was_refused_goes_to_another_supplier(world: World) -> None:
    """S-1 of a maker who has nothing left: another one ships it, the first is told not to, and money and mails follow."""
    shipment = clinic(world)
    world.tell(world.news("shipment.refused", shipment, "maker-a", reason="sold out"))
    world.settle()
    assert world.states()["C-1"] == ("released", "held")
    assert act(world, "order.reroute", shipment=shipment, supplier="maker-b", reason="sold out") == "applied"
    (now,) = shown(world)["shipments"]
    assert (now["supplier"], now["state"], shown(world)["holds"]) == ("maker-b", "instructed", [])
    assert told(world) == [(f"{shipment}:requested", "done"), (f"{shipment}:requested:2", "done")]
    assert templates(world)[-2:] == ["supplier_cancel", "supplier_instruction"]
    cause = "given from maker-a to maker-b by operations"
    assert [m["cause"] for m in shown(world)["timeline"] if m["cause"] == cause]
    world.tell(world.shipped(shipment, "maker-b"))
    world.settle()
    assert world.states()["C-1"][0] == "shipped"
    assert world.broken() == {}


def test_the_former_supplier_has_no_say_any_more(world: World) -> None:
    """TRK-05: goods that it sends all the same are seen by a human, and no customer hears of them."""
    shipment = clinic(world)
    late = world.shipped(shipment, "maker-a")
    world.tell(late)
    world.tell(world.ask("order.reroute", "C-1", "clinic", shipment=shipment, supplier="maker-b", operator=True))
    world.decide("amend")
    world.settle()
    assert world.value("SELECT reason FROM inbox_event WHERE type = 'shipment.shipped'") == (
        "the shipment was given to maker-b meanwhile"
    )
    assert "shipment_shipped" not in templates(world)
    world.tell(world.news("shipment.acknowledged", shipment, "maker-a"))
    world.settle()
    assert shown(world)["shipments"][0]["state"] == "instructed"
    assert world.broken() == {}


def test_a_later_day_is_told(world: World) -> None:
    """CUT-01: given away after the cutoff, it leaves on the next open day, and the customer hears of it."""
    shipment = clinic(world)
    before = shown(world)["shipments"][0]["dispatch_on"]
    world.at("2026-11-20 20:00:00")
    assert act(world, "order.reroute", shipment=shipment, supplier="maker-b") == "applied"
    (now,) = shown(world)["shipments"]
    assert now["dispatch_on"] > before
    assert "dispatch_delayed" in templates(world)
    assert (now["state"], told(world)) == ("planned", [(f"{shipment}:requested", "done")])
    world.at(f"{now['dispatch_on']} 12:00:00")
    assert shown(world)["shipments"][0]["state"] == "instructed"
    assert world.broken() == {}


def test_an_instruction_under_way_is_not_told_to_the_wrong_supplier(world: World) -> None:
    """It was on its way to one that could not be reached: nobody gets it, and the new supplier gets its own, once."""
    world.suppliers.answers = [Verdict.RETRY]
    world.enrol("supplier", "maker-a", url="https://maker-a.example/hook")
    world.enrol("supplier", "maker-b", url="https://maker-b.example/hook")
    shipment = clinic(world)
    assert told(world) == [(f"{shipment}:requested", "pending")]
    assert act(world, "order.reroute", shipment=shipment, supplier="maker-b") == "applied"
    world.hurry()
    world.settle()
    assert told(world) == [(f"{shipment}:requested", "declined"), (f"{shipment}:requested:2", "done")]
    assert list(world.suppliers.messages) == [f"{shipment}:requested:2"]
    assert world.broken() == {}


def test_nothing_is_told_of_what_was_called_off_meanwhile(world: World) -> None:
    """CAN-04: an instruction that waited for its supplier when the order was cancelled."""
    world.suppliers.answers = [Verdict.RETRY]
    world.enrol("supplier", "maker-a", url="https://maker-a.example/hook")
    shipment = clinic(world)
    assert act(world, "order.cancel") == "applied"
    assert "supplier_cancel" in templates(world)
    world.hurry()
    world.settle()
    assert told(world) == [(f"{shipment}:requested", "declined")]
    assert world.suppliers.messages == {}
    assert world.broken() == {}


@pytest.mark.parametrize("answer", ["refused", "silent"])
def test_a_supplier_is_asked_once_more(world: World, answer: str) -> None:
    """Its instruction goes again under a new key, and its answer is waited for from then."""
    shipment = clinic(world)
    if answer == "refused":
        world.tell(world.news("shipment.refused", shipment, "maker-a", reason="sold out"))
    world.at("2026-11-24 10:00:00")
    assert act(world, "order.ask_again", shipment=shipment) == "applied"
    assert (world.states()["C-1"], told(world)[-1]) == (("released", "running"), (f"{shipment}:requested:2", "done"))
    (now,) = shown(world)["shipments"]
    assert (now["state"], now["dispatch_on"]) == ("instructed", "2026-11-24")
    assert world.value("SELECT told_at FROM shipment") == world.clock.now()
    assert templates(world).count("supplier_instruction") == 2
    assert world.broken() == {}


def test_of_what_was_refused_in_part_only_the_rest_is_asked_for_again(world: World) -> None:
    """What has left is not sent twice."""
    shipment = clinic(world)
    world.tell(world.shipped(shipment, "maker-a", lines=[{"line": "1", "quantity": 1}]))
    world.settle()
    world.tell(world.news("shipment.refused", shipment, "maker-a", reason="broken"))
    world.settle()
    assert act(world, "order.ask_again", shipment=shipment, reason="") == "applied"
    (effect,) = world.rows("SELECT id FROM effect WHERE key LIKE '%:requested:2'")
    with world.engine.connect() as connection:
        (row,) = effect_items.to_instruct(connection, [effect.id])
    assert [(one["line"], one["quantity"]) for one in row.lines] == [("1", 1)]


def test_for_the_rest_of_a_shipment_its_supplier_is_reminded(world: World) -> None:
    shipment = clinic(world)
    world.tell(world.shipped(shipment, "maker-a", lines=[{"line": "1", "quantity": 1}]))
    world.settle()
    assert act(world, "order.ask_again", shipment=shipment) == "applied"
    assert len(told(world)) == 1
    assert templates(world)[-1] == "supplier_overdue"
    assert world.value("SELECT told_at FROM shipment") == world.clock.now()
    assert world.broken() == {}


@pytest.mark.parametrize(
    ("supplier", "says"),
    [("maker-a", "has it already"), ("plastic", "plastic is not known; there is ")],
)
def test_a_supplier_that_cannot_be_meant_is_refused(world: World, supplier: str, says: str) -> None:
    """A misspelt name would quietly be mailed to the shop's operators."""
    shipment = clinic(world)
    assert act(world, "order.reroute", shipment=shipment, supplier=supplier) == "refused"
    assert says in world.value("SELECT reason FROM inbox_event ORDER BY id DESC LIMIT 1")


def test_what_has_left_in_part_is_not_given_away(world: World) -> None:
    released(world)
    (shipment,) = world.shipments()
    world.tell(world.shipped(shipment, lines=[{"line": "2", "quantity": 1}]))
    world.settle()
    world.tell(world.ask("order.reroute", "S-1", shipment=shipment, supplier="maker-a", operator=True))
    world.settle()
    assert "has left already" in world.value("SELECT reason FROM inbox_event WHERE type = 'order.reroute'")


def test_without_another_supplier_there_is_nobody_to_give_it_to(world: World) -> None:
    """What could only be asked wrongly is not said to be possible."""
    world.take(document("S-1"))
    world.settle()
    with world.engine.connect() as connection:
        facts = standing(connection, "salon", "S-1", world.clock.now())
    assert facts is not None
    found = {one.action.name: one.refusals for one in possible(facts, world.shops["salon"], world.clock.now())}
    (refusal,) = found["shipments:reroute"]
    assert refusal.says("en").startswith("No other supplier is known")
    assert refusal.ways_out == ("shipments:ask_again", "lines:cancel")
    world.tell(world.ask("order.reroute", "S-1", shipment=world.shipments()[0], supplier="maker-a", operator=True))
    world.settle()
    told: str = world.value("SELECT reason FROM inbox_event ORDER BY id DESC LIMIT 1")
    assert told.startswith("No other supplier is known"), "it ended in a list of nobody"


NUMBER = tracking_number(44_441_375_900)


def test_goods_that_left_by_word_of_mouth_are_shipped_like_any(site: Site) -> None:
    """TRK-05: a maker without a webhook calls; capture, mail and points follow as from its own news."""
    world = site.world
    shipment = clinic(world)
    path = "/v1/orders/clinic/C-1/shipments:ship"
    asked = {"shipment": shipment, "carrier": "クロネコヤマト", "tracking_number": NUMBER}
    part = {**asked, "lines": [{"line": "1", "quantity": 1}], "shipped_at": "2026-11-20T08:59:00+09:00"}
    assert site.post(path, {**part, "shipped_at": "2026-11-20T10:00:00+09:00"}, key=site.operator).status_code == 422
    world.at("2026-11-20 15:00:00")
    assert site.post(path, {**part, "shipped_at": "2026-11-20T14:00:00+09:00"}, key=site.operator).status_code == 202
    world.settle()
    assert world.states()["C-1"] == ("partly_shipped", "running")
    assert fields(site.post(path, {**part, "shipped_at": "2026-11-20T14:00:00+09:00"}, key=site.operator)) == [
        "tracking_number"
    ]
    rest = {**asked, "tracking_number": tracking_number(44_441_375_901)}
    assert site.post(path, rest, key=site.operator).status_code == 202
    world.settle()
    (now,) = shown(world)["shipments"]
    assert (now["state"], now["carrier"], len(now["parcels"])) == ("shipped", "yamato", 2)
    assert (world.states()["C-1"][0], shown(world)["payment"]["state"]) == ("shipped", "captured")
    assert templates(world).count("shipment_shipped") == 2
    assert problem(site.post(path, rest, key=site.operator), 409)["ways_out"] == ["lines:return"]
    assert world.broken() == {}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"tracking_number": f"{NUMBER[:-1]}{(int(NUMBER[-1]) + 1) % 7}"}, "tracking_number"),
        ({"tracking_number": None}, "tracking_number"),
        ({"shipped_at": "2026-11-20T09:00:01+09:00"}, "shipped_at"),
        ({"shipped_at": "2026-11-18T09:00:00+09:00"}, "shipped_at"),
        ({"lines": [{"line": "1", "quantity": 3}]}, "lines[0].quantity"),
        ({"lines": [{"line": "7", "quantity": 1}]}, "lines[0].line"),
        ({"lines": [{"line": "1", "quantity": 1}, {"line": "1", "quantity": 1}]}, "lines[1].line"),
        ({"carrier": "yamato\n"}, "carrier"),
    ],
)
def test_what_would_be_quarantined_is_refused_at_once(site: Site, wrong: dict[str, Any], field: str) -> None:
    """TRK-01, TRK-03: an operator hears of a slip while the supplier is still on the telephone."""
    shipment = clinic(site.world)
    asked = {"shipment": shipment, "carrier": "yamato", "tracking_number": NUMBER, **wrong}
    assert fields(site.post("/v1/orders/clinic/C-1/shipments:ship", asked, key=site.operator)) == [field]
    assert site.world.value("SELECT count(*) FROM inbox_event") == 0


def test_another_customers_number_is_refused_at_once(site: Site) -> None:
    """TRK-03."""
    world = site.world
    shipment = clinic(world)
    world.take(document("C-2", a_line("1", 1, 3_000, supplier="maker-a"), shop="clinic", customer="M-2"))
    world.settle()
    (other,) = world.shipments("C-2", "clinic")
    world.tell(world.shipped(other, "maker-a", tracking_number=NUMBER))
    world.settle()
    asked = {"shipment": shipment, "carrier": "yamato", "tracking_number": NUMBER}
    refused = problem(site.post("/v1/orders/clinic/C-1/shipments:ship", asked, key=site.operator), 422)
    assert f"is that of {other}" in refused["errors"][0]["message"]


def test_a_supplier_cannot_speak_as_an_operator(site: Site) -> None:
    shipment = clinic(site.world)
    said = {"type": "order.ship", "timestamp": "2026-11-20T09:00:00+09:00", "data": {"shipment": shipment}}
    assert site.hook(said, sender="maker-a").status_code == 202
    site.world.settle()
    assert site.world.value("SELECT state FROM inbox_event") == "quarantined"
