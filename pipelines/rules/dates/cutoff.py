"""The planned dispatch day of a shipment, with the reasons for it (CUT-01 to CUT-04, INT-11, DLV-01, DLV-04).

A planned day is a possibility, not a guarantee; whatever shows it says "planned".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from pipelines.methods import METHODS, Secured
from pipelines.rules.cancel import pull_in_settles_at
from pipelines.rules.dates.capacity import Load
from pipelines.rules.dates.transit import transit_days, way_there
from pipelines.rules.explain import Because, because, days_between, says
from pipelines.rules.order import Order, Pickup
from pipelines.rules.pull_in import ready_on, takes_visit
from pipelines.rules.remarks import read
from pipelines.rules.split import Part, split
from pipelines.rules.wish import is_ignored, is_missed, wish
from pipelines.values.calendar import JST, in_japan
from pipelines.values.dispatch_days import DispatchDays

if TYPE_CHECKING:
    from pipelines.shops import Shop

_DAY = timedelta(days=1)
_NOBODY_ELSE = Load()


@dataclass(frozen=True, slots=True)
class DispatchPlan:
    """When a shipment should leave and arrive, or None where nothing can be promised yet, and why.

    ``instruct_at``: when the supplier is told. ``request_met``: whether the desired delivery date is met; None if none
    was asked for or it does not bind (best effort).
    """

    dispatch_on: date | None
    instruct_at: datetime | None
    arrive_on: date | None
    because: tuple[Because, ...]
    request_met: bool | None = None


def plan_dispatch(
    part: Part,
    order: Order,
    shop: Shop,
    *,
    counts_at: datetime | None,
    not_before: datetime | None = None,
    released_at: datetime | None = None,
    load: Load = _NOBODY_ELSE,
) -> DispatchPlan:
    """Plan one shipment.

    ``counts_at`` (aware) is the moment that is held against the cutoff: order completion for card, COD and billing,
    payment confirmation or approval for bank transfer, konbini and loan, and completion where that came later; None: the money is
    not in. ``not_before``: the day it falls on is the earliest possible one, for orders that are planned late. ``released_at``: when
    the last hold of an order that was held ended; it gets what an order of that moment would get. ``load``: what leaves already,
    where the supplier has a capacity.
    """
    locale = order.locale
    if counts_at is None:
        key = "approved" if METHODS[order.method].secured_by is Secured.APPROVAL else "paid"
        return DispatchPlan(None, None, None, (because(f"payment.{key}", locale),))
    if part.backorder and part.expected_on is None:
        return DispatchPlan(None, None, None, (because("backorder.no_date", locale),))

    event = _secured(order)
    if order.placed_at > counts_at:  # money that was there before there was an order waits for it
        counts_at, event = order.placed_at, "order"
    if released_at is not None and released_at > counts_at:
        counts_at, event = released_at, "released"
    counts_at = in_japan(counts_at)
    leaves = shop.dispatch_days(part.supplier)
    why: list[Because] = []
    earliest = _earliest(part, order, shop, counts_at, event, why)
    if not_before is not None:
        floor = leaves.calendar.next_open(in_japan(not_before).date())
        if earliest < floor:
            earliest = floor
            why.append(because("processed_late", locale, day=earliest))
    if load.is_full(part.supplier, earliest, leaves.capacity):
        earliest = load.first_free(part.supplier, leaves, full := earliest)
        why.append(because("capacity", locale, full=full, day=earliest))
    days = 0 if is_kept(part, order) else transit_days(order.ship_to.region, shop)
    dispatch_on, arrive_on, request_met = _for_request(part, order, shop, earliest, days, load, why)
    if not is_kept(part, order):
        why.append(way_there(order.ship_to.region, shop, locale))
    instruct_at = max(datetime.combine(dispatch_on, shop.calendar.instruct_at, JST), counts_at)
    if (settled_at := pull_in_settles_at(order.placed_at, shop)) is not None and order.pickup is not None:
        instruct_at = max(instruct_at, settled_at)
    return DispatchPlan(dispatch_on, instruct_at, arrive_on, tuple(why), request_met)


def is_kept(part: Part, order: Order) -> bool:
    """Whether the goods lie in the store that they are called to: they are set aside there, and no carrier has them (STO-01)."""
    return part.supplier == order.called_to


def first_visit(order: Order, shop: Shop, now: datetime) -> date | None:
    """The first day on which all that ``order`` calls to a store can be seen there, if its money is in at ``now`` (aware); None
    where a day of its goods is not known, or the store (STO-01)."""
    if order.pickup is None or order.pickup.store not in shop.stores:
        return None
    days = [
        plan_dispatch(part, order, shop, counts_at=max(order.placed_at, now), not_before=now).arrive_on
        for part in split(order.lines, shop, order.called_to)
    ]
    known = [day for day in days if day is not None]
    return max(known) if known and len(known) == len(days) else None


def closes_at(shop: Shop, supplier: str, at: datetime) -> datetime:
    """When a supplier that takes all of a day's instructions together is sent those of ``at`` (aware): its cutoff on that
    day, or on the next open one where the day is closed or its cutoff has passed (CUT-01). What is due within the second
    of the cutoff is in time as an order of that second is (``cutoff_inclusive``)."""
    leaves = shop.dispatch_days(supplier)
    day = leaves.first_for(in_japan(at))
    return datetime.combine(day, leaves.cutoff_on(day), JST)


def _secured(order: Order) -> str:
    """What of an order counts that no human holds (CUT-01)."""
    secured_by = METHODS[order.method].secured_by
    return secured_by.release_when if secured_by.is_awaited else "order"


def _earliest(part: Part, order: Order, shop: Shop, counts_at: datetime, event: str, why: list[Because]) -> date:
    """The first day the goods can leave, leaving aside the customer's wish and how full it is."""
    cutoff_why: list[Because] = []
    day = _by_cutoff(part, order, shop, counts_at, says(f"event.{event}", order.locale), cutoff_why)
    if part.expected_on is not None:
        ready = shop.dispatch_days(part.supplier).calendar.next_open(part.expected_on)
        if ready >= day:
            day = ready
            cutoff_why = [because("backorder.expected", order.locale, expected=part.expected_on, day=day)]
    why += cutoff_why
    return _prepared(part, order, shop, day, why)


def _by_cutoff(part: Part, order: Order, shop: Shop, counts_at: datetime, event: str, why: list[Because]) -> date:
    """Same day up to the cutoff on an open day, else the next open day; a closed day counts as before the cutoff of
    the next open one (CUT-01, CUT-02)."""
    leaves, locale = shop.dispatch_days(part.supplier), order.locale
    today, day = counts_at.date(), leaves.first_for(counts_at)
    cutoff = leaves.cutoff_on(today)
    if not leaves.calendar.is_open(today):
        why.append(because("cutoff.closed", locale, event=event, day=day))
        why.append(because("closed_day", locale, closed=days_between(today, day - _DAY, locale)))
    elif day == today:
        why.append(because("cutoff.in_time", locale, event=event, cutoff=cutoff, day=day))
    else:
        why.append(because("cutoff.missed", locale, event=event, cutoff=cutoff, day=day))
        if day > today + _DAY:
            why.append(because("closed_day", locale, closed=days_between(today + _DAY, day - _DAY, locale)))
    return day


def _prepared(part: Part, order: Order, shop: Shop, day: date, why: list[Because]) -> date:
    """``day``, or the later one on which the slowest source of the part's lines has prepared its goods and sent them to where
    they leave (INT-11), and work was done on them (STO-02). Each source prepares on its own open days; goods that do not leave need
    neither."""
    leaves = shop.dispatch_days(part.supplier).calendar
    ready, lead, transfer = day, 0, 0
    for source in () if is_kept(part, order) else _sources(part, order):
        profile = shop.supplier(source)
        if profile.lead_days or profile.transfer_days:
            done = shop.dispatch_days(source).calendar.add_business_days(day, profile.lead_days)
            there = leaves.add_business_days(done, profile.transfer_days)
            ready, lead, transfer = max((ready, lead, transfer), (there, profile.lead_days, profile.transfer_days))
    if work := read(order, shop).lead_days if order.remarks else 0:
        ready, lead = leaves.add_business_days(ready, work), lead + work
    if transfer:
        why.append(because("transfer", order.locale, days=transfer))
    if lead or transfer:
        why.append(because("lead_time", order.locale, days=lead, day=ready))
    return ready


def _sources(part: Part, order: Order) -> set[str]:
    """Who sends the part, and from whom its lines come."""
    found = {part.supplier}
    for line in order.lines:
        if line.supplier != part.supplier and any(line.line == line_id for line_id, _ in part.lines):
            found.add(line.supplier)
    return found


def _for_request(
    part: Part, order: Order, shop: Shop, earliest: date, days: int, load: Load, why: list[Because]
) -> tuple[date, date, bool | None]:
    """(dispatch, arrival, met) in view of the days wished for: as soon as they allow, by the latest open day that still
    meets the first of them (CUT-04). As early as possible is what every order gets."""
    soonest = earliest + timedelta(days=days)
    if order.pickup is not None and order.pickup.store in shop.stores:
        return _for_visit(part, order, order.pickup, shop, earliest, soonest, why)
    window = wish(order, shop).window
    if window is None or (window.first is None and window.last is None):
        return earliest, soonest, None
    desired = window.says(order.locale)
    best_effort = shop.delivery.requests == "best_effort"
    if is_ignored(shop, part.supplier, backorder=part.backorder):
        why.append(because("desired_date.ignored", order.locale, desired=desired))  # DLV-01
        return earliest, soonest, None
    if is_missed(window, soonest):
        why.append(because("desired_date.not_met", order.locale, desired=desired, arrive=soonest))  # DLV-04
        return earliest, soonest, None if best_effort else False
    arrival = soonest if window.first is None else max(soonest, window.first)
    day = _latest(part.supplier, shop.dispatch_days(part.supplier), load, earliest, arrival - timedelta(days=days))
    why.append(because("desired_date.met", order.locale, desired=desired, day=day))
    return day, arrival, True


def _for_visit(
    part: Part, order: Order, pickup: Pickup, shop: Shop, earliest: date, soonest: date, why: list[Because]
) -> tuple[date, date, bool]:
    """Goods that are called to a store leave as early as they can and are kept there; ``soonest`` is their parcel's day. Those that
    lie there are set aside on that day (STO-01)."""
    if is_kept(part, order):
        ready = shop.visit_days(pickup.store).next_open(soonest)
        why.append(because("kept", order.locale, store=shop.stores[pickup.store].called(order.locale), day=ready))
    else:
        ready = ready_on(shop, pickup.store, soonest)
    met = ready <= pickup.visit_on
    is_taken = takes_visit(shop, pickup.store, pickup.visit_on, in_japan(order.placed_at).date())
    key = "visit.closed" if not is_taken else "visit.met" if met else "visit.not_met"
    why.append(because(key, order.locale, visit=pickup.visit_on, ready=ready))
    return earliest, ready, met


def _latest(supplier: str, leaves: DispatchDays, load: Load, earliest: date, wished: date) -> date:
    """The last open day up to ``wished`` that is not full; ``earliest``, which is neither closed nor full, if there is none."""
    day = leaves.calendar.previous_open(wished)
    while day > earliest and load.is_full(supplier, day, leaves.capacity):
        day = leaves.calendar.previous_open(day - _DAY)
    return max(day, earliest)
