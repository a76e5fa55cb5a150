"""What work is about: an order, a part of one, or something that no order has. Standard library only."""

from __future__ import annotations

from typing import Final, NamedTuple

ORDER: Final = "order"
SHIPMENT: Final = "shipment"
PAYMENT: Final = "payment"
RETURN: Final = "return"


class Subject(NamedTuple):
    """Something that a stage can be due for: ``id`` is unique among those of its ``kind``."""

    kind: str
    id: str


def order_subject(order_id: int) -> Subject:
    """The order itself."""
    return Subject(ORDER, str(order_id))
