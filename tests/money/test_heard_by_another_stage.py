"""What a gateway answered is heard by the stage that acts on it, whichever is decided first: a deposit that nobody awaits keeps no money
back and no mail."""

from __future__ import annotations

from typing import Any

from tests.world import World, a_line, document

LINES = (a_line("1", 1, 6_000), a_line("2", 1, 4_000, supplier="maker-a"))


def test_a_refund_is_told_although_a_stray_deposit_came_first(world: World) -> None:
    world.take(document("S-1", *LINES))
    world.settle()
    world.ship_all("S-1")
    return_line(world)
    world.decide("returns")
    world.perform("payment.refund")
    stray_deposit_first(world)
    assert world.show()["payment"]["refunded"] == 4_400
    assert world.postbox.templates("salon/S-1").count("refund_done") == 1
    assert world.broken() == {}


def test_what_was_captured_too_much_goes_back_although_a_stray_deposit_came_first(world: World) -> None:
    """The line came back while the capture was under way."""
    world.take(document("S-1", *LINES))
    world.settle()
    world.tell(*(world.shipped(one["id"], one["supplier"]) for one in world.show()["shipments"]))
    world.decide("notify")
    return_line(world)
    world.decide("returns")
    world.perform("payment.capture")
    stray_deposit_first(world)
    payment: dict[str, Any] = world.show()["payment"]
    assert (payment["captured"], payment["refunded"]) == (11_000, 4_400)
    assert world.broken() == {}


def return_line(world: World) -> None:
    world.tell(world.ask("order.return_lines", "S-1", lines=[{"line": "2", "quantity": 1}], fault="shop"))


def stray_deposit_first(world: World) -> None:
    """A deposit for an order that awaits none is decided before the gateway's answer is."""
    world.tell(world.deposit("S-1", 501))
    world.decide("authorize")
    world.settle()
