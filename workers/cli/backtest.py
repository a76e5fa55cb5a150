"""``shukka backtest``: past orders against a changed profile."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.table import Table

from models.store import orders as stored
from pipelines.backtest import Comparison, by_days, percent
from pipelines.backtest import backtest as compare
from pipelines.backtest_chart import chart
from pipelines.errors import Invalid, Misconfigured, Problem
from pipelines.orders.document import order_from_json
from pipelines.rules.order import Order
from pipelines.shops import Shop, load_shops, parse_shop
from workers.cli import past_orders
from workers.cli.database import opened
from workers.cli.given_file import read_given
from workers.cli.terminal import out
from workers.installation import INSTALLATION
from workers.settings import load

_DATABASE = "database"


def backtest(
    shop: Annotated[Path, typer.Option(help="The changed profile, <shop>.toml.")],
    orders: Annotated[
        str,
        typer.Argument(
            help="A file with one order a line, as POST /v1/orders takes it, or one document: an order, a list of orders, or what "
            "POST /v1/orders:batch takes; - for standard input; database."
        ),
    ],
    svg: Annotated[Path | None, typer.Option(help="Write a chart to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Plan past orders by the profile as it is and as it would be: same-day share, days, totals. Needs no running service.

    Money that a method waits for counts as in with the order, points and ranks as none.
    """
    settings = load()
    shops = load_shops(settings.shops_dir, INSTALLATION)
    past = _stored(shop.stem) if orders == _DATABASE else _told(orders)
    first = next(past, None)
    if first is None:
        raise Invalid([Problem("orders", "There is none to plan.")])
    key = shop.stem if shop.stem in shops else first.shop
    if key not in shops:
        raise Invalid([Problem("shop", f"There is no shop {key} to compare with.")])
    found = compare(chain([first], past), shops[key], _changed(key, shop))
    if svg is not None:
        _draw(svg, chart(found, f"{key}: {found.before.orders} orders"))
    if as_json:
        sys.stdout.buffer.write(orjson.dumps({"shop": key, **found.to_json()}, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        _print(key, found)


def _draw(file: Path, picture: str) -> None:
    try:
        file.write_text(picture, "utf-8")
    except OSError as fault:
        raise Misconfigured("--svg", f"{file} cannot be written: {fault.strerror or fault}") from None


def _changed(key: str, file: Path) -> Shop:
    try:
        text = read_given(str(file)).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        raise Misconfigured(
            str(file), f"cannot be read: {fault.strerror if isinstance(fault, OSError) else fault}"
        ) from None
    return parse_shop(key, text, INSTALLATION, file=str(file))


def _told(name: str) -> Iterator[Order]:
    """The orders of a file, or of standard input."""
    try:
        with sys.stdin.buffer if name == "-" else Path(name).open("rb") as file:
            yield from past_orders.read(file)
    except OSError as fault:
        raise Misconfigured(name, f"cannot be read: {fault.strerror or fault}") from None


def _stored(shop: str) -> Iterator[Order]:
    """The shop's orders in the database, the oldest first, a page at a time."""
    engine, last = opened("backtest"), stored.FIRST
    try:
        while True:
            with engine.connect() as connection:
                page = stored.past(connection, shop, last)
            if not page:
                return
            for row in page:
                yield order_from_json(orjson.loads(row.document))
            *_, last = page
    finally:
        engine.dispose()


def _print(key: str, found: Comparison) -> None:
    old, new = found.before.to_json(), found.after.to_json()
    table = Table(title=f"{key}: {found.before.orders} orders", title_justify="left")
    table.add_column("")
    for name in ("before", "after"):
        table.add_column(name, justify="right")
    tallies = (found.before, found.after)
    table.add_row("same day", *(_cell(one.same_day) for one in tallies))
    table.add_row("same day share", *(percent(one.same_day, one.orders) for one in tallies))
    for name in ("average_days", "parcels", "refused"):
        table.add_row(name.replace("_", " "), *(_cell(one[name]) for one in (old, new)))
    days = [by_days(one) for one in (found.before, found.after)]
    first, *_ = days
    for name in first:
        if any(one[name] for one in days):
            says = "without a day" if name == "-" else f"{name} day(s) to dispatch"
            table.add_row(says, *(_cell(one[name]) for one in days))
    for name in old["totals"]:
        table.add_row(f"{name.replace('_', ' ')}", *(_cell(one["totals"][name]) for one in (old, new)))
    out.print(table)
    out.print(f"earlier {found.earlier}, later {found.later}, dearer {found.dearer}, cheaper {found.cheaper}, "
              f"of other shops {found.skipped}")  # fmt: skip


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value or "-")
