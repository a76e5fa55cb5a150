"""What the actions about goods at a store have alike (STO-01): where such an order stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from models.states import OrderState, TrackingState
from pipelines.orders.action import Case
from pipelines.rules.explain import Refusal, Sentence

_NO_PICKUP: Final = Sentence(
    "店舗に取り寄せるご注文ではありません。", "The goods of this order are not called to a store."
)
_OVER: Final = Sentence("このご注文の取り寄せはすでに終了しています。", "What was called to the store is over.")
_NOT_THERE: Final = Sentence("商品はまだ店舗に届いていません。", "The goods are not at the store.")


def is_over(case: Case) -> Sequence[Refusal]:
    """The order calls nothing to a store, or nothing any more."""
    if case.order.facts.pickup is None:
        return [Refusal(_NO_PICKUP, rule="STO-01")]
    over = {OrderState.CANCELLED, OrderState.DELIVERED, OrderState.UNDELIVERED}
    return [Refusal(_OVER, rule="STO-01")] if case.order.state in over else []


def is_not_there(case: Case) -> Sequence[Refusal]:
    """As ``is_over``, or nothing is at the store."""
    if refused := is_over(case):
        return refused
    there = any(one.tracking_status == TrackingState.AT_STORE for one in case.order.parcels.values())
    return [] if there else [Refusal(_NOT_THERE, rule="STO-01", ways_out=("pickup:arrived",))]
