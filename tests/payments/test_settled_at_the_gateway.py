"""What a gateway said could not be, and somebody settled it there: a release asks how the payment stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from models.states import HoldReason, PaymentState
from pipelines.engine.inbox import notice_event
from pipelines.gateway import STANDS, Notice
from pipelines.rules.holds import Hold
from pipelines.stages import attend, settle
from tests.stages.build import NOW, decide, effect, event, facts, payment, reasons, stands
from tests.world import World, document


@pytest.fixture
def differs(world: World) -> World:
    """Of S-1 the gateway said a word that nobody knows, once its card was authorized."""
    world.take(document("S-1"))
    world.settle()
    says_what_nobody_knows(world)
    assert (world.states()["S-1"], state(world)) == (("released", "held"), "needs_review")
    return world


def says_what_nobody_knows(world: World) -> None:
    reference = world.gateway.orders["salon/S-1"]
    world.clock.advance(minutes=1)
    told = world.gateway.cards[reference].answer(reference, world.clock.now()).snapshot
    assert told is not None
    odd = replace(told, state=PaymentState.NEEDS_REVIEW)
    notice = Notice(f"n-{odd.as_of}", STANDS, ("salon", "S-1"), reference, odd)
    world.tell(notice_event(notice, gateway="sandbox", shops=("salon",), now=world.clock.now()))
    world.settle()


def release(world: World) -> None:
    world.clock.advance(minutes=1)
    world.tell(world.ask("order.release", "S-1", by="operations", operator=True, reason="settled there"))
    world.settle()


def state(world: World) -> str:
    return str(world.show("S-1")["payment"]["state"])


def test_what_is_held_after_all_is_captured_with_the_goods(differs: World) -> None:
    """The order was shipped and done, and the money of its goods never taken."""
    release(differs)
    assert (differs.states()["S-1"], state(differs)) == (("released", "running"), "authorized")
    differs.ship_all("S-1")
    shown = differs.show("S-1")["payment"]
    assert (differs.states()["S-1"], shown["state"], shown["captured"]) == (("shipped", "done"), "captured", 11_000)
    assert differs.broken() == {}


def test_goods_that_left_before_the_gateway_answered_are_paid_for_too(differs: World) -> None:
    differs.ship_all("S-1")
    assert (differs.states()["S-1"][0], state(differs)) == ("shipped", "needs_review")
    release(differs)
    shown = differs.show("S-1")["payment"]
    assert (differs.states()["S-1"], shown["state"], shown["captured"]) == (("shipped", "done"), "captured", 11_000)


SEEN = "needs_review: 1760 yen authorized, 0 captured, 0 refunded"
TOTAL = 1_760
DIFFERS = Hold(HoldReason.PAYMENT_DIFFERS, facts={"theirs": SEEN, "ours": "", "wrong": ""})
IN_REVIEW = payment("authorized", TOTAL)._replace(state="needs_review")


@pytest.mark.parametrize(("at", "seen"), [("released", {"seen": SEEN}), ("awaiting_payment", {})])
def test_a_release_asks_and_says_what_was_seen_of_goods_that_may_go(at: str, seen: dict[str, str]) -> None:
    held = {"state": at, "condition": "held", "holds": (DIFFERS,), "payment": IN_REVIEW}
    decision = decide(attend.STAGE, facts(events=(event("order.release"),), **held))
    assert [(one.kind, one.payload, one.wakes) for one in decision.effects] == [("payment.lookup", seen, "settle")]


@pytest.mark.parametrize(
    ("told", "held"),
    [
        (("needs_review", TOTAL), []),
        (("needs_review", TOTAL - 1), ["payment_differs"]),
        (("authorized", TOTAL), []),
    ],
    ids=["the same", "another word", "settled"],
)
def test_who_insists_is_not_held_again_for_what_he_saw(told: Any, held: list[str]) -> None:
    answer = stands(*told, when=NOW + timedelta(minutes=1))
    looked = effect("payment.lookup", "look", "done", answer, seen=SEEN)
    known = facts(state="released", payment=IN_REVIEW, grand_total=TOTAL, effects={"look": looked})
    assert reasons(decide(settle.STAGE, known)) == held


@pytest.mark.parametrize(
    ("kind", "at", "hold"),
    [("payment.capture", "shipped", "capture_failed"), ("payment.void", "cancelled", "void_failed")],
)
def test_what_was_answered_in_doubt_and_is_not_done_is_somebodys(kind: str, at: str, hold: str) -> None:
    """It was asked for, so nobody asked again: the goods were never paid for, or the customer's money stayed held."""
    doubted = effect(kind, "asked", "done", stands("needs_review", TOTAL), amount=TOTAL)
    held = decide(
        settle.STAGE, facts(state=at, payment=payment("authorized", TOTAL), grand_total=TOTAL, effects={"a": doubted})
    )
    assert reasons(held) == ["payment_differs"], "of the moment that was heard before"
    looked = effect("payment.lookup", "look", "done", stands("authorized", TOTAL), seen=SEEN)
    known = facts(state=at, payment=IN_REVIEW, grand_total=TOTAL, effects={"a": doubted, "look": looked})
    settled = decide(settle.STAGE, known)
    assert ([one.new for one in settled.moves if one.entity == "payment"], reasons(settled)) == (["authorized"], [hold])


@pytest.mark.parametrize("state", ["declined", "needs_review"])
@pytest.mark.parametrize(("at", "held"), [("awaiting_payment", ["payment_unknown"]), ("released", [])])
def test_an_order_that_waits_for_money_of_which_nobody_can_say_is_somebodys(
    at: str, held: list[str], state: str
) -> None:
    looked = effect("payment.lookup", "look", state, {"code": "not_found", "data": {}})
    known = facts(state=at, payment=IN_REVIEW, grand_total=TOTAL, effects={"look": looked})
    assert reasons(decide(settle.STAGE, known)) == held
