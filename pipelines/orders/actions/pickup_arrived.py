"""Arrived (店舗到着): the store has what was called to it, whatever its carrier says (STO-01)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from models.states import OrderState, TrackingState
from pipelines.orders.action import Action, Case, Reason
from pipelines.orders.pickups import is_over
from pipelines.rules.explain import Refusal, Sentence
from pipelines.rules.parcels import ENDED

_NOT_LEFT: Final = Sentence("商品がまだすべて発送されていません。", "Not all of the goods have left yet.")
_ALL_THERE: Final = Sentence("商品はすべて店舗に届いています。", "All of the goods are at the store already.")


def stands(case: Case) -> Sequence[Refusal]:
    """All has left, and something is on its way."""
    if refused := is_over(case):
        return refused
    if case.order.state != OrderState.SHIPPED:
        return [Refusal(_NOT_LEFT, rule="STO-01")]
    there = {TrackingState.AT_STORE, *ENDED}
    if all(one.tracking_status in there for one in case.order.parcels.values()):
        return [Refusal(_ALL_THERE, rule="STO-01")]
    return []


ACTION = Action(
    name="pickup:arrived",
    label=Sentence("店舗に到着した", "Arrived at the store"),
    says=Sentence(
        "取り寄せた商品が店舗に届きました。お客様にご来店のご案内をお送りします。",
        "What was called to the store is there: the customer is asked to come.",
    ),
    model=Reason,
    wakes="pickup.arrived",
    stands=stands,
)
