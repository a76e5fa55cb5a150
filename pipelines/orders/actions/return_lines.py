"""Goods that left and came back, or came to nothing (返品・事故): what the order comes to after them (A.12)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import Field

from models.states import ALL_LEFT, OrderState
from pipelines.changes.money import is_collected
from pipelines.engine.draft import OrderDraft
from pipelines.errors import Problem
from pipelines.orders import pieces
from pipelines.orders.action import Action, Case, Request
from pipelines.orders.pieces import Lines
from pipelines.orders.schema import MANY_LINES
from pipelines.rules.explain import Refusal, Sentence

_LEFT: Final = (OrderState.PARTLY_SHIPPED, *ALL_LEFT)
_NOT_LEFT: Final = Sentence(
    "現在の注文状態は{state}です。返品できるのは発送済みの商品に限ります。発送前は注文または明細を取り消してください。",
    "Now the order is {state}: only goods that have left can come back; before that cancel it or its lines.",
)
_COLLECTED_LATER: Final = Sentence(
    "代金引換の集金額は、残りの発送が終わるまで確定しません。発送を待つか、残りの明細を取り消してください。",
    "What was collected on delivery is known once the rest has left: wait for it, or take it out first.",
)
_ALL_BACK: Final = Sentence(
    "発送済みの商品はすべて返品・処理済みです。", "All that has left has come back or was settled."
)


class LinesReturned(Request):
    """Goods that left and came back, or came to nothing."""

    lines: Lines
    fault: Annotated[
        Literal["customer", "shop"],
        Field(
            default="customer",
            description="customer: coupons are recovered (CPN-04) and the return fee is due (TAX-05); shop: wrong, broken "
            "or lost on the way, neither is. Nor is either for what no customer received, whatever this says (RET-07, RET-08)",
        ),
    ]
    reason: Annotated[str, Field(default="", max_length=500, pattern=MANY_LINES, description="Kept with the change")]


def stands(case: Case) -> Sequence[Refusal]:
    """Something has left, and what the customer paid for it is known."""
    order = case.order
    if order.state not in _LEFT:
        return [Refusal(_NOT_LEFT, {"state": order.state}, ways_out=("cancel", "lines:cancel"))]
    if is_collected(order.money) and order.state == OrderState.PARTLY_SHIPPED:
        return [Refusal(_COLLECTED_LATER, ways_out=("lines:cancel",))]
    return []


def faults(case: Case, asked: LinesReturned) -> Sequence[Problem]:
    """Lines that are not there, or fewer of which are with the customer."""
    return pieces.faults(case.order.facts, asked.lines, with_customer(case.order), "have left and not come back")


def exhausted(case: Case) -> Sequence[Refusal]:
    """Nothing is with the customer any more."""
    return [] if any(with_customer(case.order).values()) else [Refusal(_ALL_BACK)]


def with_customer(order: OrderDraft) -> dict[str, int]:
    """By line, the pieces that have left, have not come back and are in no return that is under way."""
    coming, given_anew = order.coming_back, order.given_anew
    return {
        line: shipped - order.came_back(line) - coming[line] - given_anew[line]
        for line, shipped in order.shipped.items()
    }


ACTION = Action(
    name="lines:return",
    label=Sentence("返品を処理する", "Take goods back"),
    says=Sentence(
        "発送した商品の返品・紛失を処理します。代金・ポイント・クーポンを精算します。",
        "These pieces came back, or came to nothing on the way; money, points and coupons follow.",
    ),
    model=LinesReturned,
    wakes="order.return_lines",
    stands=stands,
    faults=faults,
    exhausted=exhausted,
)
