"""Money that no gateway can give back: an operator is asked to, says so, and the order knows (B.6.5, B.6.7, PAY-07)."""

from __future__ import annotations

import pytest

from tests.world import World, a_line, document


def paid(world: World, method: str = "bank_transfer", amount: int = 11_000) -> None:
    """S-1 over 11,000 yen is paid and shipped."""
    world.take(document("S-1", a_line("1", 1, 6_000), a_line("2", 1, 4_000), payment={"method": method}))
    world.settle()
    if method == "bank_transfer":
        world.tell(world.deposit("S-1", amount))
        world.settle()


def give_back(world: World, *amounts: int) -> list[str]:
    """An operator gave ``amounts`` back; what became of that word."""
    world.tell(*(world.ask("refund.by_hand", "S-1", amount=amount, reference="T-1") for amount in amounts))
    world.settle()
    rows = world.rows("SELECT state FROM inbox_event WHERE type = 'refund.by_hand' ORDER BY id")
    return [row.state for row in rows[-len(amounts) :]]


def take_back(world: World, line: str) -> None:
    world.tell(world.ask("order.return_lines", "S-1", lines=[{"line": line, "quantity": 1}], fault="shop"))
    world.settle()


def money(world: World) -> tuple[str, int, int]:
    """(state, captured, refunded)."""
    shown = world.show()["payment"]
    return shown["state"], shown["captured"], shown["refunded"]


def asked_for(world: World) -> list[str]:
    """What the holds say."""
    return [hold["says"] for hold in world.show()["hold"]]


GIVE_4400 = "Give 4400 yen back to the customer: no gateway can."


def test_a_transfer_that_was_given_back_is_known(world: World) -> None:
    paid(world)
    world.ship_all("S-1")
    take_back(world, "2")
    assert (asked_for(world), world.states()["S-1"]) == ([GIVE_4400], ("shipped", "held"))
    assert give_back(world, 4_400) == ["applied"]
    assert (money(world), asked_for(world)) == (("partly_refunded", 11_000, 4_400), [])
    assert world.states()["S-1"] == ("shipped", "done")
    assert world.postbox.templates("salon/S-1").count("refund_done") == 1
    assert world.broken() == {}


def test_in_parts(world: World) -> None:
    """What is still due is always the sum that is asked for."""
    paid(world)
    world.ship_all("S-1")
    take_back(world, "2")
    assert give_back(world, 1_000) == ["applied"]
    assert asked_for(world) == ["Give 3400 yen back to the customer: no gateway can."]
    take_back(world, "1")
    assert asked_for(world) == ["Give 10000 yen back to the customer: no gateway can."]
    assert give_back(world, 4_000, 6_000) == ["applied", "applied"]
    assert (money(world), asked_for(world)) == (("refunded", 11_000, 11_000), [])
    assert world.postbox.templates("salon/S-1").count("refund_done") == 3
    assert world.broken() == {}


def test_a_later_cancel_asks_for_the_rest_alone(world: World) -> None:
    """A line was short and its money went back; then the whole order is cancelled."""
    paid(world)
    world.tell(world.ask("order.cancel_lines", "S-1", lines=[{"line": "2", "quantity": 1}]))
    world.settle()
    give_back(world, 4_400)
    world.execute("UPDATE shipment SET state = 'planned' WHERE state = 'instructed'")
    world.execute("UPDATE shop_order SET state = 'authorized'")
    world.tell(world.ask("order.cancel", "S-1", operator=True))
    world.settle()
    assert asked_for(world) == ["Give 6600 yen back to the customer: no gateway can."]
    assert give_back(world, 6_600) == ["applied"]
    assert (money(world), world.states()["S-1"]) == (("refunded", 11_000, 11_000), ("cancelled", "done"))


@pytest.mark.parametrize("amounts", [(4_401,), (4_400, 1)], ids=["more than is due", "a yen more"])
def test_no_more_than_is_due(world: World, amounts: tuple[int, ...]) -> None:
    paid(world)
    world.ship_all("S-1")
    take_back(world, "2")
    assert give_back(world, *amounts)[-1] == "refused"
    assert money(world)[2] == sum(amounts[:-1])
    assert world.broken() == {}


def test_nothing_where_nothing_is_due(world: World) -> None:
    paid(world)
    assert give_back(world, 1) == ["refused"]
    assert money(world) == ("captured", 11_000, 0)


def test_a_late_deposit_goes_back(world: World) -> None:
    """CAN-03: the cancel came first; the deposit is given back, and the order rests."""
    world.take(document("S-1", payment={"method": "bank_transfer"}))
    world.settle()
    world.tell(world.ask("order.cancel", "S-1"))
    world.settle()
    world.tell(world.deposit("S-1", 11_000))
    world.settle()
    assert world.states()["S-1"] == ("cancelled", "held")
    assert give_back(world, 11_000) == ["applied"]
    assert (money(world), world.states()["S-1"]) == (("refunded", 11_000, 11_000), ("cancelled", "done"))


def test_cash_on_delivery_is_money_once_the_customer_has_the_goods(world: World) -> None:
    """PAY-09: the carrier collects; what comes back afterwards is given back by hand."""
    paid(world, "cod")
    total = world.show()["totals"]["grand_total"]
    world.ship_all("S-1")
    assert money(world) == ("pending", 0, 0)
    world.tell(*(world.news("shipment.delivered", one) for one in world.shipments()))
    world.settle()
    assert money(world) == ("captured", total, 0)
    take_back(world, "2")
    assert asked_for(world) == [GIVE_4400]
    assert give_back(world, 4_400) == ["applied"]
    assert money(world) == ("partly_refunded", total, 4_400)
    assert world.broken() == {}


def test_what_the_gateway_declined_may_go_back_by_hand(world: World) -> None:
    """The card is closed: the refund fails, an operator transfers the money, and the order comes to rest."""
    world.take(document("S-1", a_line("1", 1, 6_000), a_line("2", 1, 4_000)))
    world.settle()
    world.ship_all("S-1")
    (card,) = world.gateway.cards.values()
    card.refunded = card.captured
    take_back(world, "2")
    assert asked_for(world) == ["The gateway did not refund, or did not say so (declined). Code: E11."]
    assert give_back(world, 4_400) == ["applied"]
    assert (money(world), asked_for(world)) == (("partly_refunded", 11_000, 4_400), [])
    assert world.states()["S-1"] == ("shipped", "done")
    assert world.broken() == {}
