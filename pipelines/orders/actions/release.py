"""Release (保留解除): somebody looked at a held order and lets it go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from models.states import OrderState, ShipmentState
from pipelines.engine.draft import OrderDraft
from pipelines.orders.action import Action, Case, Reason
from pipelines.rules.explain import Refusal, Sentence

_ELSEWHERE: Final = Sentence(
    "この保留は解除できません。次の操作で対応してください: {ways_out}",
    "A release does not answer what holds it: use {ways_out}.",
)
_NOT_HELD: Final = Sentence(
    "この注文の処理状況は{condition}で、保留されていません。", "The order is {condition}: nothing holds it."
)


def stands(case: Case) -> Sequence[Refusal]:
    """Only what is held can be let go, and only where somebody's look at it is an answer."""
    order = case.order
    if not order.held:
        return [Refusal(_NOT_HELD, {"condition": order.condition})]
    stuck = stuck_shipments(order)
    if order.state == OrderState.CANCELLED or any(
        h.answered_by(ACTION.name) or h.shipment not in stuck for h in order.holds
    ):
        return []
    ways_out = tuple(dict.fromkeys(name for hold in order.holds for name in hold.kind.answered_by))
    return [Refusal(_ELSEWHERE, ways_out=ways_out)]


def stuck_shipments(order: OrderDraft) -> set[str]:
    """Shipments that nothing would ever send: their supplier refused, and pieces are left. Their lines are taken out, or
    their supplier ships after all; nobody's look at them changes that."""
    return {s.id for s in order.shipments if s.state == ShipmentState.REFUSED and s.left}


ACTION = Action(
    name="release",
    label=Sentence("保留を解除する", "Release"),
    says=Sentence(
        "確認を終えたものとして保留を解除し、注文を次の段階へ進めます。",
        "Somebody has looked at it: lift the hold and let the order go on.",
    ),
    model=Reason,
    wakes="order.release",
    stands=stands,
)
