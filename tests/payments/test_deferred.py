"""Payment after delivery (後払い, B.6.9): checked at the order, paid by the provider once it knows the parcel's number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.rules.build import SHOPS, shop_with
from tests.world import World, a_line, document, tracking_number
from workers.mail.rendering import Renderer

SALON = shop_with("salon", **{"methods.local = [": 'gateways.deferred = "sandbox"\nmethods.local = ["deferred", '})
NUMBERS = [tracking_number(44_441_376_000 + n) for n in range(3)]


@pytest.fixture
def world(engine: Engine, database_url: str, renderer: Renderer) -> Iterator[World]:
    with World(engine, database_url, renderer, shops={**SHOPS, "salon": SALON}) as world:
        yield world


def ordered(world: World, *lines: dict[str, Any], **payment: str) -> None:
    """S-1, to be paid after delivery."""
    world.take(document("S-1", *(lines or (a_line("1", 1, 6_000),)), payment={"method": "deferred", **payment}))
    world.settle()


def reports(world: World) -> list[tuple[str, str, str]]:
    """(key, number, state) of everything that was reported."""
    rows = world.rows("SELECT key, payload, state FROM effect WHERE kind = 'payment.report' ORDER BY id")
    return [(row.key, row.payload["tracking_number"], row.state) for row in rows]


def money(world: World) -> tuple[str, int]:
    shown = world.show()["payment"]
    return shown["state"], shown["captured"]


def test_the_goods_go_once_the_credit_is_granted_and_the_shop_is_paid_once_they_left(world: World) -> None:
    ordered(world)
    assert (money(world), reports(world)) == (("authorized", 0), [])
    (shipment,) = world.shipments()
    world.tell(world.shipped(shipment, tracking_number=NUMBERS[0]))
    world.settle()
    assert reports(world) == [("salon/S-1:report", NUMBERS[0], "done")]
    assert money(world) == ("captured", world.show()["totals"]["grand_total"])
    assert world.gateway.calls["salon/S-1:capture"] == 0, "the shop captures nothing"
    assert world.broken() == {}


def test_a_corrected_number_is_reported_again_under_another_key(world: World) -> None:
    ordered(world)
    (shipment,) = world.shipments()
    world.tell(world.shipped(shipment, tracking_number=NUMBERS[0]))
    world.settle()
    world.clock.advance(minutes=1)
    was = {"previous_tracking_number": NUMBERS[0]}
    world.tell(world.news("shipment.tracking_corrected", shipment, carrier="yamato", tracking_number=NUMBERS[1], **was))
    world.settle()
    assert reports(world) == [
        ("salon/S-1:report", NUMBERS[0], "done"),
        ("salon/S-1:report:2", NUMBERS[1], "done"),
    ]
    assert money(world) == ("captured", world.show()["totals"]["grand_total"])


def test_customers_read_that_an_invoice_comes_after_dispatch(world: World) -> None:
    ordered(world)
    world.ship_all("S-1")
    for template in ("order_accepted", "shipment_shipped"):
        (mail,) = [one for one in world.postbox.mails if one["X-Shukka-Template"] == template]
        for kind in ("plain", "html"):
            part = mail.get_body((kind,))
            assert part is not None
            assert "請求書の発行から14日以内" in part.get_content()


def test_only_the_first_parcel_is_reported(world: World) -> None:
    ordered(world, a_line("1", 2, 6_000))
    (shipment,) = world.shipments()
    for number in NUMBERS[:2]:
        world.tell(world.shipped(shipment, tracking_number=number, lines=[{"line": "1", "quantity": 1}]))
        world.settle()
        world.clock.advance(minutes=1)
    assert [number for _, number, _ in reports(world)] == NUMBERS[:1]


def test_a_report_that_is_declined_is_held_until_it_was_paid_another_way(world: World) -> None:
    ordered(world)
    (card,) = world.gateway.cards.values()
    card.voided = True  # the provider took its credit back
    world.tell(world.shipped(world.shipments()[0], tracking_number=NUMBERS[0]))
    world.settle()
    (hold,) = world.show()["hold"]
    assert (hold["reason"], world.states()["S-1"]) == ("capture_failed", ("shipped", "held"))
    world.tell(world.ask("order.release", "S-1", reason="paid by transfer"))
    world.settle()
    assert world.show()["hold"] == []
    assert money(world) == ("captured", world.show()["totals"]["grand_total"])


def test_a_cancel_releases_the_credit_and_a_refusal_ends_the_order(world: World) -> None:
    world.take(document("S-1", payment={"method": "deferred"}))
    world.decide("accept", "authorize")
    world.perform("payment.authorize")
    world.tell(world.ask("order.cancel", "S-1", operator=True))
    world.settle()
    assert (world.states()["S-1"][0], money(world)) == ("cancelled", ("voided", 0))
    world.take(document("S-2", a_line("1", 1, 6_000), payment={"method": "deferred", "token": "tok_declined"}))
    world.settle()
    assert world.states()["S-2"][0] == "cancelled"
    assert "payment_failed" in world.postbox.templates("salon/S-2")


def test_what_comes_back_is_given_back_by_the_provider(world: World) -> None:
    ordered(world, a_line("1", 1, 6_000), a_line("2", 1, 4_000))
    world.ship_all("S-1")
    world.tell(world.ask("order.return_lines", "S-1", lines=[{"line": "2", "quantity": 1}], fault="shop"))
    world.settle()
    assert world.show()["payment"]["refunded"] == 4_400
    assert world.show()["hold"] == []


@pytest.mark.parametrize(("price", "problem"), [(50_000, None), (50_001, "payment.method")])
def test_it_carries_fifty_five_thousand_yen(world: World, price: int, problem: str | None) -> None:
    """50,000 yen are 55,000 with tax."""
    asked = document("S-1", a_line("1", 1, price), payment={"method": "deferred"})
    (answer,) = world.submit(asked)
    assert [one.field for one in answer.problems] == ([problem] if problem else [])
