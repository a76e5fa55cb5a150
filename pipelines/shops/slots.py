"""Times of day (時間帯) that orders of a shop may ask for: its own list, else what every carrier keeps that its suppliers may use (A.0,
B.4.4, DLV-02)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from pipelines.carriers import CARRIERS
from pipelines.carriers.sagawa import NOT_IN_CONTRACT
from pipelines.shops.fulfilling import Delivery, Supplier

#: What some carrier keeps, where nobody says which one comes.
_ANY: Final = ("AM", "12-14", "14-16", "16-18", "18-20", "18-21", "19-21")
#: A window, and not words of a shop's own, which travel as they are.
_WINDOW: Final = re.compile(r"AM|PM|\d+-\d+")


def kept_by_all(delivery: Delivery, suppliers: Mapping[str, Supplier]) -> tuple[str, ...]:
    """The slots that an order may ask for where the profile lists none."""
    known = [windows for windows in _windows(delivery, suppliers) if windows]
    if not known:
        return _ANY
    return tuple(slot for slot in known[0] if all(slot in windows for windows in known))


def unknown_slots(delivery: Delivery, suppliers: Mapping[str, Supplier]) -> Iterator[tuple[int, str]]:
    """Windows of the profile's list that none of the shop's carriers keeps, by their places, each with what they keep. Where a carrier
    with windows of its own may come nothing is wrong."""
    known = list(_windows(delivery, suppliers))
    if not known or not all(known):
        return
    kept = dict.fromkeys(slot for windows in known for slot in windows)
    for place, slot in enumerate(delivery.slots or ()):
        if slot not in kept and _WINDOW.fullmatch(slot):
            yield place, ", ".join(kept)


def _windows(delivery: Delivery, suppliers: Mapping[str, Supplier]) -> Iterator[Collection[str]]:
    """The windows of each carrier that a supplier may use: its own, else one of those that the shop accepts. What goes by another
    supplier goes by that one's carrier."""
    for supplier in suppliers.values():
        if supplier.ships_via is None:
            named = delivery.carriers if supplier.carrier is None else (supplier.carrier,)
            yield from (_of_carrier(one, supplier) for one in named)


def _of_carrier(carrier: str, supplier: Supplier) -> Collection[str]:
    slots = CARRIERS[carrier].slots
    left_out = NOT_IN_CONTRACT[supplier.files.windows] if carrier == "sagawa" else ()
    return [slot for slot in slots if slot not in left_out]
