"""Which parcel holds what: a supplier's claims, in whatever order and however often they came, give one answer.

A claim with lines takes them first. Claims without lines mean "all open lines": the earliest takes the whole rest, a
later one is a further box of the same goods and holds no lines of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """One parcel as its supplier tells it: ``lines`` maps line id to quantity, None for all open lines."""

    key: str
    shipped_at: datetime
    lines: Mapping[str, int] | None = None


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


def _one_a_key(claims: Sequence[Claim]) -> list[Claim]:
    """Sorted, one a key; among claims that differ under one key the choice must not depend on their sequence either."""
    chosen: dict[str, Claim] = {}
    for claim in sorted(claims, key=_place):
        chosen.setdefault(claim.key, claim)
    return list(chosen.values())


def _place(claim: Claim) -> tuple[datetime, str, bool, tuple[tuple[str, int], ...]]:
    return claim.shipped_at, claim.key, claim.lines is None, tuple(sorted((claim.lines or {}).items()))
