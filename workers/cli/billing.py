"""``shukka billing ...``: the monthly statement of customers who pay later."""

from __future__ import annotations

import sys
from datetime import date
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from pipelines.errors import Invalid, Problem

app = typer.Typer(help="Monthly billing.", no_args_is_help=True)
out = Console(highlight=False)


@app.callback()
def billing() -> None:
    """Monthly billing."""


@app.command()
def statement(
    shop: Annotated[str, typer.Argument(help="The shop.")],
    customer: Annotated[str, typer.Argument(help="The customer's number.")],
    month: Annotated[str, typer.Option(help="The month of the orders, as 2026-11.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print a customer's orders of a month on one bill: tax once per rate on the bill (TAX-02)."""
    from models.database import connect
    from pipelines.billing import statement as statement_of
    from pipelines.shops import load_shops
    from workers.payments import GATEWAYS
    from workers.settings import load

    settings = load()
    begins = _month(month)
    shops = load_shops(settings.shops_dir, GATEWAYS)
    if shop not in shops:
        raise Invalid([Problem("SHOP", f"there is no shop {shop}; the shops are {', '.join(sorted(shops))}")])
    engine = connect(settings.need_database(), application="shukka-billing", statement_timeout=600)
    with engine.connect() as connection:
        shown = statement_of(connection, shops[shop], customer, begins)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(shown, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        _print(shown)


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Invalid([Problem("--month", f"{text!r} is no month; write it as 2026-11")]) from None


def _print(shown: dict[str, Any]) -> None:
    out.print(f"{shown['issuer']}  {shown['registration_number'] or 'no registration number'}", markup=False)
    out.print(f"customer {shown['customer']}  {shown['month']}", markup=False)
    orders = Table("order", "date", "method", "amount", "tax as shown", "points", title_justify="left")
    for one in shown["orders"]:
        amount = sum(part["base"] for part in one["bases"])
        orders.add_row(
            one["number"],
            one["placed_on"],
            one["method"],
            f"{amount:,}",
            f"{one['shown_tax']:,}",
            f"{one['points_used']:,}",
        )
    out.print(orders)
    ex_tax = shown["price_display"] == "ex_tax"
    for one in shown["tax"]:
        out.print(f"{one['rate']}%  {'ex tax' if ex_tax else 'with tax'} {one['base']:,}  tax {one['tax']:,}")
    out.print(f"total {shown['total']:,}  points used {shown['points_used']:,}  due {shown['due']:,}")
    if shown["tax_total"] != shown["shown_tax"]:
        out.print(f"The orders showed {shown['shown_tax']:,} yen of tax; on a bill it is rounded once per rate.")
