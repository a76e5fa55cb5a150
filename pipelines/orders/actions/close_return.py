"""Close a return (返品の終了): goods that did not pass went back, or nothing comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field

from pipelines.orders.action import About, Action, Case, Request
from pipelines.orders.returning import returned
from pipelines.orders.schema import MANY_LINES
from pipelines.rules.explain import Refusal, Sentence

_OVER: Final = Sentence("返品{return_id}は終了しています({state})。", "Return {return_id} is over: {state}.")


class ReturnClosed(Request):
    """A return that ends."""

    words: Annotated[
        str, Field(default="", max_length=500, pattern=MANY_LINES, description="What the customer is told of it")
    ]


def stands(case: Case) -> Sequence[Refusal]:
    """It is not over."""
    one = returned(case)
    return [] if one.is_live else [Refusal(_OVER, {"return_id": one.id, "state": one.state})]


ACTION = Action(
    name="returns:close",
    label=Sentence("返品を終了する", "Close the return"),
    says=Sentence(
        "検品に合格しなかった商品の返送を登録します。それ以外の返品は、返金せずに終了します。",
        "Goods that did not pass went back to the customer; any other return ends without a refund.",
    ),
    about=About.RETURN,
    model=ReturnClosed,
    wakes="return.close",
    stands=stands,
)
