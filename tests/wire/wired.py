"""A house that reaches its database over a wire that can be hurt, and the places at which a commit is struck."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.wire import (
    AFTER,
    ANSWERS,
    ASKS,
    BEFORE,
    POSTGRES_COMMIT,
    POSTGRES_COMMITTED,
    Injury,
    Strike,
    Way,
    Wire,
)
from tests.web.site import Site
from tests.world import World


class Wired(NamedTuple):
    """The house, its web interface, and the wire between them and the database. ``world`` looks past the wire."""

    wire: Wire
    world: World
    site: Site


class Blow(NamedTuple):
    """Where a commit is struck: ``kept`` says whether the database has it all the same."""

    way: Way
    place: bytes
    injury: Injury
    kept: bool

    def fall(self, wire: Wire, *, every: int = 1, most: int | None = 1) -> Strike:
        """Strike at the next commit, or at each ``every``-th."""
        return wire.strike("COMMIT", self.way, self.place, self.injury, every=every, most=most)


BLOWS = {
    "COMMIT never arrives": Blow(ASKS, POSTGRES_COMMIT, BEFORE, kept=False),
    "COMMIT is done, its answer swallowed": Blow(ASKS, POSTGRES_COMMIT, AFTER, kept=True),
    "the answer to COMMIT is cut": Blow(ANSWERS, POSTGRES_COMMITTED, BEFORE, kept=True),
}
