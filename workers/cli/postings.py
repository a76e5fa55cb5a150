"""``shukka postings ...``: letters with coupon codes that are to be posted (CUT-05)."""

from __future__ import annotations

import sys
from typing import Annotated

import orjson
import typer

from workers.cli.database import opened
from workers.cli.named import need_shops
from workers.cli.terminal import out, plain, table

app = typer.Typer(help="Letters with coupon codes.", no_args_is_help=True)

_ID = typer.Argument(help="The posting's number, from `shukka postings list`.", min=1, max=2**62)


@app.command("list")
def list_(
    shop: Annotated[list[str] | None, typer.Option(help="A shop; repeat for several, none means all.")] = None,
    done: Annotated[bool, typer.Option("--done", help="Those that were posted, or mailed instead.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines, with codes and addresses.")] = False,
) -> None:
    """List letters that are to be posted, the oldest first."""
    from pipelines.points.postings import listed
    from pipelines.values.calendar import in_japan
    from workers.settings import load

    need_shops(shop or ())
    with opened("postings").connect() as connection:
        found = listed(connection, shop or [], in_japan(load().clock.now()).date(), done=done)
    if as_json:
        for one in found:
            sys.stdout.buffer.write(orjson.dumps(one) + b"\n")
        return
    columns = ("id", "shop", "customer", "order", "way", "due_on", "days_overdue", "posted_at", "posted_by")
    rows = [tuple("" if one[name] is None else str(one[name]) for name in columns) for one in found]
    nothing = "no letter was posted yet" if done else "no letter is to be posted"
    out.print(table(columns, rows) if rows else nothing)


@app.command()
def label(posting: Annotated[int, _ID]) -> None:
    """Print the address, and the code that the letter brings."""
    from pipelines.points.postings import to_post
    from pipelines.rules.dates.periods import last_day
    from pipelines.values.honorific import called
    from pipelines.values.place import shown_place

    with opened("postings").connect() as connection:
        row = to_post(connection, posting)
    to = shown_place(row.ship_to)
    lines = (f"〒{to['postal_code']}", f"{to['region']}{to['city']}{to['line1']}", to["line2"], called(to, "ja"))
    out.print(plain("\n".join(line for line in lines if line)))
    until = f", until {last_day(row.expires_at).isoformat()}" if row.expires_at else ""
    out.print(plain(f"\n{row.code}  {row.points:,} points{until}"))


@app.command()
def done(posting: Annotated[int, _ID]) -> None:
    """Say that the letter was posted."""
    from pipelines.points.postings import done as was_posted
    from workers.settings import load

    shown = was_posted(opened("postings"), load().clock, posting, "command line")
    out.print(f"posting {shown['id']} was posted at {shown['posted_at']}", markup=False)
