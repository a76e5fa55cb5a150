"""What the rest of an order earns (INT-13, PTS-03): its points are floored over all of it, so that pieces that are gone take no fixed
part of them along."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from fractions import Fraction
from math import floor
from typing import Final

from pipelines.rules.money.breakdown import Breakdown, LineShare

#: Over what points are floored, the most generous first.
_SCOPES: Final = ("order", "rate_group", "line")


def still_earned(breakdown: Breakdown, left: Mapping[str, int], scope: str) -> int:
    """The points of what is left of an order: by line, ``left`` yen in the shop's price display, after coupons.

    ``scope`` is the profile's, over which points are floored; where the order's own points came about by another one, which is not kept
    with it, the most generous that explains them.
    """
    exact = {
        share.line: _part_that_earns(share, breakdown) * left[share.line] * Fraction(share.points_rate)
        for share in breakdown.lines
    }
    return sum(_points(group, exact) for group in _groups(breakdown, scope))


def _groups(breakdown: Breakdown, scope: str) -> list[list[LineShare]]:
    """The lines whose points were floored together."""
    whole = {
        share.line: _part_that_earns(share, breakdown) * share.net * Fraction(share.points_rate)
        for share in breakdown.lines
    }
    for one in (scope, *_SCOPES):
        found = _grouped(breakdown, one)
        if all(_points(group, whole) == sum(share.points for share in group) for group in found):
            return found
    return _grouped(breakdown, scope)


def _grouped(breakdown: Breakdown, scope: str) -> list[list[LineShare]]:
    groups: dict[Hashable, list[LineShare]] = {}
    for share in breakdown.lines:
        key: Hashable = share.line if scope == "line" else share.points_rate if scope == "rate_group" else None
        groups.setdefault(key, []).append(share)
    return list(groups.values())


def _points(group: list[LineShare], exact: Mapping[str, Fraction]) -> int:
    return floor(sum((exact[share.line] for share in group), Fraction(0)))


def _part_that_earns(share: LineShare, breakdown: Breakdown) -> Fraction:
    """What of a yen of a line earns: all of it, less its tax where prices have that in them, and what was paid in points where that
    does not (PTS-02)."""
    untaxed = Fraction(100, 100 + share.tax_rate) if breakdown.rules.display != "ex_tax" else Fraction(1)
    if share.points_base == floor(share.net * untaxed):
        return untaxed
    return Fraction(share.points_base, share.net) if share.net else Fraction(0)
