"""An instruction as a label to be printed (送り状)."""

from __future__ import annotations

from datetime import date
from typing import Final

from pipelines.files.label import Label, Piece, Place
from pipelines.shops.supplier_files import SupplierFiles
from pipelines.suppliers.instructions import Instruction
from pipelines.values.prefecture import prefecture

#: Flags of lines by which goods do not travel as others of their supplier do, the coldest first.
_COLD: Final = ("frozen", "chilled")


def label_of(told: Instruction, files: SupplierFiles) -> Label:
    """What a label program must know of the shipment, its prefecture as the carrier spells it; ``files`` is how its supplier's goods
    travel."""
    wished = told.delivery or {}
    to = {**told.ship_to, "region": prefecture(told.ship_to["region"]) or told.ship_to["region"]}
    flags = {flag for line in told.lines for flag in told.flags.get(line["line"], ())}
    return Label(
        shipment=told.shipment,
        order=told.number,
        dispatch_on=told.dispatch_on,
        deliver_on=date.fromisoformat(wished["date"]) if wished.get("date") else None,
        slot=wished.get("slot") or None,
        to=Place(
            *(to.get(name) or "" for name in ("name", "postal_code", "region", "city", "line1", "line2", "phone"))
        ),
        pieces=tuple(Piece(line["line"], line["sku"], line["name"], line["quantity"]) for line in told.lines),
        collect=told.collect["amount"] if told.collect is not None else None,
        tax=told.collect["tax"] if told.collect is not None else 0,
        temperature=next((cold for cold in _COLD if cold in flags), files.temperature),
        best_effort=told.best_effort,
        settings=files,
    )
