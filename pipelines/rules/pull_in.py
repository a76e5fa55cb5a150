"""Goods called to a store (取り寄せ), kept there until the customer's visit (STO-01): what may be called where, from when it can be
seen, and how long it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from pipelines.errors import Problem
from pipelines.rules.dates.periods import end_of
from pipelines.rules.order import Order, ShipTo
from pipelines.values.calendar import in_japan

if TYPE_CHECKING:
    from pipelines.shops import Shop
    from pipelines.shops.stores import Store


def to_store(order: Order, shop: Shop) -> Order:
    """``order`` with the address of the store that its goods are called to; as it is where they are not, or to none there is."""
    store = shop.stores.get(order.pickup.store) if order.pickup is not None else None
    return order if store is None else replace(order, ship_to=address_of(store))


def address_of(store: Store) -> ShipTo:
    """Where parcels for ``store`` go."""
    return ShipTo(
        "organisation",
        store.name,
        store.postal_code,
        store.region,
        store.city,
        store.line1,
        store.line2,
        store.phone,
    )


def is_visited_on(shop: Shop, store: str, day: date) -> bool:
    """Whether ``store`` receives visits on ``day``."""
    given = shop.stores[store].visit_dates
    return shop.visit_days(store).is_open(day) and (not given or day in given)


def takes_visit(shop: Shop, store: str, day: date, ordered_on: date) -> bool:
    """Whether goods that were ordered on ``ordered_on`` may be visited at ``store`` on ``day``, if they are there."""
    return day <= last_visit(shop, ordered_on) and is_visited_on(shop, store, day)


def last_visit(shop: Shop, ordered_on: date) -> date:
    """The last day for which an order of ``ordered_on`` may name a visit."""
    return ordered_on + timedelta(days=shop.pull_in.max_days_ahead)


def first_visit_from(shop: Shop, store: str, day: date) -> date:
    """The first day from ``day`` on on which ``store`` receives visits; ``day`` itself where all days that were given are over."""
    if not shop.stores[store].visit_dates:
        return shop.visit_days(store).next_open(day)
    return next(
        (one for one in sorted(shop.stores[store].visit_dates) if one >= day and is_visited_on(shop, store, one)), day
    )


def ready_on(shop: Shop, store: str, arrives_on: date) -> date:
    """The first day on which goods can be seen whose parcel arrives on ``arrives_on``: the store takes it in on an open day, and
    has its ``transfer_days``."""
    days = shop.visit_days(store)
    return days.add_business_days(days.next_open(arrives_on), shop.stores[store].transfer_days)


@dataclass(frozen=True, slots=True)
class Kept:
    """Until when goods are kept that are at a store: for the ``visit_on``, and without one, after a reminder at ``remind_at`` (aware,
    None where nothing is left of the time after it), through ``keep_until``; at ``over_at`` they go back."""

    visit_on: date
    keep_until: date
    remind_at: datetime | None
    over_at: datetime


def kept(shop: Shop, store: str, visit_on: date, arrived_at: datetime) -> Kept:
    """How long goods are kept that came to ``store`` at ``arrived_at`` (aware): for the visit, or where they came later for the first day
    on which the store receives visits then, ``keep_days`` more (STO-01)."""
    came_on = in_japan(arrived_at).date()
    visit = visit_on if came_on <= visit_on else first_visit_from(shop, store, came_on)
    days = shop.stores[store].keep_days
    keep_until = visit + timedelta(days=days)
    return Kept(visit, keep_until, end_of(visit) if days else None, end_of(keep_until))


def problems(order: Order, shop: Shop, first_day: date | None) -> Iterator[Problem]:
    """Every problem the shop has with goods that are called to a store. ``first_day``: when they can be there, by what is known now;
    None where nobody knows."""
    pickup = order.pickup
    if pickup is None:
        return
    if not shop.stores:
        yield Problem("pickup", "This shop calls no goods to stores; leave it out and send ship_to.")
        return
    if pickup.store not in shop.stores:
        yield Problem("pickup.store", f"There is no such store; the stores are {', '.join(shop.stores)}.")
    else:
        yield from visit_problems(order, shop, pickup.visit_on, first_day)
    for index, line in enumerate(order.lines):
        if shop.pull_in.flag not in line.flags:
            yield Problem(f"lines[{index}].flags", f"Without {shop.pull_in.flag} it is not called to a store (STO-01).")
    if order.method not in (*shop.pull_in.methods, "none"):
        choice = " or ".join(shop.pull_in.methods)
        yield Problem("payment.method", f"Goods called to a store are paid by {choice} (STO-01).")
    for name, wished in (("date", order.delivery_date), ("slot", order.delivery_slot)):
        if wished is not None:
            yield Problem(
                f"delivery.{name}", "Must be left out: the goods go to a store; say the day in pickup.visit_on."
            )


def visit_problems(
    order: Order, shop: Shop, visit_on: date, first_day: date | None, field: str = "pickup.visit_on"
) -> Iterator[Problem]:
    """What is wrong with a visit on ``visit_on`` to the store of ``order``."""
    assert order.pickup is not None
    store = shop.stores[order.pickup.store]
    ordered_on = in_japan(order.placed_at).date()
    last = last_visit(shop, ordered_on)
    if visit_on < ordered_on:
        yield Problem(field, "Must not be earlier than the order.")
    elif visit_on > last:
        yield Problem(field, f"Must not be later than {last.isoformat()}.")
    elif not is_visited_on(shop, order.pickup.store, visit_on):
        given = [day for day in sorted(store.visit_dates) if is_visited_on(shop, order.pickup.store, day)]
        only = f" It receives visits on {', '.join(map(str, given))} only." if given else ""
        yield Problem(field, f"The store receives no visits on {visit_on.isoformat()}.{only}")
    elif first_day is not None and visit_on < first_day:
        yield Problem(
            field, f"The goods are at the store from {first_day.isoformat()}; choose that day or a later one."
        )
