"""``shukka orders``: orders by filters or by a word, as a table, as JSON lines, or as CSV for a spreadsheet."""

from __future__ import annotations

import sys
from itertools import chain, islice
from typing import Annotated

import orjson
import typer

from pipelines.errors import Invalid, Problem
from workers.cli.database import opened
from workers.cli.named import need_order, shop_named
from workers.cli.terminal import out, table


def orders(
    shop: Annotated[str | None, typer.Option(help="A shop; none means all.")] = None,
    q: Annotated[
        str | None, typer.Option("--q", help="Number, name, mail, phone, tracking number, SKU or customer.")
    ] = None,
    state: Annotated[str | None, typer.Option(help="Where the order stands.")] = None,
    condition: Annotated[str | None, typer.Option(help="running, held or done.")] = None,
    hold: Annotated[str | None, typer.Option(help="A reason for which it is held.")] = None,
    supplier: Annotated[str | None, typer.Option(help="Who ships something of it.")] = None,
    dispatch_on: Annotated[str | None, typer.Option(help="A day on which something leaves, as 2026-11-20.")] = None,
    placed_from: Annotated[str | None, typer.Option(help="Placed then or later, as 2026-11-20T09:00:00+09:00.")] = None,
    placed_to: Annotated[str | None, typer.Option(help="Placed before that.")] = None,
    limit: Annotated[int | None, typer.Option(help="At most so many; a table has 50 unless told.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV that a spreadsheet opens; no cell is a formula.")
    ] = False,
) -> None:
    """List orders, newest first."""
    from pipelines.orders.listing import PAGE, asked_of, csv_of, pages, shown
    from pipelines.shops import load_shops
    from pipelines.values.calendar import in_japan
    from workers.installation import INSTALLATION
    from workers.settings import load

    if as_json and as_csv:
        raise Invalid([Problem("--csv", "is another form than --json: choose one")])
    told = {
        "shop": shop,
        "q": q,
        "state": state,
        "condition": condition,
        "hold": hold,
        "supplier": supplier,
        "dispatch_on": dispatch_on,
        "placed_from": placed_from,
        "placed_to": placed_to,
    }
    shops = load_shops(load().shops_dir, INSTALLATION)
    if shop is not None:
        shop_named(shops, shop, "--shop")
    asked = asked_of({name: value for name, value in told.items() if value is not None})
    need_order(asked.placed_from, asked.placed_to, ("--placed-from", "--placed-to"))
    most = limit if limit is not None or as_json or as_csv else PAGE
    rows = islice(chain.from_iterable(pages(opened("orders").connect, list(shops), asked)), most)
    if as_csv:
        for part in csv_of([row] for row in rows):
            sys.stdout.buffer.write(part.encode())
        return
    if as_json:
        for row in rows:
            sys.stdout.buffer.write(orjson.dumps(shown(row, to_operator=True)) + b"\n")
        return
    lines = [
        (
            f"{row.shop}/{row.number}",
            f"{in_japan(row.placed_at):%Y-%m-%d %H:%M}",
            row.state,
            " ".join(row.holds) or row.condition,
            f"{row.grand_total:,}",
            row.customer_name,
        )
        for row in rows
    ]
    headings = ("order", "placed", "state", "stands", "total", "customer")
    out.print(table(headings, lines) if lines else "no order is meant")
