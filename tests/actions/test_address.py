"""The goods go elsewhere: until they leave, at the price that was agreed."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine

from pipelines.orders.intake import Ending
from tests.actions.orders import ELSEWHERE, authorized, released, two_lines
from tests.rules.build import shop_with
from tests.web.site import Site, fields, problem
from tests.world import SHOPS, World, document
from workers.mail.rendering import Renderer


def change(world: World, **changes: Any) -> str:
    ship_to = {**ELSEWHERE, **changes}
    world.tell(
        world.ask("order.change_address", "S-1", ship_to=ship_to, reason="moved", by="operations", operator=True)
    )
    world.settle()
    return str(world.value("SELECT state FROM inbox_event ORDER BY id DESC LIMIT 1"))


def test_a_supplier_that_was_told_is_told_the_new_address(world: World) -> None:
    """INT-09: a new instruction under a new key; the mail names the address, the days follow the region, the old one is kept."""
    released(world)
    before = world.show()["shipments"][0]
    assert change(world) == "applied"
    (now,) = world.show()["shipments"]
    assert (now["state"], now["dispatch_on"]) == ("instructed", before["dispatch_on"])
    assert now["arrive_on"] > before["arrive_on"]
    assert any("北海道" in one["says"] for one in now["because"])
    keys = [one.key for one in world.rows("SELECT key FROM effect WHERE kind = 'supplier.instruct' ORDER BY id")]
    assert keys == [f"{now['id']}:requested", f"{now['id']}:requested:2"]
    mails = {mail["X-Shukka-Template"]: mail for mail in world.postbox.mails}
    for template in ("address_changed", "supplier_instruction"):
        assert "北一条西1-1" in mails[template].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert world.value("SELECT before->>'region' FROM order_readdressing") == "愛知県"
    assert world.value("SELECT by FROM order_readdressing") == "operations"
    world.ship_all("S-1")
    assert world.broken() == {}


def test_one_that_was_not_is_told_it_alone(world: World) -> None:
    authorized(world)
    assert change(world) == "applied"
    (now,) = world.show()["shipments"]
    world.at(f"{now['dispatch_on']} 12:00:00")
    assert world.value("SELECT count(*) FROM effect WHERE kind = 'supplier.instruct'") == 1
    sent = world.postbox.mails[-1]
    assert sent["X-Shukka-Template"] == "supplier_instruction"
    assert "北一条西1-1" in sent.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert world.broken() == {}


def wishing(world: World, day: str, region: str = "愛知県", postal_code: str = "460-0008") -> None:
    order = document("S-1", delivery={"date": day, "slot": None}, locale="en")
    order["ship_to"] |= {"region": region, "postal_code": postal_code}
    world.take(order)
    world.settle()


def told_of_the_wish(world: World) -> list[str]:
    (now,) = world.show()["shipments"]
    return [one["says"] for one in now["because"] if one["rule"] == "desired_date"]


@pytest.mark.parametrize("at", ["2026-11-20 09:00:00", "2026-12-07 12:00:00"])
def test_a_longer_way_leaves_earlier_for_the_day_wished_for(world: World, at: str) -> None:
    """CUT-04, DLV-04: it was said to be impossible weeks before, and left on the old day."""
    wishing(world, "2026-12-10")
    world.at(at)
    assert change(world) == "applied"
    (now,) = world.show()["shipments"]
    assert (now["dispatch_on"], now["arrive_on"]) == ("2026-12-08", "2026-12-10")
    assert told_of_the_wish(world) == [
        "To arrive on the desired Thu 10 Dec 2026: planned for dispatch on Tue 8 Dec 2026."
    ]
    assert "request_not_met" not in world.postbox.templates()
    world.at("2026-12-08 08:00:00")
    assert world.show()["shipments"][0]["state"] == "instructed"
    assert world.broken() == {}


def test_where_that_day_is_over_the_customer_hears_of_it(world: World) -> None:
    wishing(world, "2026-12-10")
    world.at("2026-12-08 15:00:01")
    assert change(world) == "applied"
    (now,) = world.show()["shipments"]
    assert (now["dispatch_on"], now["arrive_on"]) == ("2026-12-09", "2026-12-11")
    assert "request_not_met" in world.postbox.templates()


def test_a_shorter_way_may_keep_a_day_that_was_missed(world: World) -> None:
    """The reasons said both."""
    wishing(world, "2026-11-22", "沖縄県", "900-0001")
    assert told_of_the_wish(world) == [
        "The desired Sun 22 Nov 2026 cannot be met; the earliest arrival is Mon 23 Nov 2026."
    ]
    assert change(world) == "applied"
    assert world.show()["shipments"][0]["arrive_on"] == "2026-11-22"
    assert told_of_the_wish(world) == [
        "To arrive on the desired Sun 22 Nov 2026: planned for dispatch on Fri 20 Nov 2026."
    ]


def test_the_same_order_again_is_still_the_same(world: World) -> None:
    """INT-18: what is compared is what was sent."""
    released(world)
    assert change(world) == "applied"
    (answer,) = world.submit(two_lines())
    assert answer.ending == Ending.REPEATED


def test_another_fee_is_another_order(engine: Engine, database_url: str, renderer: Renderer) -> None:
    """CAN-02, INT-04: the amount is agreed; to an individual it would have to be quoted, where a shop changes addresses at all."""
    changes = shop_with("clinic", **{"address_changes = false": "address_changes = true"})
    with World(engine, database_url, renderer, shops={**SHOPS, "clinic": changes}) as world:
        site = Site(world)
        site.order(document("C-1", shop="clinic"))
        world.settle()
        asked = {"ship_to": {**ELSEWHERE, "kind": "individual"}}
        assert fields(site.post("/v1/orders/clinic/C-1/address:change", asked, key=site.operator)) == ["ship_to"]
        site.close()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"postal_code": "0"}, "ship_to.postal_code"),
        ({"region": "Atlantis"}, "ship_to.region"),
        ({"country": "US"}, "ship_to.country"),
        ({"line1": ""}, "ship_to.line1"),
    ],
)
def test_an_address_that_intake_would_refuse_is_refused(site: Site, wrong: dict[str, Any], field: str) -> None:
    """INT-08."""
    released(site.world)
    asked = {"ship_to": {**ELSEWHERE, **wrong}}
    assert fields(site.post("/v1/orders/salon/S-1/address:change", asked, key=site.operator)) == [field]


def test_what_has_left_does_not_turn_round(world: World) -> None:
    released(world)
    world.ship_all("S-1")
    assert change(world) == "refused"


def test_the_address_that_it_has_is_no_change(world: World) -> None:
    released(world)
    assert change(world) == "applied"
    assert change(world) == "refused"


def test_the_new_instruction_says_which_one_it_replaces(world: World) -> None:
    world.enrol("supplier", "warehouse", url="https://warehouse.example/hook")
    released(world)
    assert change(world) == "applied"
    first, again = (one for one in world.suppliers.messages.values() if one.type == "shipment.requested")
    assert ("replaces" in first.data, again.data["replaces"]) == (False, first.key)


def test_its_mail_says_so_too(world: World) -> None:
    released(world)
    assert change(world) == "applied"
    asked = [mail for mail in world.postbox.mails if mail["X-Shukka-Template"] == "supplier_instruction"]
    texts = [str(mail.get_body(("plain",)).get_content()) for mail in asked]  # type: ignore[union-attr]
    assert ["差し替えてください" in text for text in texts] == [False, True]


def test_the_story_says_that_the_address_changed(world: World) -> None:
    released(world)
    assert change(world) == "applied"
    (row,) = (one for one in world.show()["timeline"] if one["entity"] == "address")
    assert (row["from"], row["to"], row["cause"]) == ("愛知県", "changed", "by operations: moved")


@pytest.mark.parametrize("shop", ["clinic", "reuse"])
def test_a_shop_that_changes_no_address_says_so(site: Site, shop: str) -> None:
    """CAN-02, INT-09: reuse delivers as it was ordered, and clinic changes nothing of a completed order."""
    site.world.take(document("R-1", shop=shop))
    site.world.settle()
    refused = site.post(f"/v1/orders/{shop}/R-1/address:change", {"ship_to": ELSEWHERE}, key=site.operator)
    shown = problem(refused, 409)
    assert ("CAN-02" in shown["detail"], shown["ways_out"]) == (True, ["cancel"])
