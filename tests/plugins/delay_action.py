"""A plug-in: a supplier gave a new date by telephone, and an operator writes it down as that supplier's news."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from models.states import ShipmentState
from pipelines.errors import Problem
from pipelines.orders.action import About, Action, Case, Request
from pipelines.orders.schema import Day
from pipelines.rules.explain import Refusal, Sentence

_OPEN = (ShipmentState.PLANNED, ShipmentState.BACKORDERED, ShipmentState.INSTRUCTED, ShipmentState.ACKNOWLEDGED)
_LEFT = Sentence("この出荷は{state}のため、日付を変更できません。", "The shipment is {state}: its date is settled.")


class DateGiven(Request):
    """The new date of a shipment."""

    shipment: Annotated[str, Field(max_length=64, description="The shipment's id")]
    expected_on: Annotated[Day, Field(description="The day on which it will leave")]
    reason: Annotated[str, Field(default="", max_length=500, description="What the supplier said")]


def stands(case: Case) -> Sequence[Refusal]:
    """What has not left yet may be delayed."""
    assert case.shipment is not None
    return [] if case.shipment.state in _OPEN else [Refusal(_LEFT, {"state": case.shipment.state})]


def faults(case: Case, asked: DateGiven) -> Sequence[Problem]:
    """A day that is over."""
    return [Problem("expected_on", "is over: name a day to come")] if asked.expected_on < case.now.date() else []


ACTION = Action(
    name="shipments:delay",
    label=Sentence("出荷日を変更する", "Write down a delay"),
    says=Sentence(
        "出荷元から聞いた新しい出荷日を記録し、お客様にお知らせします。",
        "Keep the day a supplier gave; the customer is told.",
    ),
    about=About.SHIPMENT,
    model=DateGiven,
    wakes="shipment.delayed",
    stands=stands,
    faults=faults,
    same=lambda asked: f"{asked.shipment} {asked.expected_on}",
)
