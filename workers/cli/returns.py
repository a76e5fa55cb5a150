"""``shukka returns``: what may come back of an order."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="Returns and exchanges.", no_args_is_help=True)


@app.callback()
def returns() -> None:
    """Returns and exchanges."""


@app.command()
def preview(file: Annotated[str, typer.Argument(help="A JSON file with a return, or - for standard input.")]) -> None:
    """Print what may be returned until when, at whose cost, and what it gives back; needs no running service."""
    from pipelines.returns.preview import preview as preview_of
    from pipelines.shops import load_shops
    from workers.cli.previews import show
    from workers.installation import INSTALLATION
    from workers.settings import load

    settings = load()
    shops = load_shops(settings.shops_dir, INSTALLATION)
    show(file, lambda raw: preview_of(raw, shops, settings.clock.now()), "The return was refused.")
