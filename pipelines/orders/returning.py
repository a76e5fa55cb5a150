"""What requests about returns (返品) share: where a return must stand for them, and the words that say it does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from models.states import ALL_LEFT, OrderState, ReturnState
from pipelines.engine.facts import ReturnFacts
from pipelines.orders.action import Case
from pipelines.rules.explain import Refusal, Sentence

#: Where an order stands of which something has left.
HAS_LEFT: Final = (OrderState.PARTLY_SHIPPED, *ALL_LEFT)
_ELSEWHERE: Final = Sentence(
    "返品{return_id}は現在{state}です。この操作は{needed}の返品に限ります。",
    "Return {return_id} is {state}: this is for one that is {needed}.",
)
_ENDED: Final = Sentence(
    "注文は{state}のため、返品を進められません。返品を終了してください。",
    "The order is {state}: nothing can come of the return but its end.",
)


def returned(case: Case) -> ReturnFacts:
    """The return that a request is about. Raises LookupError for a case of none: whoever asks has looked it up."""
    if case.returned is None:
        raise LookupError("the request names no return")
    return case.returned


def not_at(case: Case, *needed: ReturnState) -> Sequence[Refusal]:
    """Refuses unless the return stands at one of ``needed``, and its order is one whose goods can come back."""
    one = returned(case)
    if one.state not in needed:
        listed = ", ".join(needed)
        return [Refusal(_ELSEWHERE, {"return_id": one.id, "state": one.state, "needed": listed})]
    if case.order.state not in HAS_LEFT:
        return [Refusal(_ENDED, {"state": case.order.state}, ways_out=("returns:close",))]
    return []
