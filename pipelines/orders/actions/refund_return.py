"""Refund a return (返品の返金): by the stored spread of the order (CPN-04, PTS-12, PTS-13, TAX-05)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field

from models.states import OrderState, ReturnState
from pipelines.changes.money import is_collected
from pipelines.orders.action import About, Action, Case, Request
from pipelines.orders.returning import not_at
from pipelines.orders.schema import MANY_LINES
from pipelines.rules.explain import Refusal, Sentence

_COLLECTED_LATER: Final = Sentence(
    "代金引換の集金額は、残りの発送が終わるまで確定しません。発送を待ってください。",
    "What was collected on delivery is known once the rest has left: wait for it.",
)


class ReturnRefunded(Request):
    """A return that is refunded."""

    reason: Annotated[str, Field(default="", max_length=500, pattern=MANY_LINES, description="Kept with the change")]


def stands(case: Case) -> Sequence[Refusal]:
    """The goods passed, whatever remedy was asked for: stock may be gone (RET-01). What was paid is known."""
    if refused := not_at(case, ReturnState.INSPECTED):
        return refused
    if is_collected(case.order.money) and case.order.state == OrderState.PARTLY_SHIPPED:
        return [Refusal(_COLLECTED_LATER)]
    return []


ACTION = Action(
    name="returns:refund",
    label=Sentence("返品を返金する", "Refund the return"),
    says=Sentence(
        "返品の商品の代金・ポイント・クーポンを精算し、返金をお客様にお知らせします。",
        "Money, points and coupons of the goods follow; the customer hears what goes back.",
    ),
    about=About.RETURN,
    model=ReturnRefunded,
    wakes="return.refund",
    stands=stands,
)
