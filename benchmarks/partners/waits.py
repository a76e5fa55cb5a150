"""How long orders waited: what the database and the mail server say of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from benchmarks.partners.installed import Installed
from benchmarks.partners.outside import SOUND, Outside

#: Real seconds in which the last of the waits must have ended.
PATIENCE: Final = 60.0
_WAITS: Final = """
SELECT o.number, t.entity, extract(epoch FROM min(t.at) - o.accepted_at)::float8 AS waited
FROM shop_order o JOIN transition t ON t.order_id = o.id
WHERE o.shop = 'sound' AND (t.entity, t.to_state) IN (('order', 'authorized'), ('shipment', 'instructed'))
GROUP BY 1, 2, o.accepted_at"""

Waits = Mapping[str, Sequence[float]]
"""Seconds of each wait by its name."""


def waits(here: Installed, outside: Outside, numbers: Sequence[str]) -> Waits:
    """Seconds of each wait of the sound orders ``numbers``, once none of them waits any more.

    Raises TimeoutError if that takes longer than ``PATIENCE``.
    """
    until = time.monotonic() + PATIENCE
    while True:
        with here.engine.connect() as connection:
            found = {(row.number, row.entity): row.waited for row in connection.execute(text(_WAITS))}
            accepted = connection.execute(text("SELECT number, accepted_at FROM shop_order WHERE shop = 'sound'"))
            since = {row.number: here.real(row.accepted_at) for row in accepted}
        waiting = [n for n in numbers if not {(n, "order"), (n, "shipment")} <= found.keys()]
        waiting += [n for n in numbers if f"{SOUND}/{n}" not in outside.mails]
        if not waiting:
            break
        if time.monotonic() > until:
            raise TimeoutError(
                f"{len(set(waiting))} of {len(numbers)} sound orders still wait, {min(waiting)} among them"
            )
        time.sleep(0.2)
    return {
        "taken to authorized": [found[n, "order"] for n in numbers],
        "authorized to instructed": [found[n, "shipment"] - found[n, "order"] for n in numbers],
        "taken to mail": [outside.mails[f"{SOUND}/{n}"] - since[n] for n in numbers],
    }


def print_waits(console: Console, rounds: Mapping[str, Waits]) -> float:
    """Print each wait of each round with its ratios to the first; the greatest ratio of a median or a p95."""
    table = Table("wait of sound orders", "round", "median ms", "p95 ms", "longest ms", box=None)
    worst = 0.0
    for wait in next(iter(rounds.values())):
        first: tuple[float, float] | None = None
        for name, found in rounds.items():
            seconds = found[wait]
            median, (*_, p95) = statistics.median(seconds), statistics.quantiles(seconds, n=20)
            table.add_row(wait, name, *(f"{1000 * value:.0f}" for value in (median, p95, max(seconds))))
            if first is None:
                first = median, p95
            else:
                ratios = [after / before for before, after in zip(first, (median, p95), strict=True)]
                table.add_row("", "ratio", *(f"{ratio:.2f}" for ratio in ratios))
                worst = max(worst, *ratios)
    console.print(table)
    return worst
