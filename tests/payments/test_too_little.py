"""What is left of an order once most of it was taken out may be less than a gateway takes: it is never asked for (PAY-13)."""

from __future__ import annotations

from tests.world import World, a_line, document

TOTAL = 11_044


def short(world: World, number: str = "S-1") -> None:
    world.take(document(number, a_line("1", 1, 40), a_line("2", 1, 10_000)))
    world.settle()
    assert world.show(number)["payment"]["authorized"] == TOTAL
    world.tell(world.ask("order.cancel_lines", number, lines=[{"line": "2", "quantity": 1}], reason="sold out"))
    world.settle()


def test_it_is_let_go_once_its_goods_have_left(world: World) -> None:
    """Nobody is asked to run after 44 yen: the hold on the card ends, the books have them as the shop's gift, the order is done."""
    short(world)
    world.ship_all("S-1")
    shown = world.show()
    assert (shown["state"], shown["condition"], shown["hold"]) == ("shipped", "done", [])
    assert (shown["payment"]["state"], shown["payment"]["captured"]) == ("voided", 0)
    assert [(one["kind"], one["money"]) for one in shown["adjustments"]] == [("short", 11_000), ("goodwill", 44)]
    assert [key for key in world.gateway.calls if "capture" in key] == []
    assert "refund_done" not in world.postbox.templates()
    assert world.broken() == {}
    world.hurry()
    world.wake("collect", "settle", "notify", "reward")
    world.settle()
    assert len(world.show()["adjustments"]) == 2, "once"
    assert world.broken() == {}


def test_it_is_let_go_for_each_order(world: World) -> None:
    """One after the other and two at once: what was let go of one order says nothing of another."""
    for number in ("S-1", "S-2", "S-3"):
        short(world, number)
    world.ship_all("S-1")
    world.ship_all("S-2", "S-3")
    for number in ("S-1", "S-2", "S-3"):
        shown = world.show(number)
        assert (shown["state"], shown["condition"], shown["payment"]["state"]) == ("shipped", "done", "voided")
        assert [(one["kind"], one["money"]) for one in shown["adjustments"]] == [("short", 11_000), ("goodwill", 44)]
    assert world.broken() == {}


def test_goods_that_come_back_after_it_was_let_go_bring_nobody_money(world: World) -> None:
    short(world)
    world.ship_all("S-1")
    body = {"lines": [{"line": "1", "quantity": 1}], "reason": "unwanted", "fault": "customer"}
    world.tell(world.ask("order.return_lines", "S-1", **body))
    world.settle()
    shown = world.show()
    assert (shown["payment"]["refunded"], shown["hold"]) == (0, [])
    assert sum(one["money"] for one in shown["adjustments"]) == TOTAL
    assert world.broken() == {}


def test_what_a_gateway_takes_is_captured(world: World) -> None:
    """PAY-13: from 50 yen on."""
    world.take(document("S-1", a_line("1", 1, 46), a_line("2", 1, 10_000)))
    world.settle()
    world.tell(world.ask("order.cancel_lines", "S-1", lines=[{"line": "2", "quantity": 1}], reason="sold out"))
    world.settle()
    world.ship_all("S-1")
    assert world.show()["payment"]["captured"] == 50
    assert [one["kind"] for one in world.show()["adjustments"]] == ["short"]


def test_what_is_taken_out_while_the_whole_is_captured_goes_back_whole(world: World) -> None:
    """The gateway has not answered yet: nothing is let go beside it."""
    world.take(document("S-1", a_line("1", 1, 40), a_line("2", 1, 10_000)))
    world.settle()
    (shipment,) = world.shipments()
    world.tell(world.shipped(shipment, lines=[{"line": "1", "quantity": 1}]))
    world.decide()
    world.tell(world.ask("order.cancel_lines", "S-1", lines=[{"line": "2", "quantity": 1}], reason="sold out"))
    world.decide()
    world.settle()
    shown = world.show()
    assert (shown["payment"]["captured"], shown["payment"]["refunded"]) == (TOTAL, 11_000)
    assert [one["kind"] for one in shown["adjustments"]] == ["short"]
    assert world.broken() == {}
