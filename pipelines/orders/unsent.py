"""Requests about goods that have not left: whether an order's shipment, or any of them, still waits to be sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from models.states import HoldReason, OrderState
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EffectFacts
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.orders.action import Case
from pipelines.rules.explain import Refusal, Sentence

_OPEN: Final = (OrderState.AUTHORIZED, OrderState.RELEASED, OrderState.PARTLY_SHIPPED)
_NOT_OPEN: Final = Sentence(
    "現在の注文状態は{state}です。発送を待っている商品はありません。",
    "Now the order is {state}: nothing of it waits to be sent.",
)
_NONE_LEFT: Final = Sentence(
    "出荷{shipment}は{state}で、発送を待っている商品はありません。",
    "{shipment} is {state}: nothing of it waits to be sent.",
)
_PART_LEFT: Final = Sentence(
    "出荷{shipment}の一部はすでに発送されています。残りは次の操作で対応してください: {ways_out}",
    "A part of {shipment} has left already; what is left of it: use {ways_out}.",
)


def not_waiting(case: Case) -> Sequence[Refusal]:
    """Why the shipment that a request is about does not wait to be sent; none if it does."""
    if case.order.state not in _OPEN:
        return [Refusal(_NOT_OPEN, {"state": case.order.state}, ways_out=("lines:return",))]
    one = about(case)
    if not one.left:
        return [Refusal(_NONE_LEFT, {"shipment": one.id, "state": one.state}, ways_out=("lines:return",))]
    return []


def has_left_in_part(case: Case, *ways_out: str) -> Sequence[Refusal]:
    """Why the shipment cannot be sent as a whole any more; none if nothing of it has left."""
    one = about(case)
    if not has_left(one):
        return []
    return [Refusal(_PART_LEFT, {"shipment": one.id}, ways_out=ways_out)]


def has_left(shipment: ShipmentDraft) -> bool:
    """Whether some of its pieces have left."""
    return any(pieces.shipped for pieces in shipment.lines.values())


def is_overdue(order: OrderDraft, shipment: ShipmentDraft, told: EffectFacts) -> bool:
    """Whether its instruction is still tried, and a person has the order because it did not arrive in time."""
    return told.state == "pending" and any(
        hold.reason == HoldReason.SUPPLIER_UNREACHABLE and hold.shipment == shipment.id for hold in order.holds
    )


def about(case: Case) -> ShipmentDraft:
    """The shipment of a case that is about one."""
    assert case.shipment is not None, "an action about a shipment is asked of one"
    return case.shipment
