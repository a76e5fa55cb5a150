"""``shukka points ...``: a customer's statement, and the movements an accountant asks for."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated

import typer
from rich.table import Column

from pipelines.errors import Invalid, Problem
from workers.cli.database import opened
from workers.cli.named import need_order, need_shops
from workers.cli.terminal import out, table

app = typer.Typer(help="Loyalty points: statements and movements.", no_args_is_help=True)


@app.command()
def statement(
    shop: Annotated[str, typer.Argument(help="The shop.")],
    customer: Annotated[str, typer.Argument(help="The customer's number.")],
    limit: Annotated[int, typer.Option(help="How many transfers, newest first.", min=1, max=10_000)] = 50,
) -> None:
    """Print a customer's balance, lots and transfers."""
    from pipelines.points.statement import statement as statement_of
    from pipelines.rules.dates.periods import last_day
    from workers.settings import load

    need_shops([shop], "SHOP")
    with opened("points").connect() as connection:
        shown = statement_of(connection, shop, customer, load().clock.now(), limit=limit)
    if shown is None:
        raise Invalid([Problem("CUSTOMER", f"nobody knows {customer} in the shop {shop}")])
    balance = shown.balance
    out.print(f"valid {balance.valid:,}  usable {shown.usable:,}  pending {balance.pending:,}  held {balance.held:,}")
    _table(
        "lots",
        ("lot", "kind", "state", "points", "remaining", "held", "limited", "expires_on"),
        (
            (
                *(lot.id, lot.kind, lot.state, lot.amount, lot.remaining, lot.held, lot.limited),
                last_day(lot.expires_at) if lot.expires_at else None,
            )
            for lot in shown.lots
        ),
    )
    entries = ((one.at, one.kind, one.debit, one.credit, one.amount, one.lot_id, one.number) for one in shown.entries)
    _table("transfers, newest first", ("at", "kind", "from", "to", "points", "lot", "order"), entries)


def _table(title: str, columns: tuple[str, ...], rows: Iterable[Iterable[object]]) -> None:
    out.print(table(columns, (map(_cell, row) for row in rows), title=title))


def _cell(value: object) -> str:
    """A time to the minute, in Japan as everywhere; what is not there is left empty."""
    from pipelines.values.calendar import JST

    if isinstance(value, datetime):
        return f"{value.astimezone(JST):%Y-%m-%d %H:%M}"
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


@app.command()
def movements(
    since: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")],
    until: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")],
    shop: Annotated[list[str] | None, typer.Option(help="A shop; repeat for several, none means all.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Print what was granted, activated, used, returned, expired, voided and clawed back, a day and month of the lot.

    What customers hold changes by granted - used + returned - expired - voided - clawed back.
    """
    from models.store.point_reports import MovementsRow
    from models.store.point_reports import movements as movements_of

    first, last = _days(since, until)
    need_shops(shop or ())
    with opened("points").connect() as connection:
        found = movements_of(connection, first, last, shop or [])
    if as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\r\n")
        writer.writerow(MovementsRow._fields)
        writer.writerows(found)
        return
    names = MovementsRow._fields
    headings = (Column(name.replace("_", " "), min_width=10 if name == "day" else None) for name in names)
    out.print(table(headings, found))


def _days(since: datetime, until: datetime) -> tuple[date, date]:
    need_order(since, until, ("--from", "--to"))
    return since.date(), until.date()
