"""Past orders against a changed profile (バックテスト): what would have left when, and what it would have come to.

Pure, and by the plan of real orders; each order is planned twice and forgotten, so that any number of them may be streamed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from pipelines.orders.plan import Assume, Plan, plan
from pipelines.rules.order import Order
from pipelines.shops import Shop
from pipelines.values.calendar import in_japan

#: Days from the order to its last dispatch that the table has a row for; what takes longer shares the last.
LONGEST: Final = 10


@dataclass(slots=True)
class Tally:
    """What a profile makes of orders. ``days``: orders by the days until the last of their goods left, None where no day could
    be named; amounts are yen."""

    orders: int = 0
    parcels: int = 0
    refused: int = 0
    days: Counter[int | None] = field(default_factory=Counter)
    grand_total: int = 0
    shipping: int = 0
    fees: int = 0
    points_earned: int = 0

    def add(self, made: Plan) -> None:
        """Count one order."""
        sums = made.breakdown.totals_json()
        self.orders += 1
        self.parcels += len(made.shipments)
        self.refused += bool(made.problems)
        self.days[_days(made)] += 1
        self.grand_total += sums["grand_total"]
        self.shipping += sums["shipping"]
        self.fees += sums["fees"]
        self.points_earned += made.breakdown.points_json()["earned"]

    @property
    def same_day(self) -> int:
        """Orders of which everything left on the day they were placed."""
        return self.days[0]

    @property
    def dated(self) -> int:
        """Orders that had a day."""
        return self.orders - self.days[None]

    def to_json(self) -> dict[str, Any]:
        """As printed: shares are text with four decimals, so that nothing is rounded twice."""
        waited = sum(days * count for days, count in self.days.items() if days is not None)
        return {
            "orders": self.orders,
            "parcels": self.parcels,
            "refused": self.refused,
            "same_day": self.same_day,
            "same_day_share": share(self.same_day, self.orders),
            "days": {str(days): self.days[days] for days in sorted(one for one in self.days if one is not None)},
            "undated": self.days[None],
            "average_days": share(waited, self.dated),
            "totals": {
                "grand_total": self.grand_total,
                "shipping": self.shipping,
                "fees": self.fees,
                "points_earned": self.points_earned,
            },
        }


@dataclass(slots=True)
class Comparison:
    """Both profiles over the same orders. ``earlier`` and ``later`` count orders whose last dispatch moves, ``dearer`` and
    ``cheaper`` those that come to another amount, ``skipped`` those of other shops."""

    before: Tally = field(default_factory=Tally)
    after: Tally = field(default_factory=Tally)
    earlier: int = 0
    later: int = 0
    dearer: int = 0
    cheaper: int = 0
    skipped: int = 0

    def to_json(self) -> dict[str, Any]:
        """The whole comparison."""
        return {
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            "changed": {
                "earlier": self.earlier,
                "later": self.later,
                "dearer": self.dearer,
                "cheaper": self.cheaper,
            },
            "skipped": self.skipped,
        }


def backtest(orders: Iterable[Order], before: Shop, after: Shop) -> Comparison:
    """Plan each of ``orders`` by both profiles. What only the time would have told is taken for granted alike: money that a method
    waits for comes with the order, points and ranks are nothing, no day is full."""
    found = Comparison()
    for order in orders:
        if order.shop != before.key:
            found.skipped += 1
            continue
        told = Assume(paid_at=order.placed_at)
        old, new = (plan(order, shop, told) for shop in (before, after))
        found.before.add(old)
        found.after.add(new)
        was, is_ = _last(old), _last(new)
        if was is not None and is_ is not None:
            found.earlier += is_ < was
            found.later += is_ > was
        change = new.breakdown.grand_total - old.breakdown.grand_total
        found.dearer += change > 0
        found.cheaper += change < 0
    return found


def share(part: int, whole: int) -> str | None:
    """``part`` of ``whole`` with four decimals, half up; None of nothing."""
    if not whole:
        return None
    units, rest = divmod((part * 20_000 + whole) // (2 * whole), 10_000)
    return f"{units}.{rest:04}"


def percent(part: int, whole: int) -> str:
    """The same for people: ``41.7 %``, half up; ``-`` of nothing."""
    if not whole:
        return "-"
    units, rest = divmod((part * 2_000 + whole) // (2 * whole), 10)
    return f"{units}.{rest} %"


def by_days(tally: Tally) -> Mapping[str, int]:
    """Orders by days until dispatch, for a table or chart: "0" to "9", "10+", and "-" for those without a day."""
    rows = {str(days): tally.days[days] for days in range(LONGEST)}
    rows[f"{LONGEST}+"] = sum(count for days, count in tally.days.items() if days is not None and days >= LONGEST)
    return {**rows, "-": tally.days[None]}


def _last(made: Plan) -> date | None:
    days = [one.dispatch.dispatch_on for one in made.shipments]
    known = [day for day in days if day is not None]
    return max(known) if known and len(known) == len(days) else None


def _days(made: Plan) -> int | None:
    last = _last(made)
    return None if last is None else (last - in_japan(made.order.placed_at).date()).days
