"""Re-route (出荷元変更): another supplier sends a shipment, since its own cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field

from pipelines.errors import Problem
from pipelines.orders.action import About, Action, Case, Request
from pipelines.orders.schema import MANY_LINES, ONE_LINE
from pipelines.orders.unsent import about, has_left_in_part, not_waiting
from pipelines.rules.explain import Refusal, Sentence

SHIPMENT: Final = Field(min_length=1, max_length=64, pattern=ONE_LINE, description="The shipment's id")

_NOBODY_ELSE: Final = Sentence(
    "ほかに出荷元がありません。ショップの設定に追加するか、`shukka client create supplier`で登録してください。",
    "No other supplier is known: name one in the shop's profile, or register it with `shukka client create supplier`.",
)


class ShipmentRerouted(Request):
    """Another supplier for a shipment."""

    shipment: Annotated[str, SHIPMENT]
    supplier: Annotated[
        str,
        Field(
            min_length=1, max_length=64, pattern=ONE_LINE, description="Who sends it: a supplier that the shop knows"
        ),
    ]
    reason: Annotated[
        str, Field(default="", max_length=500, pattern=MANY_LINES, description="Kept; the former supplier reads it")
    ]


def stands(case: Case) -> Sequence[Refusal]:
    """All of the shipment still waits to be sent."""
    return not_waiting(case) or has_left_in_part(case, "lines:cancel")


def faults(case: Case, asked: ShipmentRerouted) -> Sequence[Refusal | Problem]:
    """A supplier that has it already, or that nobody knows: its instruction would reach no one. Where there is no other, no name is right."""
    if asked.supplier == about(case).supplier:
        return [Problem("supplier", f"{asked.supplier} has it already: to tell it once more, use shipments:ask_again")]
    if not (others := _others(case)):
        return exhausted(case)
    if asked.supplier not in others:
        return [Problem("supplier", f"{asked.supplier} is not known; there is {', '.join(others)}")]
    return []


def exhausted(case: Case) -> Sequence[Refusal]:
    """There is nobody else to send it."""
    return [] if _others(case) else [Refusal(_NOBODY_ELSE, ways_out=("shipments:ask_again", "lines:cancel"))]


def _others(case: Case) -> list[str]:
    """The suppliers that are known, but for the shipment's own: to the profile, by registration, or from the order's lines."""
    facts = case.order.facts
    ordered = {line.supplier for line in facts.order.lines}
    return sorted({*case.shop.suppliers, *facts.supplier_urls, *ordered, case.shop.split.home} - {about(case).supplier})


ACTION = Action(
    name="shipments:reroute",
    label=Sentence("出荷元を変更する", "Re-route"),
    says=Sentence(
        "別の出荷元に出荷を指示します。指示済みの出荷元には中止を依頼し、予定日を計算し直して、変わればお客様にお知らせします。",
        "Another supplier sends the shipment: the former one is told not to, the day is planned anew, and the customer hears of it "
        "if it changes.",
    ),
    about=About.SHIPMENT,
    model=ShipmentRerouted,
    wakes="order.reroute",
    stands=stands,
    faults=faults,
    exhausted=exhausted,
)
