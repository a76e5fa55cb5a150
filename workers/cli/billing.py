"""``shukka billing ...``: the monthly statement of customers who pay later."""

from __future__ import annotations

import sys
from datetime import date
from typing import Annotated, Any

import orjson
import typer

from pipelines.errors import Invalid, Problem
from workers.cli.database import opened
from workers.cli.named import shop_named
from workers.cli.terminal import out, table

app = typer.Typer(help="Monthly billing.", no_args_is_help=True)


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
    """Print a customer's orders of a month on one bill: tax once per rate on the bill (TAX-02), less what was given back in it of
    earlier months' orders (PAY-12)."""
    from models.store import customers
    from pipelines.billing import statement as statement_of
    from pipelines.shops import load_shops
    from workers.installation import INSTALLATION
    from workers.settings import load

    begins = month_of(month)
    shops = load_shops(load().shops_dir, INSTALLATION)
    named = shop_named(shops, shop)
    with opened("billing").connect() as connection:
        shown = statement_of(connection, named, customer, begins)
        is_known = shown["orders"] or shown["credits"] or customers.customer(connection, named.key, customer)
    if not is_known:
        raise Invalid([Problem("CUSTOMER", f"nobody knows {customer} in the shop {shop}")])
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(shown, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        _print(shown)


def month_of(text: str) -> date:
    """The first day of a month that is written as 2026-11. Raises Invalid."""
    from pipelines.values.moment import read_month

    try:
        return read_month(text)
    except ValueError as wrong:
        raise Invalid([Problem("--month", str(wrong))]) from None


def _print(shown: dict[str, Any]) -> None:
    out.print(f"{shown['issuer']}  {shown['registration_number'] or 'no registration number'}", markup=False)
    out.print(f"customer {shown['customer']}  {shown['month']}", markup=False)
    headings = ("order", "date", "method", "amount", "tax as shown", "points")
    out.print(table(headings, [_row(one) for one in shown["orders"]]))
    _print_rates(shown, "tax", "")
    if shown["credits"]:
        given = ("given back", "date", "what", "of an order of", "amount", "tax as shown", "points")
        out.print(table(given, [_credit(one) for one in shown["credits"]]))
        _print_rates(shown, "credit_tax", "given back ")
    out.print(f"total {shown['total']:,}  points used {shown['points_used']:,}{_off(shown)}  due {shown['due']:,}")
    if shown["to_give_back"]:
        out.print(f"{shown['to_give_back']:,} yen are to be given back by hand: more was given back than is due.")
    if shown["tax_total"] != shown["shown_tax"]:
        out.print(f"The orders showed {shown['shown_tax']:,} yen of tax; on a bill it is rounded once per rate.")


def _print_rates(shown: dict[str, Any], taxes: str, what: str) -> None:
    basis = "ex tax" if shown["price_display"] == "ex_tax" else "with tax"
    for one in shown[taxes]:
        out.print(f"{what}{one['rate']}%  {basis} {one['base']:,}  tax {one['tax']:,}")


def _off(shown: dict[str, Any]) -> str:
    """What is between the orders' total and what is due, beside their points."""
    parts = (("given back", "credit_total"), ("of it in points", "credit_points"), ("points kept back", "points_kept"))
    return "".join(f"  {says} {shown[name]:,}" for says, name in parts if shown[name])


def _credit(one: dict[str, Any]) -> tuple[str, ...]:
    amount = sum(part["base"] for part in one["bases"])
    yen = (f"{number:,}" for number in (amount, one["shown_tax"], one["points_returned"]))
    return (one["number"], one["made_on"], one["kind"], one["placed_on"], *yen)


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    amount = sum(part["base"] for part in one["bases"])
    yen = (f"{number:,}" for number in (amount, one["shown_tax"], one["points_used"]))
    return (one["number"], one["placed_on"], one["method"], *yen)
