"""Release (保留解除): somebody looked at a held order and lets it go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from models.states import OrderState, ShipmentState
from pipelines.engine.draft import OrderDraft
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.orders.action import Action, Case, Reason
from pipelines.rules.explain import Refusal, Sentence
from pipelines.suppliers.instructions import instruct_key

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
    """Shipments that nothing would ever send: their supplier refused and pieces are left, or its instruction came to
    nothing. They are asked for anew, or their lines are taken out; nobody's look at them changes that."""
    return {one.id for one in order.shipments if one.left and _is_stuck(order, one)}


def _is_stuck(order: OrderDraft, shipment: ShipmentDraft) -> bool:
    told = order.effects.get(instruct_key(shipment.id, shipment.again))
    has_failed = told is not None and told.state in ("declined", "needs_review")
    return shipment.state == ShipmentState.REFUSED or (shipment.is_untold and has_failed)


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
