"""How a supplier is reached (仕入先)."""

from __future__ import annotations

from typing import Final

from models.subject import SHIPMENT, Subject
from pipelines.engine.draft import OrderDraft
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.errors import Misconfigured
from pipelines.shops import Shop

#: The stage that waits for what suppliers say of what they were told.
WAITS_AT: Final = "dispatch"


def answer_of(shipment: ShipmentDraft) -> Subject:
    """What a supplier's answer is about."""
    return Subject(SHIPMENT, shipment.id)


def end_answered_waits(draft: OrderDraft) -> None:
    """Suppliers' answers that came with this decision, or are not needed any more, are not waited for."""
    for shipment in draft.shipments:
        if shipment.is_answered_now:
            draft.end_wait(WAITS_AT, answer_of(shipment))


def address(draft: OrderDraft, shop: Shop, shipment: ShipmentDraft) -> str:
    """Where mails about a supplier go: its own address, or the shop's operators, who pass them on.

    Raises Misconfigured if the shop names neither; the order is then set aside until it does.
    """
    name = shipment.supplier
    to = shop.supplier(name).mail or draft.facts.supplier_mails.get(name) or shop.operator_mail
    if not to:
        raise Misconfigured(
            f"shops/{shop.key}.toml", f"supplier {name} has no mail and the shop no operator_mail; set one"
        )
    return to
