"""How many shipments leave on a day already, where a supplier sends only so many a day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class Load:
    """Shipments of one shop that are planned, by (supplier, day of dispatch). Whoever plans another one takes its place."""

    planned: Counter[tuple[str, date]] = field(default_factory=Counter)

    @classmethod
    def of(cls, planned: Mapping[tuple[str, date], int]) -> Load:
        """What is planned already."""
        return cls(Counter(planned))

    def is_full(self, supplier: str, day: date, capacity: int | None) -> bool:
        """Whether ``supplier``, which sends ``capacity`` shipments a day, sends no more on ``day``; None: any number."""
        return capacity is not None and self.planned[supplier, day] >= capacity

    def take(self, supplier: str, day: date | None) -> None:
        """One more shipment leaves on ``day``; None: none knows when."""
        if day is not None:
            self.planned[supplier, day] += 1
