"""The goods of a return are back (返品到着)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field

from models.states import ReturnState
from pipelines.errors import Problem
from pipelines.orders.action import About, Action, Case, Request
from pipelines.orders.actions.return_lines import with_customer
from pipelines.orders.returning import not_at, returned
from pipelines.orders.schema import Day
from pipelines.rules.explain import Refusal, Sentence
from pipelines.values.calendar import in_japan

_TOO_LATE: Final = Sentence(
    "返送期限の{goods_by}を過ぎています。期限内に届いていた場合は、到着日を登録してください。",
    "They had to be back by {goods_by}: say on which day they came in, if they came in time.",
)
_GONE: Final = Sentence("この商品は、ほかの返品で受け付けています。", "These pieces are in another return by now.")


class GoodsReceived(Request):
    """Goods that came back."""

    arrived_on: Annotated[Day | None, Field(default=None, description="The day on which they came in; left out: today")]


def stands(case: Case) -> Sequence[Refusal]:
    """They are waited for, or were and came in time for all that."""
    return not_at(case, ReturnState.AWAITING_GOODS, ReturnState.EXPIRED)


def faults(case: Case, asked: GoodsReceived) -> Sequence[Refusal | Problem]:
    """Goods of the future, goods that came too late, or pieces that came back otherwise."""
    one, today = returned(case), in_japan(case.now).date()
    arrived_on = asked.arrived_on or today
    if arrived_on > today or arrived_on < in_japan(one.asked_at).date():
        return [Problem("arrived_on", "must be a day between that on which the return was asked for and today")]
    if one.goods_by is not None and arrived_on > one.goods_by:
        return [Refusal(_TOO_LATE, {"goods_by": one.goods_by})]
    if not one.is_live and any(pieces > with_customer(case.order)[line] for line, pieces in one.pieces.items()):
        return [Refusal(_GONE)]
    return []


ACTION = Action(
    name="returns:receive",
    label=Sentence("返品の到着を登録する", "Record that the goods are back"),
    says=Sentence(
        "返品の商品が届いたことを登録し、お客様にメールでお知らせします。",
        "The goods of the return came in; the customer hears of it.",
    ),
    about=About.RETURN,
    model=GoodsReceived,
    wakes="return.receive",
    stands=stands,
    faults=faults,
)
