"""``shukka links ...``: the signed links that suppliers without an account were sent."""

from __future__ import annotations

from typing import Annotated

import typer

from workers.cli.database import opened
from workers.cli.named import need_supplier, shop_named
from workers.cli.terminal import out

app = typer.Typer(help="Links that suppliers were sent.", no_args_is_help=True)


@app.command()
def revoke(
    shop: Annotated[str, typer.Argument(help="The shop whose mails held the links.")],
    supplier: Annotated[str, typer.Argument(help="The supplier, as order lines name it.")],
) -> None:
    """Take back all links that a supplier of a shop was sent so far; those in later mails open its page again."""
    from models.store.links import LinkHolder
    from models.store.links import revoke as take_back
    from models.store.shipments import ships
    from pipelines.shops import load_shops
    from pipelines.suppliers.links import PURPOSE, holder
    from workers.installation import INSTALLATION
    from workers.settings import load

    shops = load_shops(load().shops_dir, INSTALLATION)
    shop_named(shops, shop)
    with opened("links").begin() as connection:
        # An order may name a supplier that no profile has, and its mails have links, too.
        if not ships(connection, supplier, shop):
            need_supplier(shops, supplier, "SUPPLIER")
        take_back(connection, LinkHolder(PURPOSE, holder(shop, supplier)))
    out.print(f"links of {supplier} at {shop} that were sent so far open nothing any more", markup=False)


@app.callback()
def links() -> None:
    """Links that suppliers were sent."""
