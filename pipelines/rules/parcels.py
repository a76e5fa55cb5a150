"""Which parcel holds what: a supplier's claims, in whatever order and however often they came, give one answer (TRK-05).

A claim with lines takes them first. Claims without lines mean "all open lines": the earliest takes the whole rest, a
later one is a further box of the same goods and holds no lines of its own. One parcel may be told row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from models.states import TrackingState

#: How a parcel ended that never reached the customer.
GONE: Final = frozenset({TrackingState.RETURNED, TrackingState.LOST})
#: How a parcel ended of which no more is to come.
ENDED: Final = GONE | {TrackingState.DELIVERED, TrackingState.DAMAGED}
#: What a supplier says is in a parcel: pieces by line, None for all that was open.
Lines = Mapping[str, int] | None


@dataclass(frozen=True, slots=True)
class Claim:
    """One parcel as its supplier tells it: ``lines`` maps line id to quantity, None for all open lines."""

    key: str
    shipped_at: datetime
    lines: Lines = None


def allocate(lines: Mapping[str, int], claims: Sequence[Claim]) -> dict[str, dict[str, int]]:
    """Parcel key -> line -> quantity, never more than ``lines`` hold in total.

    Claims are taken by (shipped_at, key), so their sequence does not matter. Of several claims with one key the first
    by that order counts. A quantity beyond what is open is cut to it; unknown lines are left out.
    """
    parcels = _one_a_key(claims)
    left = dict(lines)
    taken: dict[str, dict[str, int]] = {claim.key: {} for claim in parcels}
    for claim in parcels:
        for line, quantity in (claim.lines or {}).items():
            part = min(quantity, left.get(line, 0))
            if part > 0:
                taken[claim.key][line] = part
                left[line] -= part
    rest = {line: quantity for line, quantity in left.items() if quantity > 0}
    first = next((claim for claim in parcels if claim.lines is None), None)
    if first is not None:
        taken[first.key] = rest
    return taken


def together(known: Lines, told: Lines) -> Lines:
    """What is in one parcel that was told twice: each row adds to those before it, and "all that is open" holds any row."""
    return None if known is None or told is None else {**known, **told}


def contradicts(known: Lines, told: Lines) -> str | None:
    """Why ``told`` cannot be about the parcel in which ``known`` is; None if it can.

    The same row again is no contradiction, and of another line it is a further row.
    """
    for line in sorted((known or {}).keys() & (told or {}).keys()):
        if (known or {})[line] != (told or {})[line]:
            return f"the parcel has {(known or {})[line]} of line {line} already, and {(told or {})[line]} are told now"
    return None


def too_much(lines: Mapping[str, int], claims: Iterable[Lines]) -> str | None:
    """Why ``claims`` cannot all be right: a line that is not in the shipment, or more pieces than its ``lines`` have; None if
    they can."""
    named: dict[str, int] = {}
    for claim in claims:
        for line, pieces in (claim or {}).items():
            named[line] = named.get(line, 0) + pieces
    for line, pieces in sorted(named.items()):
        if line not in lines:
            return f"line {line} is not in this shipment"
        if pieces > lines[line]:
            return f"line {line} has {lines[line]}, and {pieces} are named"
    return None


def _one_a_key(claims: Sequence[Claim]) -> list[Claim]:
    """Sorted, one a key; among claims that differ under one key the choice must not depend on their sequence either."""
    chosen: dict[str, Claim] = {}
    for claim in sorted(claims, key=_place):
        chosen.setdefault(claim.key, claim)
    return list(chosen.values())


def _place(claim: Claim) -> tuple[datetime, str, bool, tuple[tuple[str, int], ...]]:
    return claim.shipped_at, claim.key, claim.lines is None, tuple(sorted((claim.lines or {}).items()))
