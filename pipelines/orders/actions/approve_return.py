"""Approve a return (返品承認): the goods may come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from models.states import ReturnState
from pipelines.orders.action import About, Action, Case, Request
from pipelines.orders.returning import not_at
from pipelines.orders.schema import MANY_LINES
from pipelines.rules.explain import Refusal, Sentence


class ReturnApproved(Request):
    """A return that may be."""

    words: Annotated[
        str, Field(default="", max_length=500, pattern=MANY_LINES, description="What the customer is told beside it")
    ]


def stands(case: Case) -> Sequence[Refusal]:
    """It was asked for and not answered."""
    return not_at(case, ReturnState.REQUESTED)


ACTION = Action(
    name="returns:approve",
    label=Sentence("返品を承認する", "Approve the return"),
    says=Sentence(
        "返品を承認し、返送先と返送期限をお客様にメールでお知らせします。",
        "The goods may come back; the customer is told where to and until when.",
    ),
    about=About.RETURN,
    model=ReturnApproved,
    wakes="return.approve",
    stands=stands,
)
