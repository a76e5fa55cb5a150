"""Lines that leave the order before they are sent (欠品・明細取消), for instance to answer a supplier's shortage (INT-13)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import Field

from models.states import OrderState
from pipelines.errors import Problem
from pipelines.orders import pieces
from pipelines.orders.action import Action, Case, Request
from pipelines.orders.pieces import Lines
from pipelines.orders.schema import MANY_LINES
from pipelines.rules.explain import Refusal, Sentence

_OPEN_ORDER: Final = (OrderState.AUTHORIZED, OrderState.RELEASED, OrderState.PARTLY_SHIPPED)
_NOT_OPEN: Final = Sentence(
    "現在の注文状態は{state}です。明細を取り消せるのは決済承認から発送までです。その前は注文のキャンセル、発送後は返品で対応してください。",
    "Now the order is {state}: lines are taken out between authorization and dispatch; before it cancel the order, after it "
    "take a return.",
)
_ALL_GONE: Final = Sentence(
    "発送前の商品は残っていません。", "Nothing is left to take out: all of it has left or was taken out."
)


class LinesCancelled(Request):
    """Lines that leave the order before they are sent."""

    lines: Lines
    fault: Annotated[
        Literal["customer", "shop"],
        Field(default="shop", description="shop: they cannot be supplied (INT-13); customer: the customer wished it"),
    ]
    reason: Annotated[
        str,
        Field(default="", max_length=500, pattern=MANY_LINES, description="Kept with the change; suppliers read it"),
    ]


def stands(case: Case) -> Sequence[Refusal]:
    """Lines are taken out once the money is secured and until they leave."""
    order = case.order
    if order.state in _OPEN_ORDER and order.shipments:
        return []
    return [Refusal(_NOT_OPEN, {"state": order.state}, rule="INT-13", ways_out=("cancel", "lines:return"))]


def faults(case: Case, asked: LinesCancelled) -> Sequence[Problem]:
    """Lines that are not there, or fewer of which are open."""
    left = Counter[str]()
    for shipment in case.order.shipments:
        left.update({line: shipment.open(line) for line in shipment.lines})
    return pieces.faults(case.order.facts, asked.lines, left, "have neither left nor been cancelled")


def exhausted(case: Case) -> Sequence[Refusal]:
    """Nothing waits to be sent any more."""
    return [] if any(shipment.left for shipment in case.order.shipments) else [Refusal(_ALL_GONE, rule="INT-13")]


ACTION = Action(
    name="lines:cancel",
    label=Sentence("明細を取り消す", "Take lines out"),
    says=Sentence(
        "発送前の明細を注文から外します。代金とポイントを精算し、お客様と出荷元にお知らせします。",
        "These pieces leave the order before they are sent; money and points follow, customer and supplier are told.",
    ),
    model=LinesCancelled,
    wakes="order.cancel_lines",
    stands=stands,
    faults=faults,
    exhausted=exhausted,
)
