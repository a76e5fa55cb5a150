"""Withdraw a return (返品の取り下げ): its customer keeps the goods after all."""

from __future__ import annotations

from collections.abc import Sequence

from models.states import ReturnState
from pipelines.orders.action import About, Action, Case, Request
from pipelines.orders.returning import not_at
from pipelines.rules.explain import Refusal, Sentence


class ReturnWithdrawn(Request):
    """A return that is not wanted any more."""


def stands(case: Case) -> Sequence[Refusal]:
    """Its goods have not come back."""
    return not_at(case, ReturnState.REQUESTED, ReturnState.AWAITING_GOODS)


ACTION = Action(
    name="returns:withdraw",
    label=Sentence("返品を取り下げる", "Withdraw the return"),
    says=Sentence(
        "商品が届く前に、お客様のご希望で返品を終了します。商品はお客様の手元に残ります。",
        "The customer keeps the goods after all: the return ends before they have come back.",
    ),
    about=About.RETURN,
    model=ReturnWithdrawn,
    wakes="return.withdraw",
    roles=("storefront", "operator"),
    stands=stands,
)
