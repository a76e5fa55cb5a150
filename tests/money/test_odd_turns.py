"""Turns that orders took in a random walk over everything that can be said of them, each with its reason."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.orders.intake import Ending
from tests.world import World, a_line, document

TRANSFER = {"payment": {"method": "bank_transfer"}}


def payment(world: World) -> tuple[str, int, int]:
    """(state, captured, refunded)."""
    shown = world.show()["payment"]
    return shown["state"], shown["captured"], shown["refunded"]


def holds(world: World) -> list[str]:
    return [hold["reason"] for hold in world.show()["hold"]]


def ask(world: World, type_: str, **body: Any) -> str:
    """What became of an operator's word about S-1."""
    world.tell(world.ask(type_, "S-1", **body))
    world.settle()
    return str(world.rows("SELECT state FROM inbox_event WHERE type = :type ORDER BY id DESC", type=type_)[0].state)


def deposit(world: World, amount: int) -> None:
    world.tell(world.deposit("S-1", amount))
    world.settle()


def pieces(line: str) -> list[dict[str, Any]]:
    return [{"line": line, "quantity": 1}]


def test_an_order_beyond_all_amounts_is_refused_and_its_neighbours_are_taken(world: World) -> None:
    huge = document("S-1", a_line("1", 9_999, 9_999_999))
    answers = world.submit(huge, document("S-2"))
    assert [one.ending for one in answers] == [Ending.REFUSED, Ending.ACCEPTED]
    assert [problem.field for problem in answers[0].problems] == ["lines"]


@pytest.mark.parametrize("method", ["card", "cod"])
def test_a_deposit_that_nobody_awaits_changes_no_other_money(world: World, method: str) -> None:
    world.take(document("S-1", payment={"method": method, "token": "tok_ok" if method == "card" else None}))
    world.settle()
    deposit(world, 1_000)
    assert holds(world) == ["unexpected_deposit"]
    ask(world, "order.release")
    world.ship_all("S-1")
    world.tell(world.news("shipment.delivered", world.shipments()[0]))
    world.settle()
    assert payment(world) == ("captured", world.show()["totals"]["grand_total"], 0)
    assert world.broken() == {}


@pytest.mark.parametrize("points", [0, "all"])
def test_nor_does_it_wait_for_ever(world: World, points: int | str) -> None:
    """Before the card was authorized, and for an order that points paid."""
    world.grant(30_000)
    world.take(document("S-1", points={"use": points}))
    deposit(world, 1_000)
    assert world.value("SELECT state FROM inbox_event WHERE type = 'deposit.received'") == "applied"
    assert holds(world) == ["unexpected_deposit"]


@pytest.mark.parametrize("ends", ["an operator", "nobody receives it"])
def test_a_deposit_that_nobody_awaited_is_somebodys_also_once_the_order_is_cancelled(world: World, ends: str) -> None:
    """PAY-09, CAN-04: it is in none of the order's numbers, so the cancel gives nothing of it back; nobody knew of it any more."""
    by_card = ends == "an operator"
    payment = {"method": "card", "token": "tok_ok"} if by_card else {"method": "cod"}
    world.take(document("S-1", payment=payment))
    world.settle()
    deposit(world, 1_000)
    if by_card:
        ask(world, "order.cancel", operator=True)
    else:
        world.ship_all("S-1")
        world.at("2026-11-30 10:00:00")
    assert (world.states()["S-1"], holds(world)) == (("cancelled", "held"), ["unexpected_deposit"])
    ask(world, "order.release")
    assert (world.states()["S-1"], holds(world)) == (("cancelled", "done"), [])
    assert world.broken() == {}


def test_who_gave_a_deposit_back_says_nothing_of_the_card_of_a_cancelled_order(world: World) -> None:
    """CAN-04: its release is still under way at the gateway, and the books say so."""
    world.take(document("S-1"))
    world.settle()
    deposit(world, 1_000)
    world.tell(world.ask("order.cancel", "S-1", operator=True))
    world.decide()
    world.tell(world.ask("order.release", "S-1", operator=True))
    world.decide()
    assert (world.states()["S-1"], payment(world)[0]) == (("cancelled", "done"), "authorized")
    world.settle()
    assert payment(world)[0] == "voided"
    assert world.broken() == {}


def test_a_transfer_made_twice_goes_back_once(world: World) -> None:
    world.take(document("S-1", **TRANSFER))
    world.settle()
    for _ in range(3):
        deposit(world, 11_000)
    assert world.show()["hold"][0]["says"] == "Give 22000 yen back to the customer: no gateway can."
    assert ask(world, "refund.by_hand", amount=22_000) == "applied"
    world.ship_all("S-1")
    assert (payment(world), world.states()["S-1"]) == (("partly_refunded", 33_000, 22_000), ("shipped", "done"))
    assert world.broken() == {}


def test_a_deposit_after_all_went_back_goes_back_too(world: World) -> None:
    world.take(document("S-1", **TRANSFER))
    world.settle()
    deposit(world, 5_000)
    ask(world, "order.cancel", operator=True)
    assert ask(world, "refund.by_hand", amount=5_000) == "applied"
    deposit(world, 6_000)
    assert payment(world) == ("partly_refunded", 11_000, 5_000)
    assert ask(world, "refund.by_hand", amount=6_000) == "applied"
    assert (payment(world), world.states()["S-1"]) == (("refunded", 11_000, 11_000), ("cancelled", "done"))


@pytest.mark.parametrize("also", [False, True], ids=["held for that alone", "held for more"])
def test_a_card_of_which_nobody_knows_is_not_forgotten_with_the_order(world: World, also: bool) -> None:
    """CAN-04: the gateway's word is out and the order is cancelled; once it says that the card is held, it is released."""
    world.take(document("S-1"))
    world.decide("accept", "authorize")
    world.perform("payment.authorize")
    world.execute("UPDATE effect SET state = 'needs_review' WHERE kind = 'payment.authorize'")
    world.settle()
    ask(world, "order.cancel", operator=True)
    assert (world.states()["S-1"], holds(world)) == (("cancelled", "held"), ["payment_unknown"])
    if also:
        deposit(world, 1_000)
    world.execute("UPDATE effect SET state = 'done' WHERE kind = 'payment.authorize'")
    world.wake("authorize")
    world.settle()
    (card,) = world.gateway.cards.values()
    assert (card.voided, world.states()["S-1"]) == (True, ("cancelled", "held" if also else "done"))
    assert holds(world) == (["unexpected_deposit"] if also else [])
    assert world.broken() == {}


def test_nothing_is_captured_for_what_was_taken_out_and_left_all_the_same(world: World) -> None:
    later = a_line("2", 1, 5_000, availability="backorder", expected_on="2026-12-01", supplier="mihon")
    world.take(document("S-1", a_line("1"), later))
    world.settle()
    shipments = {one["lines"][0]["line"]: one for one in world.show()["shipments"]}
    assert set(shipments) == {"1", "2"}
    ask(world, "order.cancel_lines", lines=pieces("1"))
    world.tell(world.shipped(shipments["1"]["id"], shipments["1"]["supplier"]))
    world.settle()
    assert payment(world)[0] == "authorized"
    assert world.broken() == {}


def test_an_order_that_points_paid_is_cancelled_clean(world: World) -> None:
    world.grant(30_000)
    world.take(document("S-1", points={"use": "all"}))
    world.settle()
    ask(world, "order.cancel_lines", lines=pieces("1"))
    assert world.states()["S-1"] == ("cancelled", "done")
    assert world.broken() == {}


def test_a_return_that_gives_nothing_back_comes_to_rest(world: World) -> None:
    world.take(document("S-1", payment={"method": "cod"}))
    world.settle()
    world.ship_all("S-1")
    world.tell(world.news("shipment.returned", world.shipments()[0]))
    world.settle()
    ask(world, "order.return_lines", lines=pieces("1"))
    assert world.states()["S-1"] == ("undelivered", "done")


@pytest.mark.parametrize("way_out", ["order.cancel_lines", "order.release"])
def test_a_refused_shipment_stays_before_a_human_while_pieces_are_left(world: World, way_out: str) -> None:
    world.take(document("S-1", a_line("1"), a_line("2")))
    world.settle()
    world.tell(world.news("shipment.refused", world.shipments()[0], reason="no"))
    world.settle()
    ask(world, way_out, **({"lines": pieces("2")} if way_out == "order.cancel_lines" else {}))
    assert holds(world) == ["supplier_refused"]
    ask(world, "order.cancel_lines", lines=pieces("1") + ([] if way_out == "order.cancel_lines" else pieces("2")))
    assert world.states()["S-1"] == ("cancelled", "done")


def test_a_shortage_is_answered_by_its_own_lines(world: World) -> None:
    """INT-13."""
    world.take(document("S-1", a_line("1"), a_line("2"), a_line("3")))
    world.settle()
    world.tell(world.news("shipment.short", world.shipments()[0], lines=pieces("2")))
    world.settle()
    ask(world, "order.cancel_lines", lines=pieces("1"))
    assert holds(world) == ["supplier_short"]
    ask(world, "order.cancel_lines", lines=pieces("2"))
    assert holds(world) == []


def test_cash_that_was_never_collected_is_not_asked_back(world: World) -> None:
    """ "Delivered" was said of the way back to the shipper; a line had been taken out before (B.4.3, PAY-09)."""
    world.take(document("S-1", payment={"method": "cod"}))
    world.settle()
    world.ship_all("S-1")
    (shipment,) = world.shipments()
    world.tell(world.news("shipment.delivered", shipment))
    world.settle()
    ask(world, "order.return_lines", lines=pieces("1"), fault="shop")
    assert "refund_due" in holds(world)
    world.tell(world.news("shipment.returned", shipment))
    world.settle()
    assert (payment(world), "refund_due" in holds(world)) == (("voided", 0, 0), False), "and nothing is left to collect"


def test_part_of_a_delivery_for_cash_waits_for_the_rest(world: World) -> None:
    world.take(document("S-1", a_line("1"), a_line("2", supplier="mihon"), payment={"method": "cod"}))
    world.settle()
    (shipment, *_) = world.shipments()
    world.tell(world.shipped(shipment, lines=pieces("1")))
    world.settle()
    assert world.states()["S-1"][0] == "partly_shipped"
    assert ask(world, "order.return_lines", lines=pieces("1")) == "refused"
    assert payment(world) == ("pending", 0, 0)
