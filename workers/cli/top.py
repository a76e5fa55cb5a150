"""``shukka top``: how busy the house is now, from the database: orders a second, what waits and for how long, effects by how they ended."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import orjson
import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text
from sqlalchemy import Engine

from workers.cli.database import opened
from workers.cli.terminal import out, table

#: Seconds of real time over which rates and outcomes are counted.
WINDOW = 60


def top(
    once: Annotated[bool, typer.Option("--once", help="Print it once.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, once.")] = False,
    every: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.5, max=60.0)] = 2.0,
) -> None:
    """Show orders a second, backlog by stage, effects by kind and outcome, latencies, and open circuits; Ctrl-C ends it."""
    engine = opened("top")
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(_look(engine)) + b"\n")
    elif once:
        out.print(shown(_look(engine)))
    else:
        try:
            with Live(shown(_look(engine)), console=out, screen=out.is_terminal, auto_refresh=False) as live:
                while True:
                    time.sleep(every)
                    live.update(shown(_look(engine)), refresh=True)
        except KeyboardInterrupt:
            return


def _look(engine: Engine) -> Mapping[str, Any]:
    """What is counted now, in plain values."""
    from models.store import attention, throughput
    from workers.settings import load

    now = load().clock.now()
    with engine.connect() as connection:
        counted = attention.counts(connection, now)
        moved = throughput.moved(connection, WINDOW)
        ended = throughput.ended(connection, WINDOW)
    of = {what: [row for row in counted if row.what == what] for what in ("work", "effect", "circuit", "attention")}
    return {
        "at": now.isoformat(sep=" ", timespec="seconds"),
        "seconds": WINDOW,
        "orders_per_second": {row.what: round(row.number / WINDOW, 2) for row in moved},
        "stages": [{"stage": row.name, "due": row.number, "late": round(row.late, 1)} for row in of["work"]],
        "waiting": [{"kind": row.name, "waiting": row.number, "late": round(row.late, 1)} for row in of["effect"]],
        "effects": [
            {
                "kind": row.kind,
                "state": row.state,
                "ended": row.number,
                "p50": round(row.p50, 3),
                "p95": round(row.p95, 3),
            }
            for row in ended
        ],
        "circuits": [row.name for row in of["circuit"]],
        "attention": {row.name: row.number for row in of["attention"] if row.number},
    }


def shown(seen: Mapping[str, Any]) -> RenderableType:
    """What was counted, as one page."""
    rates = ", ".join(f"{name} {rate:g}/s" for name, rate in seen["orders_per_second"].items()) or "no order"
    waits = ", ".join(f"{name} {number}" for name, number in seen["attention"].items()) or "nothing"
    parts: list[RenderableType] = [
        Text(f"{seen['at']}   in the last {seen['seconds']} s: {rates}", style="bold"),
        *_section("stages", ("stage", "due", "oldest, s"), seen["stages"]),
        *_section("effects that wait", ("kind", "waiting", "oldest, s"), seen["waiting"]),
        *_section("effects that ended", ("kind", "state", "number", "p50, s", "p95, s"), seen["effects"]),
        *([Text(f"\nopen circuits: {', '.join(seen['circuits'])}", style="yellow")] if seen["circuits"] else []),
        Text(f"\nwaits for a human: {waits}"),
    ]
    return Group(*parts)


def _section(title: str, headings: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    if not rows:
        return []
    return [Text(f"\n{title}", style="bold"), table(headings, [tuple(row.values()) for row in rows])]
