"""The dispatch promise (出荷のお約束) of goods that nobody has ordered yet: which day, until when, and why.

Pure, and by the functions that split and plan real orders, so that an order of that moment gets the promised day.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from pipelines.rules.dates.capacity import Load
from pipelines.rules.dates.cutoff import DispatchPlan, plan_dispatch
from pipelines.rules.explain import Because, because
from pipelines.rules.order import Customer, Line, Order, Pickup, ShipTo
from pipelines.rules.pull_in import to_store
from pipelines.rules.routing import routed
from pipelines.rules.split import Part, split
from pipelines.values.calendar import in_japan

if TYPE_CHECKING:
    from pipelines.shops import Shop

_SECOND: Final = timedelta(seconds=1)
_NOBODY: Final = Customer("", "", "")
_EMPTY: Final = Load()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked about: ``lines`` that might be ordered, where they would go (``region``, empty: nobody knows), how they would
    be paid (``method``), and in which language the reasons are; ``pickup``: the store that they are called to, whose region counts."""

    lines: tuple[Line, ...]
    region: str = ""
    method: str = "card"
    locale: str = "ja"
    pickup: Pickup | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """What one parcel is promised at ``at`` (Asia/Tokyo).

    ``order_by``: the last second at which an order, with its money where the method waits for money, still gets
    ``dispatch_on``; one second later it gets another day. ``dispatch_on`` and ``order_by`` are None where no day can be
    promised, ``arrive_on`` also where the region is not known.
    """

    part: Part
    at: datetime
    dispatch_on: date | None
    arrive_on: date | None
    order_by: datetime | None
    because: tuple[Because, ...]

    @property
    def seconds_left(self) -> int | None:
        """Whole seconds from ``at`` until ``order_by``; 0 within its second."""
        return None if self.order_by is None else max(0, (self.order_by - self.at) // _SECOND)

    @property
    def same_day(self) -> bool:
        """Whether it leaves on the day of ``at``."""
        return self.dispatch_on == self.at.date()


def promises(wanted: Wanted, shop: Shop, at: datetime, load: Load = _EMPTY) -> tuple[Promise, ...]:
    """One promise a parcel of ``wanted``, as an order of ``at`` (aware) would be routed and split (A.4); ``load`` is what leaves already,
    where suppliers have a capacity, and each parcel takes its place before the next."""
    at = in_japan(at)
    order = routed(to_store(_order(wanted, at), shop), shop)
    parts = split(order.lines, shop, order.called_to)
    return tuple(_promise(part, parts[:place], order, shop, at, load) for place, part in enumerate(parts))


def _order(wanted: Wanted, at: datetime) -> Order:
    """The order that it would be, by nobody."""
    ship_to = ShipTo("individual", "", "", wanted.region, "", "")
    return Order(
        "", "", at, "web", wanted.locale, _NOBODY, ship_to, wanted.lines, method=wanted.method, pickup=wanted.pickup
    )  # fmt: skip


def _promise(part: Part, before: Sequence[Part], order: Order, shop: Shop, at: datetime, load: Load) -> Promise:
    limited = shop.dispatch_days(part.supplier).capacity is not None
    first = [one for one in before if one.supplier == part.supplier] if limited else ()

    def planned(moment: datetime) -> DispatchPlan:
        taken = Load.of(load.planned) if first else load
        for one in first:
            day = plan_dispatch(one, order, shop, counts_at=moment, load=taken).dispatch_on
            taken.take(one.supplier, day)
        return plan_dispatch(part, order, shop, counts_at=moment, load=taken)

    plan = planned(at)
    if plan.dispatch_on is None:
        return Promise(part, at, None, None, None, plan.because)
    leaves, last = shop.dispatch_days(part.supplier), plan.dispatch_on

    def closing(days: int) -> datetime:
        return leaves.in_time_until(leaves.calendar.next_open(at.date() + timedelta(days=days)))

    # The day changes with a cutoff and never back, so it is the first cutoff after which the answer is a later one.
    ends = range((last - at.date()).days + 1)
    order_by = closing(bisect_left(ends, True, key=lambda days: planned(closing(days) + _SECOND).dispatch_on != last))
    if order.ship_to.region:
        return Promise(part, at, last, plan.arrive_on, order_by, plan.because)
    reasons = tuple(why if why.rule != "transit" else because("no_region", order.locale) for why in plan.because)
    return Promise(part, at, last, None, order_by, reasons)


def right_until(found: Sequence[Promise], at: datetime) -> datetime:
    """Until when answers of ``at`` (aware) stay right as they are: the first ``order_by``, or the end of the day of ``at`` in
    Asia/Tokyo, after which another one is "the same day"."""
    tomorrow = in_japan(at).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return min([tomorrow, *(one.order_by for one in found if one.order_by is not None)])
