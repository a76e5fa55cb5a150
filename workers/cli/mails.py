"""``shukka mails ...``: the mails of a shop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.errors import Invalid, Problem
from workers.cli.terminal import out

app = typer.Typer(help="A shop's mails.", no_args_is_help=True)


@app.callback()
def mails() -> None:
    """A shop's mails."""


@app.command()
def preview(
    shop: Annotated[str, typer.Argument(help="The shop.")],
    directory: Annotated[
        Path | None, typer.Option("--out", help="Where to write them; mails-SHOP unless given.")
    ] = None,
) -> None:
    """Write every mail of a shop, Japanese and English, as text, HTML and message, for looking; needs no running service."""
    from pipelines.shops import load_shops
    from workers.installation import INSTALLATION
    from workers.mail import overrides
    from workers.mail.preview import write
    from workers.mail.rendering import Renderer
    from workers.settings import load

    settings = load()
    shops = load_shops(settings.shops_dir, INSTALLATION)
    if shop not in shops:
        raise Invalid([Problem("SHOP", f"there is no shop {shop}; the shops are {', '.join(sorted(shops))}")])
    own = overrides.read(settings.shops_dir, [shop])
    to = directory or Path(f"mails-{shop}")
    try:
        count = write(Renderer(settings.mail_from, settings.mail_domain, overrides=own), shops[shop], to)
    except OSError as fault:
        raise Invalid([Problem("--out", f"{to}: {fault.strerror or fault}")]) from None
    out.print(f"{count} mails written to {to}", markup=False)
