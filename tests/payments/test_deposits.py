"""Transfers that are not what was due: each counted once, told of, timed and settled (PAY-07, B.6.7)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipelines.orders.intake import Ending
from tests.rules.build import at
from tests.world import World, document
from workers.payments import bank

DUE = 11_000


@pytest.fixture
def unpaid(world: World) -> World:
    """An order of 11,000 yen that waits for its transfer."""
    world.take(document("S-1", payment={"method": "bank_transfer"}))
    world.settle()
    assert world.show()["payment"]["amount"] == DUE
    return world


def awaited(world: World) -> list[str]:
    return [one["what"] for one in world.show()["awaits"]]


def test_one_transfer_is_counted_once_under_whatever_name_the_notice_comes() -> None:
    """The bank tells of it again under another webhook-id; another transfer, or another sum, is another deposit."""

    def named(webhook_id: str, amount: int = DUE, reference: str | None = "FT1", number: str = "S-1") -> str:
        data = {"shop": "salon", "number": number, "amount": amount, "reference": reference}
        raw = {"type": "deposit.received", "timestamp": "2026-11-20T10:00:00+09:00", "data": data}
        return bank.deposit(raw, webhook_id).id

    assert named("a") == named("b")
    assert len({named("a"), named("a", 5), named("a", reference="FT2"), named("a", number="S-2")}) == 4
    assert named("a", reference=None) != named("b", reference=None)


def test_a_part_does_not_stop_the_clock(unpaid: World) -> None:
    """Whoever pays a part is reminded of the rest, and an order that stays short is cancelled on its day."""
    unpaid.tell(unpaid.deposit("S-1", 6_000))
    unpaid.settle()
    assert unpaid.states()["S-1"] == ("awaiting_payment", "held")
    assert awaited(unpaid) == ["customer.money"]
    told = next(one for one in unpaid.postbox.mails if one["X-Shukka-Template"] == "deposit_differs")
    assert "5,000" in told.get_body(("plain",)).get_content(), "what is missing"
    unpaid.clock.advance(days=6)
    unpaid.settle()
    reminder = next(one for one in unpaid.postbox.mails if one["X-Shukka-Template"] == "payment_reminder")
    assert "5,000" in reminder.get_body(("plain",)).get_content()
    unpaid.clock.advance(days=3)
    unpaid.settle()
    shown = unpaid.show()
    assert (shown["state"], shown["payment"]["captured"]) == ("cancelled", 6_000)
    assert [(hold["reason"]) for hold in shown["hold"]] == ["refund_due"], "the part goes back, by hand"
    assert unpaid.broken() == {}


def test_the_rest_releases_the_order(unpaid: World) -> None:
    for part in (6_000, 5_000):
        unpaid.tell(unpaid.deposit("S-1", part))
        unpaid.settle()
    assert unpaid.states()["S-1"] == ("released", "running")
    assert unpaid.show()["payment"]["captured"] == DUE


def test_what_was_paid_too_much_is_due_back_once_the_order_was_released(unpaid: World) -> None:
    unpaid.tell(unpaid.deposit("S-1", 11_400))
    unpaid.settle()
    unpaid.tell(unpaid.ask("order.release", "S-1", reason="goes on"))
    unpaid.settle()
    shown = unpaid.show()
    assert [hold["reason"] for hold in shown["hold"]] == ["refund_due"]
    assert "400" in shown["hold"][0]["says"]
    unpaid.tell(unpaid.ask("refund.by_hand", "S-1", amount=400, reason="sent back"))
    unpaid.settle()
    unpaid.clock.advance(hours=1)
    unpaid.settle()
    assert unpaid.states()["S-1"] == ("released", "running"), "the last hold ended: the order goes on by itself"
    assert unpaid.broken() == {}


def test_who_paid_short_hears_that_the_order_goes_on_with_what_was_paid(unpaid: World) -> None:
    """B.6.7: the customer was asked for 1,000 yen more, and of the operator's release nobody told."""
    unpaid.tell(unpaid.deposit("S-1", 10_000))
    unpaid.settle()
    unpaid.tell(unpaid.ask("order.release", "S-1", reason="it is enough"))
    unpaid.settle()
    assert unpaid.states()["S-1"] == ("released", "running")
    told = next(one for one in unpaid.postbox.mails if one["X-Shukka-Template"] == "payment_received")
    assert "10,000" in told.get_body(("plain",)).get_content()
    assert unpaid.broken() == {}


def test_a_deposit_after_the_deadline_finds_the_order_cancelled(unpaid: World) -> None:
    unpaid.clock.set(unpaid.clock.now() + timedelta(days=9))
    unpaid.settle()
    unpaid.tell(unpaid.deposit("S-1", DUE))
    unpaid.settle()
    shown = unpaid.show()
    assert (shown["state"], [hold["reason"] for hold in shown["hold"]]) == ("cancelled", ["refund_due"])


def test_nobody_is_asked_for_the_rest_of_a_transfer_by_a_day_that_has_passed(unpaid: World) -> None:
    """PAY-07: a house that slept over the last day hears of a part and ends the order at once; the part goes back."""
    unpaid.clock.set(at("2026-11-28 09:00:00"))
    unpaid.tell(unpaid.deposit("S-1", 6_000))
    unpaid.settle()
    told = [one["X-Shukka-Template"] for one in unpaid.postbox.mails]
    assert told == ["order_accepted", "payment_instructions", "refund_account_needed", "order_cancelled"]
    shown = unpaid.show()
    assert (shown["state"], shown["payment"]["captured"]) == ("cancelled", 6_000)
    assert [hold["reason"] for hold in shown["hold"]] == ["refund_due"]
    assert unpaid.broken() == {}


def test_deposits_add_up_beyond_any_number(unpaid: World) -> None:
    """Three of the largest that a bank may tell of: beyond 2^31, counted, and given back to the yen."""
    most = 999_999_999
    for _ in range(3):
        unpaid.tell(unpaid.deposit("S-1", most))
        unpaid.settle()
    shown = unpaid.show()
    assert shown["payment"]["captured"] == 3 * most
    assert shown["condition"] == "held"
    unpaid.tell(unpaid.ask("order.release", "S-1", reason="goes on"))
    unpaid.settle()
    assert [hold["says"] for hold in unpaid.show()["hold"] if hold["reason"] == "refund_due"] == [
        f"Give {3 * most - DUE} yen back to the customer: no gateway can."
    ]
    assert unpaid.broken() == {}


def test_the_method_is_changed_by_cancelling_and_ordering_again(world: World) -> None:  # PAY-11, INT-10
    by_card = {"payment": {"method": "card", "token": "tok_ok"}}
    order = document("R-1", shop="reuse", payment={"method": "bank_transfer"})
    world.take(order)
    world.settle()
    assert [one.ending for one in world.submit({**order, **by_card})] == [Ending.CONFLICT]
    assert world.show("R-1", "reuse")["payment"]["method"] == "bank_transfer"
    other = {**order, **by_card, "number": "R-2"}
    assert [one.ending for one in world.submit(other)] == [Ending.REFUSED], "the goods are the first order's"
    world.tell(world.ask("order.cancel", "R-1", "reuse", reason="by card instead"))
    world.settle()
    world.take(other)
    world.settle()
    shown = world.show("R-2", "reuse")["payment"]
    assert (shown["method"], shown["state"]) == ("card", "authorized")
