"""Dispatch: the supplier is told at the planned time, by webhook or by mail, and asked after once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pipelines.errors import Misconfigured
from pipelines.stages.dispatch import STAGE
from tests.rules.build import an_order, day, plain_shop
from tests.stages.build import NOW, decide, effect, effects, facts, mails, moves, reasons, shipment

LATER = NOW + timedelta(hours=5)
KEY = "SH-1:requested"
BY_WEBHOOK = {"supplier_urls": {"warehouse": "https://warehouse.example/hook"}}


def standing(*shipments: Any, **changes: Any) -> Any:
    return facts(changes.pop("order", None), **{"state": "authorized", "shipments": shipments, **changes})


def test_nobody_is_told_before_the_planned_time() -> None:
    decision = decide(STAGE, standing(shipment(instruct_at=LATER)))
    assert (decision.work, decision.moves, decision.effects, decision.mails) == ([("dispatch", LATER)], [], [], [])


def test_a_supplier_with_a_url_is_told_by_webhook() -> None:
    decision = decide(STAGE, standing(shipment(), **BY_WEBHOOK))
    assert effects(decision) == [("supplier.instruct", KEY)]
    assert decision.effects[0].wakes == "dispatch"
    assert moves(decision) == ["order: authorized -> released"]
    assert mails(decision) == []


def test_any_other_is_told_by_mail() -> None:
    decision = decide(STAGE, standing(shipment(), supplier_mails={"warehouse": "soko@example.jp"}))
    (mail,) = decision.mails
    assert (mail.template, mail.to, mail.shipment) == ("supplier_instruction", "soko@example.jp", "SH-1")
    assert moves(decision) == ["order: authorized -> released", "shipment: planned -> instructed"]
    assert "unit_price" not in str(mail.context), "a supplier is told no prices"


REMARKS = "11/28午前中着希望。コマ詰め 手首周り16cm。領収書希望。裏口へ"
TOLD = ["11/28午前中着希望", "コマ詰め 手首周り16cm"]


def test_a_webhook_carries_the_wish_and_what_is_for_the_supplier() -> None:
    """STO-02, DLV-02: not what is for accounting, nor what an operator had to read."""
    order = an_order("reuse", remarks=REMARKS)
    (told,) = decide(STAGE, standing(shipment(), order=order, **BY_WEBHOOK)).effects
    assert told.payload["delivery"] == {"date": "2026-11-28", "slot": "AM"}
    assert [(one["kind"], one["says"], one["for"]) for one in told.payload["instructions"]] == [
        ("desired_date", TOLD[0], "supplier"),
        ("desired_slot", TOLD[0], "supplier"),
        ("work_order", TOLD[1], "supplier"),
    ]


def test_the_field_is_the_wish_where_the_remarks_say_none() -> None:
    """DLV-02."""
    order = an_order("reuse", delivery_date=day("2026-11-28"), delivery_slot="14-16")
    (told,) = decide(STAGE, standing(shipment(), order=order, **BY_WEBHOOK)).effects
    assert told.payload == {"delivery": {"date": "2026-11-28", "slot": "14-16"}, "instructions": []}


@pytest.mark.parametrize("remarks", ["11/28までに届けてください", "11/28以降に届けてください"])
def test_only_one_day_is_a_date(remarks: str) -> None:
    """Whoever labels the parcel must not take the last day that is good for the day that is wished for."""
    (told,) = decide(STAGE, standing(shipment(), order=an_order("reuse", remarks=remarks), **BY_WEBHOOK)).effects
    assert (told.payload["delivery"]["date"], told.payload["instructions"][0]["says"]) == (None, remarks)


def test_a_mail_carries_the_same() -> None:
    (mail,) = decide(STAGE, standing(shipment(), order=an_order("reuse", remarks=REMARKS))).mails
    assert mail.context["delivery"] == {"date": day("2026-11-28"), "slot": "AM"}
    assert mail.context["instructions"] == TOLD


def test_without_an_address_the_shops_operators_pass_it_on() -> None:
    assert decide(STAGE, standing(shipment())).mails[0].to == "operations@salon.example.jp"


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
    assert [m.shipment for m in decision.mails] == ["SH-1"]
    assert decision.work == [("dispatch", NOW + timedelta(hours=1))]
