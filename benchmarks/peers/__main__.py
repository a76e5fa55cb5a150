"""``make bench-peers``: Shukka and its peers by turns on the same machine, in one run (docs/peers.md).

Every round of a peer is a run of Shukka and then one of the peer, each with a database and a broker of its own; medians of the rounds, the
least and the greatest beside them, and the ratio of each round. Exits 1 where a contender did not do the whole job.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.peers import engine_path, whole_path
from benchmarks.peers.catalogue import PEERS
from benchmarks.peers.run import Run

PATHS: Final = {"engine": engine_path, "whole": whole_path}
_SHOWN: Final = 5
"""Faults that are printed of each run."""


class Round(NamedTuple):
    """A run of Shukka and the peer's after it."""

    ours: Run
    theirs: Run

    @property
    def times(self) -> float:
        """How many times as many orders a second Shukka carried."""
        return self.ours.rate / self.theirs.rate

    @property
    def cheaper(self) -> float:
        """How many times the processor time an order the peer took."""
        return self.theirs.milliseconds / self.ours.milliseconds


def measure(
    console: Console, path: str, found: Mapping[str, list[Round]], rounds: int, ours: int, theirs: int
) -> Iterator[Round]:
    """One round of every peer of ``found``, then the next of every peer; each is there, and printed, as soon as it was run."""
    for n in range(rounds):
        for peer, its in found.items():
            one = Round(PATHS[path].ours(ours), PATHS[path].theirs(PEERS[peer], theirs))
            its.append(one)
            says = f"{one.ours.rate:.0f} against {one.theirs.rate:.1f} orders/s, {one.times:.1f} times"
            console.print(f"{path} {n + 1}/{rounds} {peer}: {says}")
            for name, run in (("Shukka", one.ours), (peer, one.theirs)):
                for fault in run.faults[:_SHOWN]:
                    console.print(f"[red]{name} did not do its job: {fault}[/red]")
            yield one


def show(console: Console, path: str, found: Mapping[str, Sequence[Round]]) -> None:
    """One table a path: medians, and the least and the greatest in brackets."""
    table = Table(
        f"{path} path",
        "orders/s",
        "Shukka beside it",
        "times faster",
        "ms an order",
        "Shukka's",
        "times cheaper",
        box=None,
    )
    for peer, rounds in found.items():
        table.add_row(
            f"{peer} {version(peer)}",
            _spread(rounds, lambda one: one.theirs.rate),
            _spread(rounds, lambda one: one.ours.rate),
            _spread(rounds, lambda one: one.times),
            _spread(rounds, lambda one: one.theirs.milliseconds),
            _spread(rounds, lambda one: one.ours.milliseconds),
            _spread(rounds, lambda one: one.cheaper),
        )
    console.print(table)


def _spread(rounds: Iterable[Round], of: Callable[[Round], float]) -> str:
    figures = [of(one) for one in rounds]
    return f"{statistics.median(figures):.1f} ({min(figures):.1f} to {max(figures):.1f})"


def _json(found: Mapping[str, Mapping[str, Sequence[Round]]]) -> str:
    told = {
        path: {
            peer: {
                "version": version(peer),
                "rounds": [
                    {
                        name: {
                            "orders": run.orders,
                            "seconds": run.seconds,
                            "processor seconds": dict(run.costs),
                            "faults": list(run.faults),
                        }
                        for name, run in zip(("shukka", "peer"), one, strict=True)
                    }
                    for one in rounds
                ],
            }
            for peer, rounds in by_peer.items()
        }
        for path, by_peer in found.items()
    }
    return json.dumps(told, indent=1)


def main() -> int:
    """Measure, print, and with ``--json`` write every run as soon as it is over."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.peers")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--peers", default=",".join(PEERS), help="by name, with commas")
    options.add_argument("--paths", default=",".join(PATHS), help="engine, whole")
    options.add_argument("--ours", type=int, default=3000, help="orders of each of Shukka's runs")
    options.add_argument("--theirs", type=int, default=300, help="orders of each of a peer's runs")
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    console, peers = Console(width=160), given.peers.split(",")
    found: dict[str, dict[str, list[Round]]] = {
        path: {peer: [] for peer in peers if path in PEERS[peer].paths} for path in given.paths.split(",")
    }
    faults: list[str] = []
    for path, by_peer in found.items():
        for one in measure(console, path, by_peer, given.rounds, given.ours, given.theirs):
            faults += [*one.ours.faults, *one.theirs.faults]
            if given.json:  # an hour's run that is cut short has told what it knows
                given.json.write_text(_json(found))
        show(console, path, by_peer)
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
