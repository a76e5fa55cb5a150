"""Inspect the goods of a return (検品): they are as they must be, or they, or some of them, go back to the customer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from models.states import ReturnState
from pipelines.errors import Problem
from pipelines.orders import pieces
from pipelines.orders.action import About, Action, Case, Request
from pipelines.orders.pieces import Pieces, by_line
from pipelines.orders.returning import not_at, returned
from pipelines.orders.schema import MANY_LINES
from pipelines.rules.explain import Refusal, Sentence


class GoodsInspected(Request):
    """What was seen of the goods."""

    passes: Annotated[bool, Field(description="Whether they are as the terms ask; else they are sent back")]
    rejected: Annotated[
        list[Pieces],
        Field(
            default_factory=list,
            max_length=200,
            description="Pieces that do not pass though the rest does: they become a return of their own, and are sent back",
        ),
    ]
    words: Annotated[
        str, Field(default="", max_length=500, pattern=MANY_LINES, description="Why they do not pass, for the customer")
    ]


def stands(case: Case) -> Sequence[Refusal]:
    """The goods are there, and nobody has looked at them."""
    return not_at(case, ReturnState.RECEIVED)


def faults(case: Case, asked: GoodsInspected) -> Sequence[Problem]:
    """Goods that are sent back without a word, or pieces that the return does not have."""
    if (not asked.passes or asked.rejected) and not asked.words:
        return [Problem("words", "say why they do not pass")]
    if not asked.rejected:
        return []
    there = returned(case).pieces
    problems = pieces.faults(case.order.facts, asked.rejected, there, "are in the return", field="rejected")
    if not asked.passes or sum(by_line(asked.rejected).values()) == there.total():
        problems.append(Problem("passes", "nothing passes: say so, and name no pieces"))
    return problems


ACTION = Action(
    name="returns:inspect",
    label=Sentence("返品を検品する", "Inspect the goods"),
    says=Sentence(
        "検品の結果を登録します。合格しない商品は、お客様に返送します。",
        "What was seen of the goods: those that do not pass are sent back to the customer.",
    ),
    about=About.RETURN,
    model=GoodsInspected,
    wakes="return.inspect",
    stands=stands,
    faults=faults,
)
