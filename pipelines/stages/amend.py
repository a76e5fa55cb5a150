"""Amend (出荷の変更): an operator changes who sends goods that have not left, or where they go, or asks for them once more."""

from __future__ import annotations

from datetime import datetime

from models.states import ShipmentState
from pipelines.changes.requests import answer_each, asker
from pipelines.changes.sending import ask_again, ask_for_the_rest, reroute, send_elsewhere
from pipelines.engine.decision import Readdressing
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import EventFacts, Need
from pipelines.engine.stage import Stage
from pipelines.orders.actions.ask_again import ACTION as ASK_AGAIN
from pipelines.orders.actions.ask_again import SupplierAsked
from pipelines.orders.actions.change_address import ACTION as ADDRESS
from pipelines.orders.actions.change_address import AddressChanged
from pipelines.orders.actions.reroute import ACTION as REROUTE
from pipelines.orders.actions.reroute import ShipmentRerouted
from pipelines.orders.unsent import has_left
from pipelines.shops import Shop


def decide(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    """Grant what was asked, one request after the other."""

    def rerouted(event: EventFacts, asked: ShipmentRerouted) -> None:
        shipment = draft.shipment(asked.shipment)
        cause = f"given from {shipment.supplier} to {asked.supplier} by {asker(event)}"
        reroute(draft, shop, now, shipment, asked.supplier, reason=asked.reason, cause=cause)
        _lift(draft, REROUTE.name, shipment.id, cause)

    def asked_again(event: EventFacts, asked: SupplierAsked) -> None:
        shipment, cause = draft.shipment(asked.shipment), f"asked for again by {asker(event)}"
        if shipment.state == ShipmentState.ACKNOWLEDGED and has_left(shipment):
            ask_for_the_rest(draft, shop, now, shipment)
            draft.next("dispatch", now)
        else:
            ask_again(draft, shop, now, shipment, cause=cause)
        _lift(draft, ASK_AGAIN.name, shipment.id, cause)

    def readdress(event: EventFacts, asked: AddressChanged) -> None:
        key, ship_to = f"{event.source}:{event.event_id}", asked.ship_to.model_dump()
        draft.readdress(Readdressing(key, asked.reason, asker(event), ship_to))
        send_elsewhere(draft, shop, now, about=key, cause=f"address changed by {asker(event)}")

    answer_each(
        {
            REROUTE.wakes: (REROUTE, rerouted),
            ASK_AGAIN.wakes: (ASK_AGAIN, asked_again),
            ADDRESS.wakes: (ADDRESS, readdress),
        },
        draft,
        shop,
        now,
    )


def _lift(draft: OrderDraft, action: str, shipment: str, cause: str) -> None:
    draft.lift(lambda hold: hold.answered_by(action) and hold.shipment == shipment, cause)


STAGE = Stage(
    "amend",
    decide,
    Need.PAYMENT | Need.SHIPMENTS | Need.LOAD | Need.EVENTS | Need.EFFECTS | Need.SUPPLIERS | Need.ADJUSTMENTS,
    consumes=(REROUTE.wakes, ASK_AGAIN.wakes, ADDRESS.wakes),
    leads_to=("dispatch",),
)
