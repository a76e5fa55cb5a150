"""``shukka mails ...``: how a shop's mails look, what became of them, and which addresses get no more."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer

from pipelines.errors import Invalid, Problem
from workers.cli.database import opened
from workers.cli.named import need_shops, shop_named
from workers.cli.terminal import out, table

app = typer.Typer(help="A shop's mails.", no_args_is_help=True)

_BY = "command line"
_SHOPS = typer.Option("--shop", help="A shop; repeat for several, none means all.")
_JSON = typer.Option("--json", help="Print JSON.")


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
    shop_named(shops, shop)
    own = overrides.read(settings.shops_dir, [shop])
    to = directory or Path(f"mails-{shop}")
    try:
        count = write(Renderer(settings.mail_from, settings.mail_domain, overrides=own), shops[shop], to)
    except OSError as fault:
        raise Invalid([Problem("--out", f"{to}: {fault.strerror or fault}")]) from None
    out.print(f"{count} mails written to {to}", markup=False)


@app.command()
def bounce(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A report as it came by mail; - for standard input.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it reports; needs no database.")] = False,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Take in one report of what became of a mail, and say what it reports."""
    from pipelines.bounces import message

    try:
        with sys.stdin.buffer if file == "-" else Path(file).open("rb") as given:
            raw = given.read(message.LONGEST)
    except OSError as fault:
        raise Invalid([Problem("FILE", f"{file}: {fault.strerror or fault}")]) from None
    report = message.read(raw)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(report.to_json()) + b"\n")
    else:
        rows = [(one.address, one.kind, one.reason, one.status, one.action) for one in report.findings]
        columns = ("address", "kind", "reason", "status", "action")
        out.print(table(columns, rows) if rows else "it is no report")
    if not dry_run:
        _keep(raw, quiet=as_json)


def _keep(raw: bytes, *, quiet: bool) -> None:
    from pipelines.bounces.receiving import of_message, receive
    from workers.settings import load

    new = any(receive(opened("mails"), load().clock, [of_message(raw)]))
    if not quiet:
        out.print("kept" if new else "it was known already; nothing was done")


@app.command()
def suppressed(
    shop: Annotated[list[str] | None, _SHOPS] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
) -> None:
    """List the addresses that get no more mail, the newest first, and how many mails were kept back."""
    from models.store.suppressions import standing

    need_shops(shop or ())
    with opened("mails").connect() as connection:
        found = standing(connection, shop)
    if as_json:
        for one in found:
            sys.stdout.buffer.write(orjson.dumps(one._asdict()) + b"\n")
        return
    rows = [(s.id, s.shop, s.address, s.scope, s.reason, f"{s.since:%Y-%m-%d}", s.kept_back) for s in found]
    columns = ("id", "shop", "address", "mails", "reason", "since", "kept back")
    out.print(table(columns, rows) if rows else "every address gets its mails")


@app.command()
def release(
    address: Annotated[str, typer.Argument(metavar="ADDRESS|ID", help="The address, or the suppression's number.")],
    shop: Annotated[list[str] | None, _SHOPS] = None,
) -> None:
    """Let an address have mails again; what was kept back goes by `shukka retry mail ID`."""
    from models.store.suppressions import release as let_go
    from pipelines.values.mail_address import addr_spec

    try:
        number, spelt = (int(address), None) if address.isdecimal() else (None, addr_spec(address))
    except ValueError as fault:
        raise Invalid([Problem("ADDRESS", str(fault))]) from None
    need_shops(shop or ())
    with opened("mails").begin() as connection:
        gone = let_go(connection, shop, _BY, number=number, address=spelt)
    if not gone:
        raise Invalid([Problem("ADDRESS", "it is not suppressed")])
    out.print(f"gets mails again at {', '.join(sorted({one.shop for one in gone}))}", markup=False)


@app.command()
def dismiss(bounced: Annotated[int, typer.Argument(metavar="ID", help="From `shukka attention`.", min=1)]) -> None:
    """Say that a mail that did not arrive was seen to: it waits for nobody any more. The address stays suppressed."""
    from models.store.bounces import dismiss as seen

    with opened("mails").begin() as connection:
        if not seen(connection, bounced, _BY):
            raise Invalid([Problem("ID", f"there is no bounced mail {bounced} that waits for somebody")])
    out.print(f"{bounced} was seen to")
