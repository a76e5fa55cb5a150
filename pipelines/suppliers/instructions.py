"""What a supplier is told of a shipment (出荷指示), and the key under which it is told once."""

from __future__ import annotations

from typing import Final

from pipelines.engine.stage import Facts, ShipmentFacts
from pipelines.suppliers.channel import Instruction

REQUESTED: Final = "shipment.requested"


def instruct_key(shipment_id: str) -> str:
    """The one instruction of a shipment; it is the webhook-id the supplier sees."""
    return f"{shipment_id}:requested"


def instruction_of(facts: Facts, shipment: ShipmentFacts) -> Instruction:
    """What the supplier of ``shipment`` is told, and was: the pieces that were not cancelled, and where they go."""
    lines = {line["line"]: line for line in facts.document["lines"]}
    return Instruction(
        key=instruct_key(shipment.id),
        type=REQUESTED,
        supplier=shipment.supplier,
        shop=facts.shop,
        number=facts.number,
        order_id=facts.id,
        placed_at=facts.placed_at,
        shipment=shipment.id,
        dispatch_on=shipment.dispatch_on,
        lines=[
            {"line": key, "sku": lines[key]["sku"], "name": lines[key]["name"], "quantity": pieces.live}
            for key, pieces in shipment.lines.items()
        ],
        ship_to=facts.document["ship_to"],
        delivery=facts.document.get("delivery"),
    )
