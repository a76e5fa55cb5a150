"""Exchange the goods of a return (交換): others leave for them, and the difference is paid anew (RET-02, RET-06, TAX-05)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field

from models.states import ReturnState
from pipelines.changes.replacing import asks_for_more, exchanged, to_pay, worth
from pipelines.errors import Problem
from pipelines.orders.action import About, Action, Case, Request
from pipelines.orders.judgement import Known, judge
from pipelines.orders.returning import not_at, returned
from pipelines.orders.schema import MANY_LINES, LineDocument, PaymentDocument
from pipelines.rules.explain import Refusal, Sentence
from pipelines.rules.order import Line

_NOT_OFFERED: Final = Sentence(
    "お店の返品規定では、この返品の商品を交換いたしません。", "The shop's terms exchange none of these goods."
)
_LESS: Final = Sentence(
    "お店の返品規定では、{least}円以上の商品との交換に限ります。",
    "The shop's terms exchange these for goods of {least} yen or more: what is over is never paid back.",
)
_ONE_OF_A_KIND: Final = "is one of a kind, and is not taken in exchange"


class ReturnExchanged(Request):
    """A return whose goods are exchanged."""

    lines: Annotated[
        list[LineDocument], Field(min_length=1, max_length=200, description="The goods that are taken for them")
    ]
    payment: PaymentDocument | None = Field(
        default=None, description="How the difference and the fee are paid; left out where nothing is to be paid"
    )
    words: Annotated[
        str, Field(default="", max_length=500, pattern=MANY_LINES, description="What the customer is told of it")
    ]


def stands(case: Case) -> Sequence[Refusal]:
    """The goods passed, and the terms of each reason name an exchange."""
    if refused := not_at(case, ReturnState.INSPECTED):
        return refused
    for line in returned(case).lines:
        terms = case.shop.returns.terms_for(line.reason)
        if terms is None or "exchange" not in terms.remedies:
            return [Refusal(_NOT_OFFERED, rule=terms.rule if terms else None, ways_out=("returns:refund",))]
    return []


def faults(case: Case, asked: ReturnExchanged) -> Sequence[Refusal | Problem]:
    """Goods that are worth too little, that the shop does not sell so, or that nobody pays (RET-06)."""
    one, paid = returned(case), asked.payment
    lines = taken_lines(asked)
    least = worth(case.order, one)
    if asks_for_more(case.shop, one) and sum(line.unit_price * line.quantity for line in lines) < least:
        return [Refusal(_LESS, {"least": f"{least:,}"}, rule="RET-06")]
    method, token = (paid.method, paid.token) if paid else (None, None)
    new, due = to_pay(exchanged(case.order, case.shop, one, case.now, lines, method, token), case.shop)
    if due and paid is None:
        return [Problem("payment", f"{due:,} yen are to be paid: say how")]
    judged = judge(new, case.shop, Known(now=case.now))
    unique = [
        Problem(f"lines[{index}].availability", _ONE_OF_A_KIND)
        for index, line in enumerate(judged.order.lines)
        if line.availability == "unique"
    ]
    return [*_named_twice(asked), *unique, *judged.problems]


def _named_twice(asked: ReturnExchanged) -> list[Problem]:
    named = [one.line for one in asked.lines]
    twice = [index for index, one in enumerate(named) if one in named[:index]]
    return [Problem(f"lines[{index}].line", "Must be unique.") for index in twice]


def taken_lines(asked: ReturnExchanged) -> list[Line]:
    """The goods that are taken, as the rules see them."""
    return [Line(**{**vars(one), "flags": frozenset(one.flags), "supplier": one.supplier or ""}) for one in asked.lines]


ACTION = Action(
    name="returns:exchange",
    label=Sentence("返品の商品を交換する", "Exchange the goods"),
    says=Sentence(
        "別の商品をお送りします。差額と交換手数料は、元の注文に紐づく新しい注文でお支払いいただきます。",
        "Other goods leave for these as an order linked to this one; the difference and the fee are paid with it.",
    ),
    about=About.RETURN,
    model=ReturnExchanged,
    wakes="return.exchange",
    stands=stands,
    faults=faults,
)
