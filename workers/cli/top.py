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

from workers.cli.database import opened
from workers.cli.terminal import out, table


def top(
    once: Annotated[bool, typer.Option("--once", help="Print it once.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, once.")] = False,
    every: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.5, max=60.0)] = 2.0,
) -> None:
    """Show orders a second, backlog by stage, effects by kind and outcome, latencies, and open circuits; Ctrl-C ends it."""
    from workers.settings import load
    from workers.throughput import look

    engine = opened("top")
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(look(engine, load().clock.now())) + b"\n")
    elif once:
        out.print(shown(look(engine, load().clock.now())))
    else:
        try:
            with Live(
                shown(look(engine, load().clock.now())), console=out, screen=out.is_terminal, auto_refresh=False
            ) as live:
                while True:
                    time.sleep(every)
                    live.update(shown(look(engine, load().clock.now())), refresh=True)
        except KeyboardInterrupt:
            return


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
