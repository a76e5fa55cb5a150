"""A check of all invariants as tests ask for it."""

from __future__ import annotations

from sqlalchemy import Engine

from models.checking import Extent, Progress, check


class Untold(Progress):
    """Nobody looks on."""

    def begun(self, extent: Extent) -> None:
        """Says nothing."""

    def asked(self, name: str, number: int, of: int) -> None:
        """Says nothing."""


UNTOLD = Untold()


class Extents(Untold):
    """Keeps what was looked at."""

    def __init__(self) -> None:
        self.seen: list[Extent] = []

    def begun(self, extent: Extent) -> None:
        """Keep it."""
        self.seen.append(extent)


def checked(engine: Engine, *, full: bool = False, whole_up_to: int = 0, progress: Progress = UNTOLD) -> dict[str, int]:
    """Rows that break invariants, by invariant, as ``shukka check --since-last`` finds them, or as one with ``full`` or ``whole_up_to`` does."""
    found = check(engine, progress, full=full, whole_up_to=whole_up_to)
    return {invariant.name: len(rows) for invariant, rows in found}
