"""``shukka attention``: what waits for a human, why, and the way out of each: the review queue on a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

import orjson
import typer

from workers.cli.database import opened
from workers.cli.terminal import out, table

if TYPE_CHECKING:
    from pipelines.review.queue import Item


def attention(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
    lang: Annotated[Literal["ja", "en"], typer.Option(help="Language of what is said.")] = "en",
) -> None:
    """List what waits for a human: held orders, letters to post, odd events, effects and mails that were given up."""
    from pipelines.review.queue import waiting
    from workers.settings import load

    with opened("attention").connect() as connection:
        found = waiting(connection, load().clock.now())
    if as_json:
        for item in found:
            sys.stdout.buffer.write(orjson.dumps(_shown(item, lang)) + b"\n")
        return
    rows = [(one["what"], _which(one), one["why"], _ways_out(one)) for one in (_shown(item, lang) for item in found)]
    out.print(table(("what", "which", "why", "way out"), rows) if rows else "nothing waits for a human")


def _shown(item: Item, lang: str) -> dict[str, Any]:
    hold = item.hold
    return {
        "what": item.label("en"),
        "id": item.which,
        "order": f"{item.row.shop}/{item.row.number}" if item.row.number else None,
        "why": f"{hold.reason}: {item.says(lang)}" if hold else item.says(lang),
        "way_out": item.way_out(lang),
        "ways_out": item.choices if hold else (),
        "assigned": item.row.operator,
    }


def _which(one: dict[str, Any]) -> str:
    """What it goes by in commands, with its order beside it where that is another name."""
    return one["id"] if one["order"] is None or one["order"] in one["id"] else f"{one['id']} ({one['order']})"


def _ways_out(one: dict[str, Any]) -> str:
    named = f"(shukka act {one['id']} {' | '.join(one['ways_out'])})" if one["ways_out"] else ""
    return f"{one['way_out']} {named}".rstrip()
