"""Money that went back beside our asking, or that is disputed: what is due back goes back once, and ``shukka check`` says no more than is wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from models.states import PaymentState
from pipelines.engine.inbox import notice_event
from pipelines.gateway import STANDS, Notice, Snapshot
from pipelines.stages import settle
from tests.payments.test_orders_at_gateways import Shop, shop
from tests.stages.build import NOW, decide, effect, facts, payment, stands
from tests.world import World, a_line, document

__all__ = ["shop"]

TWO = (a_line("1"), a_line("2", unit_price=400))


def told(world: World, order: tuple[str, str], gateway: str, stands: Snapshot) -> None:
    """A notice that the payment stands so."""
    notice = Notice(f"n-{stands.as_of}", STANDS, order, stands.reference, stands)
    world.tell(notice_event(notice, gateway=gateway, shops=(order[0],), now=world.clock.now()))
    world.settle()


def says(world: World, **changes: Any) -> None:
    """The sandbox's word on the card of S-1, as it would be but for ``changes``."""
    world.clock.advance(minutes=1)
    reference = world.gateway.orders["salon/S-1"]
    stands = world.gateway.cards[reference].answer(reference, world.clock.now()).snapshot
    assert stands is not None
    told(world, ("salon", "S-1"), "sandbox", replace(stands, **changes))


def act(world: World, type_: str, number: str = "S-1", shop: str = "salon", **body: Any) -> None:
    world.clock.advance(minutes=1)
    world.tell(world.ask(type_, number, shop, by="operations", operator=True, **body))
    world.settle()


def back(world: World) -> tuple[str, int]:
    payment = world.show()["payment"]
    return payment["state"], payment["refunded"]


@pytest.fixture
def sold(world: World) -> World:
    """11,440 yen by card for two lines that have left."""
    world.take(document("S-1", *TWO))
    world.settle()
    world.ship_all("S-1")
    return world


def returns(world: World, line: str) -> None:
    act(world, "order.return_lines", lines=[{"line": line, "quantity": 1}], fault="shop", reason="broken")


def test_what_went_back_in_the_dashboard_counts_and_breaks_no_invariant(sold: World) -> None:
    """Of 1,000 yen that had gone back there 440 are due back later: nothing more goes back, and the books are right."""
    sold.gateway.cards["auth_1"].refunded = 1_000
    says(sold)
    assert (back(sold), sold.broken()) == (("partly_refunded", 1_000), {})
    returns(sold, "2")
    assert (back(sold), sold.broken()) == (("partly_refunded", 1_000), {})
    returns(sold, "1")
    assert (back(sold), sold.broken()) == (("refunded", 11_440), {})


def test_goods_that_come_back_while_their_money_is_disputed_are_paid_back_once_it_is_not(sold: World) -> None:
    """They were paid back never: the refund was asked for only of money that was in no doubt."""
    says(sold, state=PaymentState.NEEDS_REVIEW)
    returns(sold, "2")
    assert back(sold) == ("needs_review", 0)
    says(sold)
    assert (back(sold), sold.states()["S-1"][1], sold.broken()) == (("partly_refunded", 440), "done", {})
    assert [one for one in sold.gateway.calls if ":refund:" in one] == ["salon/S-1:refund:1"]


def test_who_releases_a_dispute_of_which_money_is_due_back_is_asked_to_give_it_back() -> None:
    """The gateway says the same again: the order rested, and its customer had nothing."""
    paid = payment("captured", 1_760, authorized=1_800, captured=1_800)._replace(state="needs_review")
    seen = "needs_review: 1800 yen authorized, 1800 captured, 0 refunded"
    answer = stands("needs_review", 1_800, 1_800, when=NOW + timedelta(minutes=1))
    looked = effect("payment.lookup", "look", "done", answer, seen=seen)
    decision = decide(settle.STAGE, facts(state="shipped", payment=paid, grand_total=1_760, effects={"look": looked}))
    assert [(hold.reason, hold.amount) for hold in decision.holds] == [("refund_due", 40)]


@pytest.fixture
def disputed(shop: Shop) -> Shop:
    """R-1 was paid at a store; the gateway says a word that nobody knows of it, and the order is cancelled."""
    order = shop.order("konbini")
    shop.komoju.buyer("pay", order=order)
    shop.hear("komoju")
    world = shop.world
    world.clock.advance(minutes=1)
    reference, due = world.rows("SELECT reference, amount FROM payment")[0]
    stands = Snapshot(reference, PaymentState.NEEDS_REVIEW, due, due, 0, world.clock.now())
    told(world, ("reuse", "R-1"), "komoju", stands)
    act(world, "order.cancel", "R-1", "reuse", reason="disputed")
    assert (shop.state(), shop.holds()) == ("cancelled", ["refund_due"])
    return shop


def test_what_a_cancelled_order_owes_is_given_back_by_hand_though_it_is_disputed(disputed: Shop) -> None:
    """CAN-04: `refunds` said that nothing is due back, and `release` that it is to be recorded with `refunds`."""
    act(disputed.world, "refund.by_hand", "R-1", "reuse", amount=4_000, reference="transfer 1")
    assert (disputed.payment()["state"], disputed.payment()["refunded"]) == ("needs_review", 4_000)
    assert disputed.holds() == ["refund_due"]
    act(disputed.world, "refund.by_hand", "R-1", "reuse", amount=6_000, reference="transfer 2")
    assert (disputed.payment()["state"], disputed.holds()) == ("refunded", [])
    assert disputed.world.value("SELECT condition FROM shop_order") == "done"


def paid_at_a_till(shop: Shop) -> Snapshot:
    """R-1 was paid at a store, as KOMOJU says it."""
    order = shop.order("konbini")
    shop.komoju.buyer("pay", order=order)
    shop.hear("komoju")
    reference, due, as_of = shop.world.rows("SELECT reference, amount, as_of FROM payment")[0]
    return Snapshot(reference, PaymentState.CAPTURED, due, due, 0, as_of)


def test_a_word_that_nobody_knows_of_what_was_paid_is_somebodys(shop: Shop) -> None:
    """gateways.md 3.3: KOMOJU names no moment for it, and it was taken for what was known."""
    paid = paid_at_a_till(shop)
    told(shop.world, ("reuse", "R-1"), "komoju", replace(paid, state=PaymentState.NEEDS_REVIEW, captured=0))
    assert (shop.payment()["state"], shop.holds()) == ("needs_review", ["payment_differs"])
    act(shop.world, "order.release", "R-1", "reuse")
    assert (shop.payment()["state"], shop.holds()) == ("captured", []), (
        "settled there: KOMOJU says again that it is paid"
    )


def test_a_second_payment_of_a_paid_order_is_held_until_it_went_back(shop: Shop) -> None:
    """B.6.7: the books went over to the second, and 10,000 yen of the first were nobody's."""
    paid = paid_at_a_till(shop)
    second = replace(paid, reference="pay2", as_of=paid.as_of + timedelta(hours=1))
    told(shop.world, ("reuse", "R-1"), "komoju", second)
    assert shop.holds() == ["unexpected_deposit"]
    assert "10000 yen" in shop.world.show("R-1", "reuse")["hold"][0]["says"]
    act(shop.world, "order.cancel", "R-1", "reuse", reason="bought twice")
    assert sorted(shop.holds()) == ["refund_due", "unexpected_deposit"], "each of them goes back"
    assert shop.world.rows("SELECT reference, captured FROM payment") == [(paid.reference, 10_000)]
    back = replace(second, state=PaymentState.REFUNDED, refunded=10_000, as_of=second.as_of + timedelta(hours=1))
    told(shop.world, ("reuse", "R-1"), "komoju", back)
    assert shop.holds() == ["refund_due"]


def test_a_slip_that_was_paid_in_part_releases_nothing(shop: Shop) -> None:
    """PAY-08, B.6.7: the goods left for it, and the customer was told that all of it is there."""
    shop.order("konbini")
    reference, due = shop.world.rows("SELECT reference, amount FROM payment")[0]
    shop.world.clock.advance(minutes=5)
    part = Snapshot(reference, PaymentState.CAPTURED, due, due - 1_000, 0, shop.world.clock.now())
    told(shop.world, ("reuse", "R-1"), "komoju", part)
    assert (shop.state(), shop.holds()) == ("awaiting_payment", ["payment_differs"])
    told(shop.world, ("reuse", "R-1"), "komoju", replace(part, captured=due, as_of=part.as_of + timedelta(hours=1)))
    assert (shop.state(), shop.holds()) == ("released", [])


def test_who_releases_an_unpaid_order_of_which_the_gateway_says_nothing_newer_has_it_again(shop: Shop) -> None:
    """payments.md: who has not paid yet is held once more; KOMOJU's answer named no later moment, and the order was forgotten."""
    shop.order("konbini")
    reference, due = shop.world.rows("SELECT reference, amount FROM payment")[0]
    shop.world.clock.advance(minutes=5)
    odd = Snapshot(reference, PaymentState.CAPTURED, due + 100, due + 100, 0, shop.world.clock.now())
    told(shop.world, ("reuse", "R-1"), "komoju", odd)
    assert shop.holds() == ["payment_differs"]
    act(shop.world, "order.release", "R-1", "reuse")
    assert (shop.state(), shop.holds()) == ("awaiting_payment", ["payment_unknown"])
