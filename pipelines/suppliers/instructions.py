"""What a supplier is told of a shipment (出荷指示), and the key under which it is told once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipelines.engine.facts import Facts
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.suppliers.channel import Instruction

INSTRUCT: Final = "supplier.instruct"
"""The kind of effect that an instruction is."""
REQUESTED: Final = "shipment.requested"
"""The type of the message."""


def instruct_key(shipment_id: str) -> str:
    """The one instruction of a shipment; it is the webhook-id the supplier sees."""
    return f"{shipment_id}:requested"


def instruction_of(facts: Facts, shipment: ShipmentDraft, pieces: Mapping[str, int] | None = None) -> Instruction:
    """What the supplier of ``shipment`` is told: ``pieces`` by line, None for all that were not cancelled, and where they
    go."""
    if pieces is None:
        pieces = {line: counted.live for line, counted in shipment.lines.items()}
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
            {"line": line, "sku": lines[line]["sku"], "name": lines[line]["name"], "quantity": quantity}
            for line, quantity in pieces.items()
        ],
        ship_to=facts.document["ship_to"],
        delivery=facts.document.get("delivery"),
    )
