"""What an instruction says beyond the goods: what the remarks ask of the supplier, what it collects (PAY-09), and whether it
sets the goods aside (STO-01)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from models.store.effect_items import OnDeliveryRow
from pipelines.methods import METHODS, Capture
from pipelines.orders.document import is_kept_by, order_from_json
from pipelines.orders.instructions import keep_instruction, supplier_instructions
from pipelines.rules.money.adjustments import Adjustment
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.money.collecting import Left, is_brought, to_collect
from pipelines.rules.wish import carried, wish
from pipelines.shops import Shop
from pipelines.suppliers.instructions import Instruction, carried_delivery


def complete(
    instruction: Instruction, shop: Shop, document: Mapping[str, Any] | None, due: OnDeliveryRow | None
) -> Instruction:
    """``instruction`` with what ``shop``'s profile says of it, and without a day of delivery that cannot be kept (DLV-04). ``document``
    is the order's where it has remarks or goods that are called to a store, ``due`` what it is to pay on delivery."""
    instruction = replace(instruction, best_effort=shop.slots is None)
    if document is not None and document.get("remarks"):
        order = order_from_json(document)
        asked = carried(wish(order, shop), shop, instruction)
        instruction = replace(instruction, **supplier_instructions(order, shop, asked))
    else:
        instruction = replace(instruction, delivery=carried_delivery(instruction.delivery, shop, instruction))
    if document is not None and is_kept_by(document, instruction.supplier):
        locale = shop.supplier(instruction.supplier).locale
        kept = keep_instruction(document["pickup"]["visit_on"], locale)
        instruction = replace(instruction, instructions=[*instruction.instructions, kept])
    if due is not None:
        instruction = replace(instruction, collect=_collected_by(instruction.shipment, due))
    return instruction


def paid_on_delivery(orders: Iterable[tuple[int, Mapping[str, Any]]]) -> list[int]:
    """The ids of those orders, told with their documents, whose carrier collects the money."""
    return list(
        {id_ for id_, document in orders if METHODS[document["payment"]["method"]].capture is Capture.ON_DELIVERY}
    )


def _collected_by(shipment: str, due: OnDeliveryRow) -> Mapping[str, int] | None:
    """What ``shipment`` collects; None where another one of its order does, a parcel of it that has left, or the money is in."""
    if shipment not in due.collecting or due.is_in or is_brought(map(_parcel, due.left or ())):
        return None
    changes = [Adjustment.from_json(amounts) for amounts in due.adjustments or ()]
    return to_collect(Breakdown.from_json(due.breakdown), changes)


def _parcel(told: Mapping[str, Any]) -> Left:
    ended = told["status_as_of"]
    return Left(
        datetime.fromisoformat(told["shipped_at"]),
        told["key"],
        told["tracking_status"],
        datetime.fromisoformat(ended) if ended else None,
    )
