"""Dispatch: the supplier is told at the planned time, by webhook or by mail, and asked after once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipelines.errors import Misconfigured
from pipelines.stages.dispatch import STAGE
from tests.rules.build import plain_shop
from tests.stages.build import NOW, decide, due, effect, effects, facts, mails, moves, reasons, shipment

LATER = NOW + timedelta(hours=5)
KEY = "SH-1:requested"
BY_WEBHOOK = {"supplier_urls": {"warehouse": "https://warehouse.example/hook"}}


def standing(*shipments: Any, **changes: Any) -> Any:
    return facts(**{"state": "authorized", "shipments": shipments, **changes})


def asked(decision: Any) -> list[tuple[str, str, str, str | None]]:
    """(channel, stage that waits, shipment, batch) of the instructions it wants."""
    return [(e.payload["channel"], e.wakes, e.shipment, e.batch) for e in decision.effects]


def test_nobody_is_told_before_the_planned_time() -> None:
    decision = decide(STAGE, standing(shipment(instruct_at=LATER)))
    assert (due(decision), decision.moves, decision.effects, decision.mails) == ([("dispatch", LATER)], [], [], [])


def test_a_supplier_with_a_url_is_told_by_webhook() -> None:
    decision = decide(STAGE, standing(shipment(), **BY_WEBHOOK))
    assert effects(decision) == [("supplier.instruct", KEY)]
    assert asked(decision) == [("webhook", "dispatch", "SH-1", None)]
    assert moves(decision) == ["order: authorized -> released"]


@pytest.mark.parametrize("mails_at", [{"warehouse": "soko@example.jp"}, {}], ids=["its own", "the shop's operators"])
def test_any_other_is_told_by_mail(mails_at: dict[str, str]) -> None:
    """It is the channel that writes the mail; until it has, the shipment is planned."""
    decision = decide(STAGE, standing(shipment(), supplier_mails=mails_at))
    assert effects(decision) == [("supplier.instruct", KEY)]
    assert asked(decision) == [("mail", "dispatch", "SH-1", None)]
    assert moves(decision) == ["order: authorized -> released"]


def test_with_nobody_to_tell_the_order_is_set_aside() -> None:
    with pytest.raises(Misconfigured, match="supplier warehouse has no mail"):
        decide(STAGE, standing(shipment()), shop=plain_shop())


def test_it_is_told_once() -> None:
    told = {KEY: effect("supplier.instruct", KEY, "pending")}
    decision = decide(STAGE, standing(shipment(), state="released", effects=told, **BY_WEBHOOK))
    assert (decision.effects, decision.moves) == ([], [])


@pytest.mark.parametrize(
    ("outcome", "moved", "hold"),
    [
        ("done", ["shipment: planned -> instructed"], []),
        ("declined", ["condition: running -> held"], ["supplier_unreachable"]),
        ("needs_review", ["condition: running -> held"], ["supplier_unreachable"]),
    ],
)
def test_what_became_of_the_instruction(outcome: str, moved: list[str], hold: list[str]) -> None:
    told = {KEY: effect("supplier.instruct", KEY, outcome)}
    decision = decide(STAGE, standing(shipment(), state="released", effects=told, **BY_WEBHOOK))
    assert (moves(decision), reasons(decision)) == (moved, hold)


@pytest.mark.parametrize(
    ("hours", "state", "sent", "again"),
    [
        (23, "instructed", [], True),
        (24, "instructed", ["supplier_overdue"], False),
        (24, "acknowledged", [], False),
        (24, "shipped", [], False),
    ],
)
def test_an_unanswered_instruction_is_asked_after_once(hours: int, state: str, sent: list[str], again: bool) -> None:
    """A.5: 24 hours unless the profile says otherwise."""
    decision = decide(STAGE, standing(shipment(state=state), state="released"), now=NOW + timedelta(hours=hours))
    assert (mails(decision), bool(decision.work)) == (sent, again)


@pytest.mark.parametrize("changes", [{"condition": "held"}, {"state": "cancelled"}])
def test_held_and_cancelled_orders_go_nowhere(changes: dict[str, str]) -> None:
    """INT-16."""
    decision = decide(STAGE, standing(shipment(), **changes))
    assert (decision.moves, decision.mails, decision.effects, decision.work) == ([], [], [], [])


def test_each_shipment_goes_at_its_own_time() -> None:
    """SPL-03."""
    decision = decide(STAGE, standing(shipment(1), shipment(2, "backordered", instruct_at=NOW + timedelta(hours=1))))
    assert [e.shipment for e in decision.effects] == ["SH-1"]
    assert due(decision)[-1:] == [("dispatch", NOW + timedelta(hours=1))]
