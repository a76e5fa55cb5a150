"""How a supplier is reached (仕入先)."""

from __future__ import annotations

from pipelines.engine.draft import OrderDraft
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.errors import Misconfigured
from pipelines.shops import Shop


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
