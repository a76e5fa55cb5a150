"""The jobs of member ranks: find who is concerned, ask the rule, keep the history, and let the customer hear of a rise.

Both are safe to repeat at any time: the history decides what is new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection

from models.store import ranks as store
from models.store import work
from models.store.customers import CustomerKey
from models.store.ranks import CustomerDay, NewRankRow, ShopDay
from models.store.work import of_order
from pipelines.rules.ranks import (
    RENEWED,
    ROLLING_DAYS,
    Change,
    Day,
    Standing,
    finished,
    in_force,
    missing_to_next,
    reevaluated,
    rises,
    window,
)
from pipelines.shops import Shop
from pipelines.values.calendar import JST

#: How late a purchase may come in and still raise the rank from the day after it.
_LATE = timedelta(days=31)
#: Days of purchases that can matter: the window of the day before a re-evaluation that is itself a whole period late.
_DAYS_READ = 2 * (ROLLING_DAYS + 1)


@dataclass(slots=True)
class _Customer:
    """What decides one customer's rank."""

    days: list[Day] = field(default_factory=list)
    history: list[Standing] = field(default_factory=list)

    def add(self, changes: Sequence[Change]) -> None:
        """These are part of the history."""
        new = [Standing(one.rank, one.from_on, one.cause == RENEWED) for one in changes]
        self.history = sorted([*self.history, *new], key=lambda one: one.from_on)


def evaluate(connection: Connection, shops: Mapping[str, Shop], now: datetime, since: datetime | None = None) -> int:
    """Raise the ranks of customers whose orders were accepted or changed from ``since`` on (RNK-03), or lower them for what was cancelled
    where the profile asks (RNK-06); how many entries.

    ``since`` None: everyone who bought in the last two years. A customer whose period has ended is re-evaluated first,
    so that a rise is measured in its own period.
    """
    since = since or _start_of_reading(now)
    losing = [key for key in _with_ranks(shops) if not shops[key].ranks.keep_after_cancel]
    concerned = store.buyers(connection, _with_ranks(shops), since)
    if losing:
        concerned = sorted({*concerned, *store.cancelled(connection, losing, since)})
    today = now.astimezone(JST).date()
    made: list[tuple[str, str, Change]] = []
    for (shop, customer), known in _read(connection, concerned, now).items():
        profile = shops[shop]
        changes = _turn_of_period(known, profile, today)
        first, _ = window(profile.ranks.window, today)
        risen = rises(known.days, known.history, profile, since=first)
        if not risen and not profile.ranks.keep_after_cancel:
            risen = _withdrawn(known, profile, today)
        made += [(shop, customer, change) for change in (*changes, *risen)]
    return _keep(connection, made, now)


def _turn_of_period(known: _Customer, shop: Shop, today: date) -> list[Change]:
    """The rises that late purchases of the period before brought, then what its end made of the rank; ``known`` has them from now on."""
    first, _ = window(shop.ranks.window, today)
    changes = rises([day for day in known.days if day.on < first], known.history, shop, since=today - _LATE)
    known.add(changes)
    if renewed := reevaluated(known.days, known.history, shop, today):
        known.add([renewed])
        changes.append(renewed)
    return changes


def reevaluate(connection: Connection, shops: Mapping[str, Shop], now: datetime) -> int:
    """Decide anew about ranks whose period has ended (RNK-04); how many entries. Catches up when it is run late."""
    today = now.astimezone(JST).date()
    ranked = _with_ranks(shops)
    begins = [
        ShopDay(
            shop,
            date(today.year, 1, 1)
            if shops[shop].ranks.window == "calendar_year"
            else today - timedelta(ROLLING_DAYS - 1),
        )
        for shop in ranked
    ]
    made = []
    for (shop, customer), known in _read(connection, store.ranked_before(connection, begins), now).items():
        made += [(shop, customer, change) for change in _turn_of_period(known, shops[shop], today)]
    return _keep(connection, made, now)


def standing(connection: Connection, shop: Shop, customer: str, now: datetime) -> dict[str, Any]:
    """A customer's rank as the interface shows it: since when, spend in the window, what is missing, the history; and
    whether the shop's levels are samples."""
    today = now.astimezone(JST).date()
    known = _read(connection, [CustomerKey(shop.key, customer)], now)[shop.key, customer]
    first, last = window(shop.ranks.window, today)
    spend = sum(day.spend for day in known.days if first <= day.on <= last)
    current = in_force(known.history, today, shop)
    above = missing_to_next(current.rank, spend, shop)
    return {
        "shop": shop.key,
        "customer": customer,
        "rank": current.rank,
        "rate": str(shop.rank_rates.get(current.rank, 0)),
        "since": None if current.from_on == date.min else current.from_on.isoformat(),
        "spend": spend,
        "window": {"kind": shop.ranks.window, "from": first.isoformat(), "to": last.isoformat()},
        "sample": shop.ranks.sample,
        "next": None if above is None else {"rank": above.rank, "missing": above.missing},
        "history": [
            {
                "rank": one.rank,
                "previous": one.previous,
                "from_on": one.from_on.isoformat(),
                "cause": one.cause,
                "spend": one.spend,
            }
            for one in store.histories(connection, [CustomerKey(shop.key, customer)])
        ],
    }


def rank_of(connection: Connection, shop: Shop, customer: str, now: datetime) -> str | None:
    """The rank in force today, the lowest for a customer without history; None where a shop has no ranks."""
    if not shop.ranks.levels:
        return None
    history = _read(connection, [CustomerKey(shop.key, customer)], now)[shop.key, customer].history
    return in_force(history, now.astimezone(JST).date(), shop).rank


def stored_ranks(
    connection: Connection, shops: Mapping[str, Shop], wanted: Sequence[tuple[str, str, datetime]]
) -> dict[tuple[str, str, date], str]:
    """The rank in force by (shop, customer, day of purchase), for (shop, customer, placed_at) of shops with ranks.

    A customer without history is missing: the storefront's word counts until there is one.
    """
    asked = {
        CustomerDay(shop, customer, at.astimezone(JST).date())
        for shop, customer, at in wanted
        if customer and shop in shops and shops[shop].ranks.levels
    }
    found = store.on_days(connection, sorted(asked))
    return {(row.shop, row.customer_id, row.day): row.rank for row in found}


def _with_ranks(shops: Mapping[str, Shop]) -> list[str]:
    return sorted(key for key, shop in shops.items() if shop.ranks.levels)


def _read(connection: Connection, concerned: Sequence[CustomerKey], now: datetime) -> dict[tuple[str, str], _Customer]:
    found: dict[tuple[str, str], _Customer] = {key: _Customer() for key in concerned}
    for row in store.spend_by_day(connection, concerned, since=_start_of_reading(now)):
        found[row.shop, row.customer_id].days.append(Day(row.day, row.spend, row.order_id))
    for one in store.histories(connection, concerned):
        found[one.shop, one.customer_id].history.append(Standing(one.rank, one.from_on, one.cause == RENEWED))
    return found


def _start_of_reading(now: datetime) -> datetime:
    return datetime.combine(now.astimezone(JST).date() - timedelta(days=_DAYS_READ), time(), JST)


def _withdrawn(known: _Customer, shop: Shop, today: date) -> list[Change]:
    """Where the profile asks, a rank goes when the purchases that brought it were cancelled (RNK-06)."""
    current = in_force(known.history, today, shop)
    first, _ = window(shop.ranks.window, today)
    if current.from_on == date.min or current.from_on < first:
        return []
    rank, spend = _proper(known, shop, current)
    names = list(shop.rank_rates)
    if current.rank not in names or rank not in names or names.index(rank) >= names.index(current.rank):
        return []
    return [Change(current.rank, rank, today + timedelta(days=1), "order cancelled", spend)]


def _proper(known: _Customer, shop: Shop, current: Standing) -> tuple[str, int]:
    """The rank, and the spend, that what stands today of the purchases before ``current`` brings in its place."""
    if current.renewed:
        return finished(known.days, current.from_on, shop)
    earlier = [one for one in known.history if one.from_on < current.from_on]
    before = in_force(earlier, current.from_on, shop)
    proper = rises([day for day in known.days if day.on < current.from_on], [before], shop, since=date.min)
    return (proper[-1].rank, proper[-1].spend) if proper else (before.rank, 0)


def _keep(connection: Connection, made: Sequence[tuple[str, str, Change]], now: datetime) -> int:
    """Write entries; the orders that brought a rise become due at the stage that tells the customer."""
    rows = [
        NewRankRow(
            shop=shop,
            customer_id=customer,
            rank=one.rank,
            previous=one.previous,
            from_on=one.from_on,
            cause=one.cause,
            spend=one.spend,
            order_id=one.order_id,
            at=now,
        )
        for shop, customer, one in made
    ]
    new = store.add(connection, rows)
    work.schedule(
        connection, [of_order("promote", row.order_id, now) for row in new if row.order_id and row.cause == "spend"]
    )
    return len(new)
