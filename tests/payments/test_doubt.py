"""A gateway that did not say what became of what it was asked for, and does later: the order follows its answer (operations.md,
`payment_unknown`), also where its customer is still to act."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from models.states import HoldReason
from pipelines.rules.hold_kinds import KINDS
from tests.payments.test_orders_at_gateways import Shop, shop
from tests.rules.build import at
from tests.world import a_line, document
from workers.effects.again import ask_again

__all__ = ["shop"]

ASKED = ["payment.authorize", "payment.register"]
METHODS = [("konbini", "komoju"), ("bank_transfer", "komoju"), ("paypay", "paypay")]


def in_doubt(shop: Shop, method: str) -> str:
    """An order whose gateway did what it was asked for, and whose answer got lost again and again."""
    placed = shop.world.clock.now().isoformat()
    shop.world.take(document("R-1", a_line(), shop="reuse", payment={"method": method}, placed_at=placed))
    shop.world.decide("accept", "authorize")
    shop.world.perform()
    shop.world.execute("UPDATE effect SET state = 'needs_review', outcome = '{}' WHERE kind = ANY(:asked)", asked=ASKED)
    shop.world.settle()
    assert (shop.payment()["state"], shop.holds()) == ("needs_review", ["payment_unknown"])
    return "reuse/R-1"


def asks_again(shop: Shop, gateway: str) -> None:
    """``shukka retry``, or the night's reconciliation."""
    assert ask_again(shop.world.engine, ASKED, gateway) == 1
    _a_minute_later(shop)


def _a_minute_later(shop: Shop) -> None:
    shop.there.advance(minutes=1)
    shop.world.clock.advance(minutes=1)
    shop.world.settle()


@pytest.mark.parametrize(("method", "gateway"), METHODS)
def test_its_customer_is_told_what_to_do_after_all(shop: Shop, method: str, gateway: str) -> None:
    """It was called a step back, and held with `payment_differs`, whatever was asked again."""
    in_doubt(shop, method)
    asks_again(shop, gateway)
    assert (shop.state(), shop.payment()["state"], shop.holds()) == ("awaiting_payment", "pending", [])
    assert shop.payment()["instructions"]["url"] in shop.mail("payment_instructions")


def test_a_notice_says_it_too_and_the_order_goes_its_way(shop: Shop) -> None:  # PAY-08
    order = in_doubt(shop, "konbini")
    shop.hear("komoju")
    assert (shop.state(), shop.payment()["state"], shop.holds()) == ("awaiting_payment", "pending", [])
    assert shop.payment()["instructions"]["number"] in shop.mail("payment_instructions")
    shop.komoju.buyer("pay", order=order)
    shop.hear("komoju")
    assert (shop.state(), shop.payment()["state"]) == ("released", "captured")


def test_what_nobody_pays_then_ends_as_any(shop: Shop) -> None:  # PAY-05, PAY-08
    in_doubt(shop, "konbini")
    shop.hear("komoju")
    shop.go_on_to(at("2026-11-24 07:00:00"))
    assert (shop.state(), shop.payment()["state"], shop.holds()) == ("cancelled", "expired", [])


def test_a_page_that_nobody_opens_ends_in_its_minutes(shop: Shop) -> None:  # PAY-05
    in_doubt(shop, "paypay")
    asks_again(shop, "paypay")
    until = datetime.fromisoformat(shop.payment()["instructions"]["until"])
    shop.go_on_to(until + timedelta(minutes=1))
    assert (shop.state(), shop.holds()) == ("cancelled", [])


@pytest.mark.parametrize("by_notice", [False, True])
def test_of_an_order_that_was_cancelled_meanwhile_it_is_taken_back(shop: Shop, by_notice: bool) -> None:  # CAN-04
    in_doubt(shop, "konbini")
    shop.world.tell(shop.world.ask("order.cancel", "R-1", "reuse", operator=True, reason="nobody knows"))
    _a_minute_later(shop)
    assert (shop.state(), shop.payment()["state"]) == ("cancelled", "needs_review")
    shop.hear("komoju") if by_notice else asks_again(shop, "komoju")
    _a_minute_later(shop)
    assert (shop.payment()["state"], shop.holds()) == ("voided", [])
    assert shop.world.value("SELECT condition FROM shop_order") == "done"


def test_a_slip_that_ended_meanwhile_ends_the_order(shop: Shop) -> None:  # PAY-08
    in_doubt(shop, "konbini")
    shop.there.set(at("2026-11-27 12:00:00"))
    shop.world.clock.set(at("2026-11-27 12:00:00"))
    asks_again(shop, "komoju")
    assert (shop.state(), shop.payment()["state"], shop.holds()) == ("cancelled", "expired", [])
    moves = [
        (one["from"], one["to"]) for one in shop.world.show("R-1", "reuse")["timeline"] if one["entity"] == "payment"
    ]
    assert moves == [("pending", "needs_review"), ("needs_review", "expired")], "it was never authorized"


def test_nobody_is_told_of_a_card_that_there_is_not(shop: Shop) -> None:
    """A slip is not authorized, and what is taken back of it is no authorization."""
    in_doubt(shop, "konbini")
    (hold,) = shop.world.show("R-1", "reuse")["holds"]
    assert hold["says"] == "The gateway did not say what became of the payment."
    for reason in (HoldReason.PAYMENT_UNKNOWN, HoldReason.VOID_FAILED):
        assert "card" not in KINDS[reason].says.en + KINDS[reason].way_out.en
        assert "カード" not in KINDS[reason].says.ja + KINDS[reason].way_out.ja
