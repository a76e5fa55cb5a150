"""Replace the goods of a return (代替品の発送): the same goods leave again, for nothing (RET-01)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field

from models.states import ReturnState
from pipelines.orders.action import About, Action, Case, Request
from pipelines.orders.returning import not_at, returned
from pipelines.orders.schema import MANY_LINES
from pipelines.rules.explain import Refusal, Sentence

_NO_OTHER: Final = Sentence(
    "一点物のため、代わりの商品がありません。返金してください。",
    "There is no second piece of a one-of-a-kind item: refund it.",
)
_NOT_OFFERED: Final = Sentence(
    "お店の返品規定では、この返品に代替品をお送りしません。",
    "The shop's terms give no other goods for these.",
)
#: Remedies under which the customer gets the same goods again.
_ANEW: Final = frozenset({"replacement", "exchange"})


class ReturnReplaced(Request):
    """A return whose goods are replaced."""

    words: Annotated[
        str, Field(default="", max_length=500, pattern=MANY_LINES, description="What the customer is told of it")
    ]


def stands(case: Case) -> Sequence[Refusal]:
    """The goods passed, the shop bears the cost, its terms name other goods for them, and there are some (RET-01 to RET-06)."""
    if refused := not_at(case, ReturnState.INSPECTED):
        return refused
    one, terms_for = returned(case), case.shop.returns.terms_for
    for line in one.lines:
        terms = terms_for(line.reason)
        if line.cost_on != "shop" or terms is None or not _ANEW & set(terms.remedies):
            return [Refusal(_NOT_OFFERED, rule=terms.rule if terms else None, ways_out=("returns:refund",))]
    unique = {line.line for line in case.order.facts.order.lines if line.availability == "unique"}
    return [Refusal(_NO_OTHER, rule="INT-10", ways_out=("returns:refund",))] if unique & one.pieces.keys() else []


ACTION = Action(
    name="returns:replace",
    label=Sentence("代わりの商品を送る", "Replace the goods"),
    says=Sentence(
        "同じ商品を無料でもう一度お送りします。元の注文に紐づく0円の注文を作成します。",
        "The same goods leave again as an order that costs nothing, linked to this one.",
    ),
    about=About.RETURN,
    model=ReturnReplaced,
    wakes="return.replace",
    stands=stands,
)
