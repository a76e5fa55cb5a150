"""Member ranks (会員ランク): spend windows, the way up, and the re-evaluation after a period (A.9).

Spend is yen ex tax of goods after discounts, by the day of purchase (RNK-05, RNK-06), cancelled and returned goods taken
off. A level is its position in ``levels``, lowest first. Up from the day after the purchase that reached the threshold
(RNK-03); never down inside a period (RNK-04).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from pipelines.shops import Shop

ROLLING_DAYS: Final = 365

RENEWED: Final = "re-evaluated"
"""The cause of what the end of a period makes of a rank (RNK-04)."""

Window = Literal["calendar_year", "rolling_365d"]


@dataclass(frozen=True, slots=True)
class Day:
    """What one customer spent on one day; ``order_id`` is the last order of that day."""

    on: date
    spend: int
    order_id: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The rank in force since ``from_on``; a customer without history has the lowest since for ever. ``renewed``: it is what the end of
    a period made of it (RNK-04)."""

    rank: str
    from_on: date = date.min
    renewed: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """A new entry of the history: ``rank`` instead of ``previous`` from ``from_on``, decided by ``spend`` yen."""

    previous: str
    rank: str
    from_on: date
    cause: str
    spend: int
    order_id: int | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """The next rank and how many yen are missing to it."""

    rank: str
    missing: int


def window(kind: Window, on: date) -> tuple[date, date]:
    """First and last day of the window that ``on`` belongs to, or that ends with it (RNK-02)."""
    if kind == "calendar_year":
        return date(on.year, 1, 1), date(on.year, 12, 31)
    return on - timedelta(days=ROLLING_DAYS - 1), on


def reached(spend: int, shop: Shop) -> str:
    """The highest rank whose threshold ``spend`` yen reach."""
    return [level.name for level in shop.ranks.levels if spend >= level.from_spend or level is shop.ranks.levels[0]][-1]


def missing_to_next(rank: str, spend: int, shop: Shop) -> Next | None:
    """The rank above ``rank`` and the yen missing to it; None at the top."""
    above = shop.ranks.levels[_level(rank, shop) + 1 :]
    return Next(above[0].name, max(0, above[0].from_spend - spend)) if above else None


def rises(days: Sequence[Day], history: Sequence[Standing], shop: Shop, since: date = date.min) -> list[Change]:
    """The rises that purchases from ``since`` on brought beyond ``history`` (both oldest first)."""
    made: list[Change] = []
    known = list(history)
    for day in days:
        if day.on < since:
            continue
        first, _ = window(shop.ranks.window, day.on)
        spend = sum(one.spend for one in days if first <= one.on <= day.on)
        from_on = day.on + timedelta(days=1)
        standing = in_force(known, from_on, shop)
        rank = reached(spend, shop)
        later = any(one.from_on > from_on and _level(one.rank, shop) >= _level(rank, shop) for one in known)
        if _level(rank, shop) > _level(standing.rank, shop) and not later:
            made.append(Change(standing.rank, rank, from_on, "spend", spend, day.order_id))
            known = sorted([*known, Standing(rank, from_on)], key=lambda one: one.from_on)
    return made


def reevaluated(days: Sequence[Day], history: Sequence[Standing], shop: Shop, today: date) -> Change | None:
    """The change at the start of a new period, decided by the one that ended (RNK-04); None if nothing is to change.

    A calendar year begins on 1 January. A rolling rank holds 365 days. Either is then granted anew, or a lower one is, and that is
    decided once: what comes back later takes nothing of the new period away (RNK-05), and what is heard of later still adds to it.
    """
    start = _period_start(history, shop, today)
    if start is None:
        return None
    standing, begins = in_force(history, start, shop), [one for one in history if one.from_on == start]
    rank, spend = finished(days, start, shop)
    above = _level(rank, shop) - _level(standing.rank, shop)
    if any(one.renewed for one in begins):
        stays = above <= 0
    elif begins:  # bought on the eve: the first day alone looks whether it was cancelled since
        stays = above >= 0 or today > start
    else:
        stays = _level(standing.rank, shop) == 0
    return None if stays else Change(standing.rank, rank, start, RENEWED, spend)


def finished(days: Sequence[Day], start: date, shop: Shop) -> tuple[str, int]:
    """The rank, and the spend, that the period came to which ended before ``start`` (RNK-04)."""
    first, last = window(shop.ranks.window, start - timedelta(days=1))
    spend = sum(one.spend for one in days if first <= one.on <= last)
    return reached(spend, shop), spend


def in_force(history: Sequence[Standing], on: date, shop: Shop) -> Standing:
    """The entry in force on a day; of several that begin on one day the last."""
    begun = [one for one in history if one.from_on <= on]
    return begun[-1] if begun else Standing(shop.ranks.levels[0].name)


def _period_start(history: Sequence[Standing], shop: Shop, today: date) -> date | None:
    if shop.ranks.window == "calendar_year":
        return date(today.year, 1, 1)
    standing = in_force(history, today, shop)
    if standing.from_on == date.min:
        return None
    ends = standing.from_on + timedelta(days=ROLLING_DAYS)
    return ends if ends <= today else None


def _level(rank: str, shop: Shop) -> int:
    """A rank's position; one the profile does not know any more counts as the lowest."""
    names = [level.name for level in shop.ranks.levels]
    return names.index(rank) if rank in names else 0
