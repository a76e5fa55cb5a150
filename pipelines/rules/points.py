"""Loyalty points (ポイント): what is used, what is earned, when it expires (A.8); ``rules.lots`` has where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

from pipelines.rules.dates.periods import end_of, same_day_months_later
from pipelines.rules.money.allocation import largest_remainder
from pipelines.rules.order import Line

if TYPE_CHECKING:
    from pipelines.shops import Shop

_RATE_UNITS: Final = 10_000  # rates have at most four decimals


def used(requested: int | Literal["all"], balance: int, cap: int | None, total: int) -> int:
    """Points used: the least of request, valid balance, the shop's cap and the grand total (PTS-06, PTS-07).

    A negative balance (after a clawback, PTS-13) blocks any use.
    """
    limits = [balance, total]
    if requested != "all":
        limits.append(requested)
    if cap is not None:
        limits.append(cap)
    return max(0, min(limits))


def rate_of(line: Line, shop: Shop, rank: str | None) -> Decimal:
    """A line's rate: its own snapshot, else its flag's, else the rank's, else the shop's (PTS-01, PTS-04, RNK-05).

    Of several flags with a rate the lowest holds. An unknown or missing rank is the lowest rank.
    """
    if line.points_rate is not None:
        return line.points_rate
    if line.flags and (
        by_flag := [shop.points.flag_rates[flag] for flag in line.flags if flag in shop.points.flag_rates]
    ):
        return min(by_flag)
    if ranks := shop.rank_rates:
        return ranks[rank] if rank in ranks else next(iter(ranks.values()))
    return shop.points.rate


@dataclass(frozen=True, slots=True)
class EarnBase:
    """What earns on one line: ``amount`` yen ex tax, times the caller's common ``scale``, at ``rate``."""

    amount: int
    rate: Decimal


def earned(bases: Sequence[EarnBase], scope: str, *, scale: int = 1) -> tuple[int, ...]:
    """Points by line, floored once per ``scope``: line, rate_group or order (PTS-03).

    ``scale``: amounts are given in 1/scale yen, so that ex-tax parts of tax-included prices stay exact. A group's
    points are split over its lines by the largest remainder, so that lines always add up.
    """
    groups: dict[object, list[int]] = {}
    for index, one in enumerate(bases):
        group = index if scope == "line" else one.rate if scope == "rate_group" else None
        groups.setdefault(group, []).append(index)
    points = [0] * len(bases)
    for members in groups.values():
        exact = [bases[index].amount * int(bases[index].rate * _RATE_UNITS) for index in members]
        shares = largest_remainder(sum(exact) // (scale * _RATE_UNITS), exact)
        for index, share in zip(members, shares, strict=True):
            points[index] = share
    return tuple(points)


def expires_on(acquired_on: date, shop: Shop) -> date | None:
    """Last day of ordinary points whose last acquisition was on ``acquired_on``; None if they never expire (PTS-11)."""
    months = shop.points.expiry_months
    return same_day_months_later(acquired_on, months) if months else None


def expiry(acquired_at: datetime, shop: Shop) -> datetime | None:
    """The moment after the last valid day of ordinary points acquired at ``acquired_at``; None if they never expire."""
    last_day = expires_on(acquired_at.date(), shop)
    return end_of(last_day) if last_day else None
