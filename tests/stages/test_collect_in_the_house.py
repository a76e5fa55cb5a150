"""Cash on delivery on real engines: what is received, returned, refused and taken by hand, with mails, money and points."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.rules.build import SHOPS, shop_with
from tests.world import World, document, tracking_number
from tests.world import a_line as a_line_of
from workers.mail.rendering import Renderer


@pytest.fixture
def world(engine: Engine, database_url: str, renderer: Renderer) -> Iterator[World]:
    """Reuse sells for cash on delivery; its warehouse leaves on the day."""
    with World(engine, database_url, renderer, shops={**SHOPS, "salon": shop_with("salon")}) as world:
        yield world


def on_delivery(world: World, *lines: dict[str, Any]) -> str:
    """A one-of-a-kind item, for cash; its shipment, which has left today."""
    world.take(document("S-1", *(lines or [a_line_of(availability="unique")]), payment={"method": "cod"}))
    world.settle()
    world.ship_all("S-1")
    return world.shipments()[0]


def told(world: World) -> list[str]:
    return [one["template"] for one in world.show()["mails"]]


def money(world: World) -> tuple[str, int]:
    shown = world.show()["payment"]
    return shown["state"], shown["captured"]


def test_an_order_is_done_only_once_its_money_is_in(world: World) -> None:
    shipment_id = on_delivery(world)
    assert world.states()["S-1"] == ("shipped", "running")
    assert {one["what"] for one in world.show()["awaits"]} == {"carrier.delivery", "carrier.collection"}
    world.tell(world.news("shipment.delivered", shipment_id))
    world.settle()
    assert (world.states()["S-1"], money(world)) == (("delivered", "done"), ("captured", 11_440))
    assert world.show()["awaits"] == []
    assert world.broken() == {}


def test_a_parcel_that_nobody_receives(world: World) -> None:
    """Left on 2026-11-20: reminded, cancelled on the 27th, counted; sold again only once it is back."""
    shipment_id = on_delivery(world)
    world.at("2026-11-24 10:00:00")
    assert told(world)[-1] == "cod_unclaimed"
    world.at("2026-11-26 23:59:59")
    assert world.states()["S-1"] == ("shipped", "running")
    world.at("2026-11-27 00:00:00")
    assert (world.states()["S-1"], money(world)) == (("cancelled", "done"), ("voided", 0))
    assert told(world).count("cod_unclaimed") == 1
    assert told(world)[-1] == "order_cancelled"
    text = next(one for one in world.postbox.mails if one["X-Shukka-Template"] == "order_cancelled")
    assert "ご返金" not in str(text.get_body(("plain",)).get_content())  # type: ignore[union-attr]
    assert world.value("SELECT count(*) FROM customer_mark WHERE kind = 'undelivered_returns'") == 1
    assert world.value("SELECT count(*) FROM unique_allocation") == 1
    assert [one["what"] for one in world.show()["awaits"]] == ["carrier.return"]
    assert world.broken() == {}
    world.tell(world.news("shipment.returned", shipment_id))
    world.settle()
    assert world.value("SELECT count(*) FROM unique_allocation") == 0
    assert world.value("SELECT count(*) FROM customer_mark WHERE kind = 'undelivered_returns'") == 1
    assert world.show()["awaits"] == []
    assert world.broken() == {}


def test_between_the_news_and_what_follows_from_it_nothing_is_wrong(world: World) -> None:
    """A backlog may lie between a parcel's return and the stage that frees its goods: that is work to do, and no fault."""
    shipment_id = on_delivery(world)
    world.at("2026-11-27 00:00:00")
    world.tell(world.news("shipment.returned", shipment_id))
    world.decide("notify")
    assert world.value("SELECT count(*) FROM unique_allocation") == 1
    assert world.broken() == {}
    world.settle()
    assert world.value("SELECT count(*) FROM unique_allocation") == 0


def test_an_unclaimed_parcel_that_does_not_come_back_is_looked_for(world: World) -> None:
    shipment_id = on_delivery(world)
    world.at("2026-12-20 00:00:00")
    assert world.states()["S-1"] == ("cancelled", "held")
    assert [one["reason"] for one in world.show()["holds"]] == ["return_overdue"]
    world.tell(world.news("shipment.returned", shipment_id))
    world.settle()
    assert world.states()["S-1"] == ("cancelled", "done")
    assert world.broken() == {}


@pytest.mark.parametrize(
    ("answer", "end", "paid"),
    [
        (("order.release", {}), ("delivered", "done"), ("captured", 11_440)),
        (("refund.by_hand", {"amount": 11_440, "reference": "T-1"}), ("cancelled", "done"), ("refunded", 11_440)),
    ],
    ids=["the sale stands", "the money goes back"],
)
def test_a_parcel_that_is_received_after_the_cancel(
    world: World, answer: tuple[str, dict[str, Any]], end: tuple[str, str], paid: tuple[str, int]
) -> None:
    """The carrier had it yet: what it collected is in the books, and a human says what becomes of the sale."""
    shipment_id = on_delivery(world)
    world.at("2026-11-27 00:00:00")
    world.tell(world.news("shipment.delivered", shipment_id))
    world.settle()
    assert (world.states()["S-1"], money(world)) == (("cancelled", "held"), ("captured", 11_440))
    assert [one["reason"] for one in world.show()["holds"]] == ["cod_after_cancel"]
    type_, body = answer
    world.tell(world.ask(type_, "S-1", operator="a", **body))
    world.settle()
    assert (world.states()["S-1"], money(world)) == (end, paid)
    assert world.broken() == {}


def test_the_way_back_was_no_delivery(world: World) -> None:
    """B.4.3."""
    shipment_id = on_delivery(world)
    world.at("2026-11-27 00:00:00")
    world.tell(world.news("shipment.delivered", shipment_id))
    world.settle()
    world.tell(world.news("shipment.returned", shipment_id))
    world.settle()
    assert (world.states()["S-1"], money(world)) == (("cancelled", "done"), ("voided", 0))
    assert world.broken() == {}


def test_money_that_nothing_brings_in_is_recorded_by_hand(world: World) -> None:
    shipment_id = on_delivery(world, a_line_of("1"), a_line_of("2"))
    number = tracking_number(44_441_375_870)
    world.tell(world.news("shipment.lost", shipment_id))
    world.settle()
    assert "cod_uncollected" in [one["reason"] for one in world.show()["holds"]]
    due = world.show()["totals"]["grand_total"]
    world.tell(world.ask("cod.collected", "S-1", amount=due - 1, reference=number, operator="a"))
    world.settle()
    assert money(world) == ("pending", 0)
    world.tell(world.ask("cod.collected", "S-1", amount=due, reference=number, operator="a"))
    world.settle()
    assert money(world) == ("captured", due)
    assert [one["reason"] for one in world.show()["holds"]] == ["transit_accident"]
    assert world.broken() == {}


def test_goods_that_came_back_refused_cost_nobody_anything(world: World) -> None:
    """A3: a refused parcel is taken back, and no money that was never taken is due back."""
    shipment_id = on_delivery(world)
    world.tell(world.news("shipment.tracking_updated", shipment_id, status="refused"))
    world.settle()
    world.tell(world.ask("order.return_lines", "S-1", lines=[{"line": "1", "quantity": 1}], operator="a"))
    world.settle()
    assert (world.states()["S-1"][1], money(world)) == ("done", ("voided", 0))
    assert "refund_done" not in told(world)
    (change,) = world.show()["adjustments"]
    assert (change["money"] > 0, change["refund"], change["return_invoice"]) == (True, 0, False)
    assert world.broken() == {}


def test_goods_that_were_paid_on_delivery_are_refunded_when_they_come_back(world: World) -> None:
    """TAX-01: then a refund is one, with its invoice."""
    shipment_id = on_delivery(world, a_line_of(unit_price=20_000))
    world.tell(world.news("shipment.delivered", shipment_id))
    world.settle()
    world.tell(world.ask("order.return_lines", "S-1", lines=[{"line": "1", "quantity": 1}], operator="a"))
    world.settle()
    (change,) = world.show()["adjustments"]
    assert (change["refund"], change["return_invoice"]) == (change["money"], True)
    assert change["refund"] > 0


@pytest.mark.parametrize(("spent", "ends"), [(0, "delivered"), (500, "cancelled")], ids=["still there", "spent since"])
def test_a_sale_that_stands_after_all_stands_with_its_points(world: World, spent: int, ends: str) -> None:
    """PTS-12: what was used is used again, what is earned is earned; where the customer has spent it, a person decides."""
    world.grant(1_000)
    world.take(document("S-1", payment={"method": "cod"}, points={"use": 1_000}))
    world.settle()
    world.ship_all("S-1")
    earned = sum(world.balance())
    world.at("2026-11-27 00:00:00")
    assert (world.states()["S-1"][0], world.balance()) == ("cancelled", (0, 1_000))
    if spent:
        world.take(document("S-2", points={"use": spent}, placed_at=world.clock.now().isoformat()))
    world.tell(world.news("shipment.delivered", world.shipments()[0]))
    world.settle()
    world.tell(world.ask("order.release", "S-1", operator="a"))
    world.settle()
    assert (world.states()["S-1"][0], world.broken()) == (ends, {})
    if spent:
        assert "has 500" in world.value("SELECT reason FROM inbox_event WHERE state = 'refused'")
        assert [one["reason"] for one in world.show()["holds"]] == ["cod_after_cancel"]
    else:
        assert sum(world.balance()) == earned
        told = [mail["template"] for mail in world.show()["mails"]]
        assert told.count("points_activated") == 2  # the cancel had taken those of the first away
