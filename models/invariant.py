"""What an invariant is; ``models.invariants`` lists them all."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invariant:
    """``query`` lists the rows that break it; ``says`` is the sentence for an operator.

    One of ``liveness`` names with ``shop`` and ``number`` the orders that nothing will ever move.
    """

    name: str
    says: str
    query: str
    liveness: bool = False
