"""Inspect the goods of a return (検品): they are as they must be, or go back to the customer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from models.states import ReturnState
from pipelines.errors import Problem
from pipelines.orders.action import About, Action, Case, Request
from pipelines.orders.returning import not_at
from pipelines.orders.schema import MANY_LINES
from pipelines.rules.explain import Refusal, Sentence


class GoodsInspected(Request):
    """What was seen of the goods."""

    passes: Annotated[bool, Field(description="Whether they are as the terms ask; else they are sent back")]
    words: Annotated[
        str, Field(default="", max_length=500, pattern=MANY_LINES, description="Why they do not pass, for the customer")
    ]


def stands(case: Case) -> Sequence[Refusal]:
    """The goods are there, and nobody has looked at them."""
    return not_at(case, ReturnState.RECEIVED)


def faults(case: Case, asked: GoodsInspected) -> Sequence[Problem]:
    """Goods that are sent back without a word."""
    return [] if asked.passes or asked.words else [Problem("words", "say why they do not pass")]


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
