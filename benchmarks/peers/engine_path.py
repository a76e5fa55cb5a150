"""The engine path: orders that are stored already go from accepted to points valid; gateway and suppliers answer at once.

Nothing is posted and no mail leaves: mails are rendered and stored. Every contender has two worker processes that are ready (a peer's have
carried a few orders) before the clock starts; it stops when the last order rests.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final

from benchmarks.engine import Orders
from benchmarks.engine_house import hands
from benchmarks.peers.catalogue import Peer
from benchmarks.peers.job import START, WARM, orders
from benchmarks.peers.place import House
from benchmarks.peers.run import Ground, Run, ground, prepared, process, said
from pipelines.engine.run import BATCH
from pipelines.orders.document import parse_order
from pipelines.orders.intake import Ending, Submission, take_in

PROCESSES: Final = 2
WARMING: Final = 40
"""Orders that a peer carries before its clock starts."""


def ours(count: int) -> Run:
    """Shukka's run."""
    with ground() as here:
        house, documents = House(here.place), orders("P", count)
        _take(here, house, documents)
        there = Orders(here.place.database, START, house.clock.anchor, None, BATCH)
        with hands(there, PROCESSES) as those:
            return here.clocked(those.pids, documents, house, those.signals.go.set, lambda: here.resting("P") == count)


def theirs(peer: Peer, count: int) -> Run:
    """A peer's run; the clock runs while the orders are enqueued."""
    with ExitStack() as stack:
        here = stack.enter_context(ground())
        house, documents = House(here.place), orders("P", count)
        _take(here, house, documents)
        _take(here, house, orders(WARM, WARMING))
        here = here._replace(books=peer.books)
        prepared(peer.prepare(peer.path), here.place)
        workers = [stack.enter_context(process(argv, here.place)) for argv in peer.commands(is_whole=False)]
        door = stack.enter_context(
            process([sys.executable, "-m", "benchmarks.peers.submit", peer.path], here.place, is_asked=True)
        )
        said(door, "ready")
        _submit(door, here.ids(WARM))
        here.until(lambda: here.resting(WARM) == WARMING, workers)
        pids, ids = [worker.pid for worker in workers], here.ids("P")
        return here.clocked(
            pids, documents, house, lambda: _submit(door, ids), lambda: here.resting("P") == count, workers
        )


def _take(here: Ground, house: House, documents: Sequence[Mapping[str, Any]]) -> None:
    """Intake is Shukka's for all; what a peer does not read (due work, search terms) stays as it is."""
    for first in range(0, len(documents), 500):
        group = [Submission(parse_order(one)) for one in documents[first : first + 500]]
        for answer in take_in(here.engine, house.shops, house.clock, group):
            assert answer.ending == Ending.ACCEPTED, answer


def _submit(door: subprocess.Popen[str], ids: Sequence[int]) -> None:
    assert door.stdin is not None
    door.stdin.write(" ".join(map(str, ids)) + "\n")
    door.stdin.flush()
    said(door, "submitted")
