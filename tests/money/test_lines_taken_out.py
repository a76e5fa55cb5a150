"""INT-13: lines taken out of an order before they left, through the real engine: money, points, goods and people."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.rules.build import at
from tests.world import World, a_line, document


def two_lines(number: str = "S-1", **changes: Any) -> dict[str, Any]:
    """6,000 and 4,000 yen from two suppliers, shipped free: 11,000 yen with tax, 100 points."""
    lines = (a_line("1", 1, 6_000), a_line("2", 2, 2_000, supplier="mihon"))
    return document(number, *lines, **changes)


def ask(world: World, *lines: tuple[str, int], number: str = "S-1", settle: bool = True) -> None:
    """An operator takes (line, pieces) out."""
    asked = [{"line": line, "quantity": quantity} for line, quantity in lines]
    world.tell(world.ask("order.cancel_lines", number, lines=asked, reason="out of stock"))
    if settle:
        world.settle()


def shipment_of(world: World, supplier: str) -> str:
    """The id of S-1's shipment from ``supplier``."""
    return next(s["id"] for s in world.show()["shipments"] if s["supplier"] == supplier)


def ship_rest(world: World) -> None:
    """Suppliers ship what is left of S-1."""
    live = [s for s in world.show()["shipments"] if s["state"] not in ("cancelled", "shipped")]
    world.tell(*(world.shipped(s["id"], s["supplier"]) for s in live))
    world.settle()


def money(world: World, number: str = "S-1") -> tuple[str, int, int]:
    """(state, captured, refunded)."""
    shown = world.show(number)["payment"]
    return shown["state"], shown["captured"], shown["refunded"]


def ending(world: World) -> tuple[str, str]:
    """What became of the operator's word."""
    row = world.rows("SELECT state, reason FROM inbox_event WHERE type = 'order.cancel_lines' ORDER BY id DESC")[0]
    return row.state, row.reason or ""


@pytest.fixture
def placed(world: World) -> World:
    """The order is authorized and both suppliers are told."""
    world.take(two_lines())
    world.settle()
    return world


def test_before_the_capture_less_is_captured(placed: World) -> None:
    ask(placed, ("2", 2))
    ship_rest(placed)
    assert money(placed) == ("captured", 6_600, 0)
    assert placed.states() == {"S-1": ("shipped", "done")}
    assert placed.balance() == (0, 60)
    assert placed.broken() == {}


def test_after_the_capture_the_rest_is_refunded_and_told(placed: World) -> None:
    placed.tell(placed.shipped(shipment_of(placed, "warehouse")))
    placed.settle()
    assert money(placed) == ("captured", 11_000, 0)
    ask(placed, ("2", 1))
    assert money(placed) == ("partly_refunded", 11_000, 2_200)
    ask(placed, ("2", 1))
    assert money(placed) == ("partly_refunded", 11_000, 4_400)
    assert placed.states() == {"S-1": ("shipped", "done")}
    assert placed.postbox.templates("salon/S-1").count("refund_done") == 2
    assert placed.postbox.templates("salon/S-1").count("order_short") == 2
    assert placed.balance() == (0, 60)
    assert placed.broken() == {}


def test_a_capture_on_its_way_is_made_good(placed: World) -> None:
    """The lines are taken out while the gateway captures the whole sum."""
    placed.tell(placed.shipped(shipment_of(placed, "warehouse")))
    placed.decide("notify")
    ask(placed, ("2", 2), settle=False)
    placed.decide("adjust")
    placed.settle()
    assert money(placed) == ("partly_refunded", 11_000, 4_400)
    assert placed.broken() == {}


def test_an_order_without_any_line_left_is_cancelled(placed: World) -> None:
    ask(placed, ("1", 1))
    ask(placed, ("2", 2))
    assert placed.states() == {"S-1": ("cancelled", "done")}
    assert money(placed) == ("voided", 0, 0)
    assert placed.balance() == (0, 0)
    assert "order_cancelled" in placed.postbox.templates("salon/S-1")
    assert placed.broken() == {}


def test_a_suppliers_shortage_is_answered_by_taking_the_lines_out(placed: World) -> None:
    """INT-13: held for a human, who takes out what is missing; the supplier is not told what it said itself."""
    missing = shipment_of(placed, "mihon")
    placed.tell(placed.news("shipment.short", missing, "mihon", lines=[{"line": "2", "quantity": 1}]))
    placed.settle()
    assert placed.states()["S-1"][1] == "held"
    ask(placed, ("2", 1))
    assert placed.states()["S-1"] == ("released", "running")
    assert "supplier_cancel" not in placed.postbox.templates("salon/S-1")
    ship_rest(placed)
    assert money(placed) == ("captured", 8_800, 0)
    assert placed.broken() == {}


def test_a_supplier_that_was_told_to_ship_hears_of_it(placed: World) -> None:
    ask(placed, ("2", 1))
    assert "supplier_cancel" in placed.postbox.templates("salon/S-1")


def test_used_points_come_back_to_their_lot(world: World) -> None:
    """PTS-12: 1,100 of 11,000 yen were paid in points, so were 440 of the 4,400."""
    world.grant(1_100)
    world.take(two_lines(points={"use": "all"}))
    world.settle()
    ask(world, ("2", 2))
    assert world.balance()[1] == 440
    ship_rest(world)
    assert money(world) == ("captured", 5_940, 0)
    assert world.balance() == (0, 500)
    assert world.broken() == {}


def test_a_transfer_is_given_back_by_hand(world: World) -> None:
    world.take(two_lines(payment={"method": "bank_transfer"}))
    world.settle()
    world.tell(world.deposit("S-1", 11_000))
    world.settle()
    ask(world, ("2", 1))
    shown = world.show()
    assert [h["says"] for h in shown["hold"]] == ["Give 2200 yen back to the customer: no gateway can."]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([("9", 1)], "the order has no line 9"),
        ([("2", 3)], "2 pieces of line 2 have neither left nor been cancelled"),
        ([("1", 1), ("2", 3)], "2 pieces of line 2"),
    ],
)
def test_what_is_not_there_is_refused_whole(placed: World, lines: list[tuple[str, int]], says: str) -> None:
    ask(placed, *lines)
    state, reason = ending(placed)
    assert (state, says in reason) == ("refused", True)
    assert placed.value("SELECT count(*) FROM order_adjustment") == 0


def test_shipped_goods_are_not_taken_out(placed: World) -> None:
    ship_rest(placed)
    ask(placed, ("1", 1))
    assert ending(placed)[0] == "refused"


def test_points_are_not_created_by_editing_a_cancelled_order(world: World) -> None:
    """B.8: a defect of another system."""
    world.grant(500)
    world.take(two_lines(points={"use": 500}))
    world.settle()
    ask(world, ("1", 1), ("2", 2))
    assert world.balance() == (0, 500)
    ask(world, ("2", 1))
    assert (ending(world)[0], world.balance()) == ("refused", (0, 500))
    assert world.broken() == {}


def test_two_requests_of_one_moment_see_each_other(placed: World) -> None:
    ask(placed, ("2", 2), settle=False)
    ask(placed, ("2", 1))
    states = placed.rows("SELECT state FROM inbox_event WHERE type = 'order.cancel_lines' ORDER BY id")
    assert [row.state for row in states] == ["applied", "refused"]
    assert placed.broken() == {}


@pytest.mark.parametrize(
    ("fault", "kind", "title"),
    [("customer", "cancel", "ご依頼により"), ("shop", "short", "ご用意することができません")],
)
def test_whose_wish_it_was_is_kept_and_told(placed: World, fault: str, kind: str, title: str) -> None:
    """CPN-04 by ``coupons.recover_on``: what the customer gives up may void the coupons, what the shop lacks never does."""
    placed.tell(placed.ask("order.cancel_lines", "S-1", lines=[{"line": "2", "quantity": 1}], fault=fault))
    placed.settle()
    assert [one["kind"] for one in placed.show()["adjustments"]] == [kind]
    (mail,) = [one for one in placed.postbox.mails if one["X-Shukka-Template"] == "order_short"]
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert title in plain.get_content()
    assert placed.broken() == {}


@pytest.mark.parametrize(
    ("before", "back"),
    [("nothing", 2_000), ("a piece was taken out", 1_600), ("they expired", None)],
    ids=["all that were used", "what is used yet", "none that are lost"],
)
def test_a_cancel_names_the_points_that_come_back(world: World, before: str, back: int | None) -> None:
    """CAN-04, PTS-12: not those that came back with an earlier line, nor those of a lot that expired meanwhile."""
    until = at("2026-11-20 12:00:00") if before == "they expired" else None
    world.grant(2_000, expires_at=until)
    world.take(two_lines(points={"use": 2_000}, locale="en"))
    world.settle()
    if before == "a piece was taken out":
        ask(world, ("2", 1))
    if until is not None:
        world.at("2026-11-20 13:00:00")
    had = world.balance()[1]
    world.tell(world.ask("order.cancel", "S-1", operator=True))
    world.settle()
    (mail,) = [one for one in world.postbox.mails if one["X-Shukka-Template"] == "order_cancelled"]
    part: Any = mail.get_body(("plain",))
    says = re.findall(r"The ([\d,]+) points you used will be returned", part.get_content())
    assert says == ([f"{world.balance()[1] - had:,}"] if back else [])
    assert world.balance()[1] - had == (back or 0)


def test_less_than_a_gateway_takes_is_let_go_of_every_order(world: World) -> None:
    """PAY-13: of the first alone it was; each that came to it later failed for ever."""
    lines = (a_line("1", 1, 40), a_line("2", 1, 1_000))
    numbers = ["C-1", "C-2", "C-3"]
    world.take(*(document(one, *lines, shop="clinic", customer=f"M-{one}") for one in numbers))
    world.settle()
    asked = [{"line": "2", "quantity": 1}]
    world.tell(*(world.ask("order.cancel_lines", one, "clinic", lines=asked) for one in numbers))
    world.settle()
    world.ship_all(*numbers, shop="clinic")
    assert {one: world.states()[one] for one in numbers} == dict.fromkeys(numbers, ("shipped", "done"))
    assert [one.voided for one in world.gateway.cards.values()] == [True] * 3
    assert [sum(one["money"] for one in world.show(number, "clinic")["adjustments"]) for number in numbers] == [
        1_144
    ] * 3
    assert world.broken() == {}
