"""``shukka customers ...``: people who want to be forgotten."""

from __future__ import annotations

import sys
from typing import Annotated

import orjson
import typer

from pipelines.errors import Invalid, Problem
from workers.cli.database import opened
from workers.cli.terminal import out, plain

app = typer.Typer(help="Customers' personal data.", no_args_is_help=True)


@app.callback()
def customers() -> None:
    """Customers' personal data."""


@app.command()
def erase(
    shop: Annotated[str, typer.Argument(help="The shop.")],
    customer: Annotated[str, typer.Argument(metavar="ID", help="The customer's number at the storefront.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Forget a customer: personal data goes now, or as soon as the open orders have ended; the books stay."""
    from pipelines.customers.erase import forget
    from pipelines.shops import load_shops
    from workers.installation import INSTALLATION
    from workers.settings import load

    settings = load()
    shops = load_shops(settings.shops_dir, INSTALLATION)
    if shop not in shops:
        raise Invalid([Problem("SHOP", f"{shop} is unknown; there is {', '.join(sorted(shops))}")])
    told = forget(opened("customers"), shops[shop], settings.clock, customer, by="command line")
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(told) + b"\n")
    elif told["status"] == "erased":
        rows = ", ".join(f"{number:,} {what.replace('_', ' ')}" for what, number in told["erased"].items())
        out.print(plain(f"{shop}/{customer} was erased at {told['erased_at']}: {rows or 'nothing was left to erase'}"))
    else:
        orders = ", ".join(f"{one['order']} ({one['why']})" for one in told["waits_for"])
        out.print(plain(f"{shop}/{customer} waits for {orders}; it is tried again at {told['again_at']} by itself"))
