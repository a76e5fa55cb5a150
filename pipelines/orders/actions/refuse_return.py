"""Refuse a return (返品のお断り): nothing comes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from models.states import ReturnState
from pipelines.orders.action import About, Action, Case, Request
from pipelines.orders.returning import not_at
from pipelines.orders.schema import MANY_LINES
from pipelines.rules.explain import Refusal, Sentence


class ReturnRefused(Request):
    """A return that may not be, and why."""

    words: Annotated[str, Field(min_length=1, max_length=500, pattern=MANY_LINES, description="Why, for the customer")]


def stands(case: Case) -> Sequence[Refusal]:
    """It was asked for and not answered."""
    return not_at(case, ReturnState.REQUESTED)


ACTION = Action(
    name="returns:refuse",
    label=Sentence("返品を断る", "Refuse the return"),
    says=Sentence(
        "返品を断り、理由をお客様にメールでお知らせします。", "Nothing comes back; the customer is told why."
    ),
    about=About.RETURN,
    model=ReturnRefused,
    wakes="return.refuse",
    stands=stands,
)
