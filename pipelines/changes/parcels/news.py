"""An order while its suppliers' news is read, one event after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from models.states import HoldReason
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import ParcelFacts
from pipelines.engine.shipment_draft import ShipmentDraft
from pipelines.rules.holds import Hold
from pipelines.rules.parcels import Claim, allocate
from pipelines.shops import Shop

#: A parcel of an order: its shipment and its key.
Where = tuple[str, str]


@dataclass(slots=True)
class News:
    """What the news does to ``draft``, and what the customer is to hear of: parcels that ``arrived`` among those known, that
    hold more since (``grown``), whose number was ``corrected``, and that ``fared`` otherwise than before on their way."""

    draft: OrderDraft
    shop: Shop
    now: datetime
    arrived: list[Where] = field(default_factory=list)
    grown: list[Where] = field(default_factory=list)
    corrected: list[Where] = field(default_factory=list)
    fared: list[Where] = field(default_factory=list)

    def hold(self, hold: Hold) -> None:
        """Put the order before a human."""
        self.draft.hold(hold, hold.reason)

    def lift(self, reason: HoldReason, shipment: ShipmentDraft, cause: str) -> None:
        """What was held for is no reason any more."""
        self.draft.lift(lambda hold: hold.reason == reason and hold.shipment == shipment.id, cause)


def contents(shipment: ShipmentDraft, parcels: list[ParcelFacts]) -> dict[str, dict[str, int]]:
    """What is in each of a shipment's ``parcels``: by key, pieces by line."""
    live = {line: pieces.live for line, pieces in shipment.lines.items()}
    return allocate(live, [Claim(one.key, one.shipped_at, one.claim) for one in parcels])
