"""Attend (担当者対応): an operator looked at a held order and lets it go on."""

from __future__ import annotations

from datetime import datetime

from models.states import Condition, OrderState, ShipmentState
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Need
from pipelines.engine.stage import Stage
from pipelines.shops import Shop

RELEASED = "order.release"

_GOES_ON_AT = {
    OrderState.ACCEPTED: "authorize",
    OrderState.AWAITING_PAYMENT: "authorize",
    OrderState.AUTHORIZED: "split",
    OrderState.RELEASED: "dispatch",
    OrderState.PARTLY_SHIPPED: "dispatch",
    OrderState.SHIPPED: "reward",
    OrderState.DELIVERED: "reward",
}


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Lift the hold and wake the stage at which the order stands; a cancelled order only comes to rest."""
    for event in draft.waiting:
        draft.applied(event)
    if not draft.held:
        return
    if draft.state == OrderState.CANCELLED:
        draft.drop_holds()
        draft.settle(Condition.DONE, "operator")
        return
    refused = {
        shipment.id
        for shipment in draft.shipments
        if shipment.state == ShipmentState.REFUSED and any(pieces.open for pieces in shipment.lines.values())
    }
    # Nothing would ever send these goods: their lines are taken out, or their supplier ships after all.
    draft.lift(lambda hold: hold["reason"] != "supplier_refused" or hold.get("shipment") not in refused, "operator")
    if not draft.held:
        stage = _GOES_ON_AT[OrderState(draft.state)]
        draft.next("dispatch" if stage == "split" and draft.shipments else stage, now)


STAGE = Stage(
    "attend",
    decide,
    Need.SHIPMENTS | Need.EVENTS,
    consumes=(RELEASED,),
    leads_to=("authorize", "split", "dispatch", "reward"),
)
