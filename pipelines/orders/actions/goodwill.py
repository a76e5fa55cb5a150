"""Goodwill (お詫び返金): the shop gives money back at will, for no goods that came back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field

from pipelines.changes.money import givable, outstanding
from pipelines.errors import Problem
from pipelines.orders.action import About, Action, Case, Request
from pipelines.orders.schema import MANY_LINES
from pipelines.rules.explain import Refusal, Sentence

_NOTHING_TAKEN: Final = Sentence(
    "この注文では、まだ受領していないか、すでに全額を返金しています。返金できる金額がありません。",
    "No money of this order is with the shop: it was not captured yet, or all of it went back.",
)
_DUE_FIRST: Final = Sentence(
    "返金すべき{amount}円がまだ残っています。先に次の操作で返金を記録してください: {ways_out}",
    "{amount} yen are due back already: record those first, with {ways_out}.",
)


class GoodwillGiven(Request):
    """Money that the shop gives back at will."""

    amount: Annotated[
        int, Field(ge=1, le=999_999_999, description="Yen; at most what was captured and has not gone back")
    ]
    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=MANY_LINES, description="Kept in the books")]


def stands(case: Case) -> Sequence[Refusal]:
    """The shop has money of the customer's that is not due back anyway."""
    if givable(case.order) <= 0:
        return [Refusal(_NOTHING_TAKEN)]
    if (due := outstanding(case.order)) > 0:
        return [Refusal(_DUE_FIRST, {"amount": due}, ways_out=("refunds",))]
    return []


def faults(case: Case, asked: GoodwillGiven) -> Sequence[Problem]:
    """More than the shop has."""
    left = givable(case.order)
    return [Problem("amount", f"only {left} yen were captured and have not gone back")] if asked.amount > left else []


ACTION = Action(
    name="refunds:goodwill",
    label=Sentence("お詫びとして返金する", "Refund at will"),
    says=Sentence(
        "商品の返品によらず、指定した金額をお客様に返金します。ポイントと消費税の金額は変わりません。",
        "So many yen go back to the customer, by the way they came or by hand; points and taxes of the order stay as they are.",
    ),
    about=About.PAYMENT,
    model=GoodwillGiven,
    wakes="refund.goodwill",
    stands=stands,
    faults=faults,
)
