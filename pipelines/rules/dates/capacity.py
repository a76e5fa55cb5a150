"""How many shipments leave on a day already, where a supplier sends only so many a day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pipelines.values.dispatch_days import DispatchDays

_DAY: Final = timedelta(days=1)


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

    def first_free(self, supplier: str, leaves: DispatchDays, day: date) -> date:
        """``day``, or the first open one after it that is not full; of a supplier that ``leaves`` on these days."""
        while self.is_full(supplier, day, leaves.capacity):
            day = leaves.calendar.next_open(day + _DAY)
        return day

    def give_back(self, supplier: str, day: date | None) -> None:
        """A shipment that was to leave on ``day`` is planned anew, and its place is free, for itself too."""
        if day is not None and self.planned[supplier, day] > 0:
            self.planned[supplier, day] -= 1

    def take(self, supplier: str, day: date | None) -> None:
        """One more shipment leaves on ``day``; None: none knows when."""
        if day is not None:
            self.planned[supplier, day] += 1
