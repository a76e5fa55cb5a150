"""The table of a run, for a terminal and for ``docs/chaos-run.md``."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.chaos.catalogue import INJURIES
from benchmarks.chaos.run import Outcome, Wound

COLUMNS = ("injury", "boundary", "times", "strikes", "resume p50 s", "resume p99 s", "orders touched")


@dataclass(frozen=True, slots=True)
class Row:
    """One injury over all runs: how often it was inflicted and struck, its strikes in all, seconds until orders moved again."""

    name: str
    boundary: str
    times: int
    strikes: int
    p50: float | None
    p99: float | None
    orders: int

    def words(self) -> Sequence[str]:
        """As a table shows it."""
        return (
            self.name, self.boundary, str(self.times), str(self.strikes), _seconds(self.p50), _seconds(self.p99),
            str(self.orders),
        )  # fmt: skip


def rows(outcomes: Sequence[Outcome]) -> list[Row]:
    """A row for each injury that was ordered, in the catalogue's order."""
    found: dict[str, list[Wound]] = defaultdict(list)
    for outcome in outcomes:
        for one in outcome.storm.injuries:
            found.setdefault(one.name, [])
        for wound in outcome.wounds:
            found[wound.name].append(wound)
    return [_row(one.name, one.boundary.value, found[one.name]) for one in INJURIES if one.name in found]


def _row(name: str, boundary: str, wounds: Sequence[Wound]) -> Row:
    struck = [wound for wound in wounds if wound.struck]
    resumed = [math.inf if wound.resumed is None else wound.resumed for wound in struck]
    return Row(
        name, boundary, len(struck), sum(wound.struck for wound in struck), quantile(resumed, 50),
        quantile(resumed, 99), sum(wound.orders for wound in struck),
    )  # fmt: skip


def quantile(values: Sequence[float], percent: int) -> float | None:
    """The smallest of ``values`` that ``percent`` of them do not exceed; None of nothing."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def _seconds(value: float | None) -> str:
    return "-" if value is None else "never" if math.isinf(value) else f"{value:.1f}"


def sentences(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """What is to be said beside the table: orders, mails, and everything that is wrong, by name."""
    for outcome in outcomes:
        seed, verdict = outcome.storm.seed, outcome.verdict
        if verdict is None:
            yield f"seed {seed}: {outcome.says or f'stopped after {outcome.seconds:.0f} s'}"
            continue
        states = "  ".join(f"{state} {count}" for state, count in verdict.by_state.items())
        yield (
            f"seed {seed}: {sum(verdict.by_state.values())} orders in {outcome.seconds:.0f} s: {states}; "
            f"{sum(verdict.mails.values())} mails, {verdict.repeated} of them repeated after a cut"
        )
        yield from (f"seed {seed}: {says}" for says in outcome.unstruck)
        yield from (f"seed {seed}: did not heal: {says}" for says in outcome.unhealed)
        yield from (f"seed {seed}: stuck: {says}" for says in verdict.stuck)
        yield from (f"seed {seed}: violation: {says}" for says in verdict.violations)


def show(outcomes: Sequence[Outcome], console: Console) -> None:
    """The table and what is to be said beside it."""
    table = Table(*COLUMNS, box=None, pad_edge=False)
    for row in rows(outcomes):
        table.add_row(*row.words())
    console.print(table)
    for says in [*sentences(outcomes), summary(outcomes)]:
        console.print(says, markup=False, soft_wrap=True)


def summary(outcomes: Sequence[Outcome]) -> str:
    """One sentence."""
    every = [row.p99 for row in rows(outcomes) if row.p99 is not None]
    mixed = [wound for outcome in outcomes for wound in outcome.wounds if wound.is_mixed]
    good = all(outcome.is_good for outcome in outcomes)
    orders = sum(sum(one.verdict.by_state.values()) for one in outcomes if one.verdict is not None)
    return (
        f"{'good' if good else 'NOT GOOD'}: {orders} orders, {len(rows(outcomes))} injuries, {len(mixed)} strikes of mixtures, "
        f"longest resume p99 {_seconds(max(every, default=None))} s"
    )


def write(outcomes: Sequence[Outcome], path: Path) -> None:
    """The same as Markdown."""
    lines = [
        "# A run of the matrix",
        "",
        "Written by `make chaos`; what the columns mean: [chaos.md](chaos.md).",
        "",
        summary(outcomes) + ".",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|---|---|" + "---:|" * (len(COLUMNS) - 2),
        *("| " + " | ".join(row.words()) + " |" for row in rows(outcomes)),
        "",
        *(f"- {says}" for says in sentences(outcomes)),
    ]
    path.write_text("\n".join(lines) + "\n")
