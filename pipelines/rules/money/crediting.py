"""What a change of lines takes out of the lots of points it once filled, and what of that is kept back in yen (PTS-13)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pipelines.rules.lots import Lot
from pipelines.rules.money.adjustments import Adjustment, deduct, points_unearned
from pipelines.rules.money.breakdown import Breakdown
from pipelines.rules.purse import Purse


@dataclass(frozen=True, slots=True)
class Unearned:
    """Points of a lot that are earned no longer, because of ``line`` (empty: because of the whole order)."""

    line: str
    lot: Lot
    points: int


@dataclass(frozen=True, slots=True)
class Credit:
    """A change as it is kept with the order, and the points to take back."""

    change: Adjustment
    taken: tuple[Unearned, ...]


def credited(
    breakdown: Breakdown,
    before: Sequence[Adjustment],
    change: Adjustment,
    lots: Iterable[Lot],
    now: datetime,
    purse: Purse | None = None,
) -> Credit:
    """What ``change`` takes back of the order's ``lots``, after the adjustments ``before``.

    With a ``purse``, points that were earned and spent lessen the money; without, they are owed (PTS-13).
    """
    taken = list(unearned(lots, points_unearned(breakdown, before, change)))
    if purse is not None:
        missing = purse.out_of_reach([(one.lot.id, one.points) for one in taken], now)
        change = deduct(change, sum(missing))
        taken = _less(taken, missing, change.points_deducted)
    return Credit(change, tuple(taken))


def unearned(lots: Iterable[Lot], points: Mapping[str, int]) -> Iterator[Unearned]:
    """From which of an order's lots ``points`` by line go: the line's own, then the others, the newest first; none gives more than it
    ever gave the customer."""
    purchased = sorted((lot for lot in lots if lot.kind == "purchase"), key=lambda lot: lot.id, reverse=True)
    left = {lot.id: lot.amount - lot.gone for lot in purchased}
    for line, due in points.items():
        rest = due
        for lot in sorted(purchased, key=lambda lot: (lot.line or "") != line):
            part = min(rest, left[lot.id])
            if part > 0:
                left[lot.id] -= part
                rest -= part
                yield Unearned(line, lot, part)


def _less(taken: Sequence[Unearned], missing: Sequence[int], deducted: int) -> list[Unearned]:
    """What is left to take back in points when ``deducted`` of the ``missing`` ones were kept back in yen."""
    left = []
    for one, short in zip(taken, missing, strict=True):
        part = min(short, deducted)
        deducted -= part
        left.append(replace(one, points=one.points - part))
    return left
