"""``shukka ...``: the command line. A user's mistake is one line on standard error and exit 1 or 2, never a traceback."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from pipelines.errors import Invalid, Misconfigured, Problem, ShukkaError
from workers.cli.act import FIELDS_FOLLOW, act
from workers.cli.attention import attention
from workers.cli.backtest import backtest
from workers.cli.billing import app as billing_app
from workers.cli.check import check
from workers.cli.client import app as client_app
from workers.cli.console import app as console_app
from workers.cli.customers import app as customers_app
from workers.cli.documents import app as documents_app
from workers.cli.files import app as files_app
from workers.cli.links import app as links_app
from workers.cli.mails import app as mails_app
from workers.cli.order import order
from workers.cli.orders import orders
from workers.cli.payments import app as payments_app
from workers.cli.points import app as points_app
from workers.cli.postings import app as postings_app
from workers.cli.promise import promise
from workers.cli.retry import retry
from workers.cli.returns import app as returns_app
from workers.cli.terminal import err, out
from workers.cli.top import top
from workers.cli.tracking import tracking
from workers.stopping import STOP_WITHIN

if TYPE_CHECKING:
    from sqlalchemy import Engine

#: Worker processes that a machine may be asked for at once: beyond them it is a slip that would take it down.
_MOST_PROCESSES: Final = 256
_StopWithin = Annotated[float, typer.Option(help="Seconds in which it has ended when told to stop.", min=0)]
app = typer.Typer(
    name="shukka",
    help="Order fulfilment that loses nothing (出荷).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
shops_app = typer.Typer(help="Shop profiles.", no_args_is_help=True)
app.add_typer(shops_app, name="shops")
app.add_typer(client_app, name="client")
app.add_typer(console_app, name="console")
app.add_typer(customers_app, name="customers")
app.add_typer(documents_app, name="documents")
app.add_typer(points_app, name="points")
app.add_typer(billing_app, name="billing")
app.add_typer(files_app, name="files")
app.add_typer(links_app, name="links")
app.add_typer(mails_app, name="mails")
app.add_typer(payments_app, name="payments")
app.add_typer(postings_app, name="postings")
app.add_typer(returns_app, name="returns")
app.command(context_settings=FIELDS_FOLLOW)(act)
app.command()(attention)
app.command()(backtest)
app.command()(check)
app.command()(order)
app.command()(orders)
app.command()(promise)
app.command()(retry)
app.command()(top)
app.command()(tracking)


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"shukka {version('shukka')}", markup=False)
        raise typer.Exit


@app.callback()
def shukka(
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Order fulfilment that loses nothing (出荷)."""


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Port of the web interface.", min=1, max=65535)] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    clock: Annotated[
        str | None, typer.Option(help="Start the Clock at this time, as 2026-11-20T09:00:00+09:00.")
    ] = None,
    clock_rate: Annotated[float | None, typer.Option(help="Run the Clock so many times as fast.")] = None,
    data: Annotated[str | None, typer.Option(metavar="DIR", help="Directory of the embedded engines.")] = None,
) -> None:
    """Run the whole service in the foreground; Ctrl-C stops it."""
    from workers.process.up import run_up

    if data is not None and not data.strip():
        raise Invalid([Problem("--data", "is empty; name a directory, as /var/lib/shukka, or leave it out")])
    _override(SHUKKA_CLOCK=clock, SHUKKA_CLOCK_RATE=clock_rate, SHUKKA_DATA=data)
    run_up(port=port, host=host, console=out)


@app.command()
def demo(
    orders: Annotated[int, typer.Option(help="How many orders.", min=1, max=100_000)] = 200,
    seed: Annotated[int, typer.Option(help="Same seed, same orders.")] = 1,
    faults: Annotated[bool, typer.Option("--faults", help="Nobody outside keeps his word.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
) -> None:
    """One business day of the four shops against a simulated outside world."""
    from workers.demo.day import run_day

    console = err if as_json else out
    raise typer.Exit(run_day(orders=orders, seed=seed, as_json=as_json, console=console, faults=faults))


@app.command()
def preview(file: Annotated[str, typer.Argument(help="A JSON file with an order, or - for standard input.")]) -> None:
    """Print what the pipeline would do with an order; needs no running service."""
    from pipelines.orders.plan import preview as plan_of
    from pipelines.shops import load_shops
    from workers.cli.previews import show
    from workers.installation import INSTALLATION
    from workers.settings import load

    show(file, lambda raw: plan_of(raw, load_shops(load().shops_dir, INSTALLATION)), "The order was refused.")


@app.command()
def openapi() -> None:
    """Print the published schema, as /openapi.json answers it; needs no running service."""
    from workers.web.app import interface

    sys.stdout.write(json.dumps(interface().openapi(), ensure_ascii=False, indent=1) + "\n")


@shops_app.command("check")
def shops_check(
    directory: Annotated[
        Path | None, typer.Argument(help="Directory of profiles; SHOPS_DIR or the shipped ones.")
    ] = None,
) -> None:
    """Validate every shop profile, and the mails that shops word themselves."""
    from pipelines.shops import ProfileErrors, load_shops
    from workers.installation import INSTALLATION
    from workers.mail import overrides
    from workers.mail.rendering import Renderer
    from workers.settings import load

    settings = load()
    place = directory or settings.shops_dir
    try:
        shops = load_shops(place, INSTALLATION)
    except ProfileErrors as wrong:
        for file, key, reason in wrong.entries:
            err.print(": ".join(filter(None, (file, key, reason))), markup=False)
        raise typer.Exit(1) from None
    if own := overrides.read(place, shops):
        Renderer(settings.mail_from, settings.mail_domain, overrides=own).check()
    for name, shop in sorted(shops.items()):
        out.print(f"{name}: {shop.name}: ok", markup=False)


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema (the release step of a deployment)."""
    _migrated()
    out.print("the schema is current")


@app.command(hidden=True)
def prepare() -> None:
    """What `up` has done for it before it starts anything: the schema, and a path that signs in at the console once, or an empty line."""
    from workers.operators import ready_path

    out.print(ready_path(_migrated()) or "", markup=False, soft_wrap=True)


def _migrated() -> Engine:
    """The database, at the newest schema."""
    from models.database import MIGRATE, connect
    from models.migrations import upgrade
    from workers.settings import load

    engine = connect(load().need_database(), MIGRATE, application="shukka-migrate")
    upgrade(engine)
    return engine


@app.command()
def web(
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    stop_within: _StopWithin = STOP_WITHIN,
    fd: Annotated[int | None, typer.Option(help="Listen on this open socket, not on a port.", min=3)] = None,
) -> None:
    """Run the web process in the foreground."""
    from workers.web.serve import serve

    serve(host, port, stop_within, fd)


@app.command()
def worker(
    processes: Annotated[int, typer.Option(help="Worker processes.", min=1, max=_MOST_PROCESSES)] = 2,
    stop_within: _StopWithin = STOP_WITHIN,
) -> NoReturn:
    """Run the worker processes in the foreground (`dramatiq workers.main:boot` with the settings it needs)."""
    from workers.process.service import DRAMATIQ, worker_argv

    argv = worker_argv(processes, stop_within)
    os.execve(argv[0], argv, {**DRAMATIQ, **os.environ})  # noqa: S606 - the worker takes this process over


@app.command()
def clock(stop_within: _StopWithin = STOP_WITHIN) -> None:
    """Run the clock process in the foreground."""
    from workers.pacemaker import main as run_clock

    run_clock(stop_within)


def _override(**given: object) -> None:
    """Options on the command line win over the environment."""
    for name, value in given.items():
        if value is not None:
            os.environ[name] = str(value)


def main() -> None:
    """Entry point of the console script."""
    try:
        app()
    except Invalid as invalid:
        for one in invalid.problems:
            err.print(f"shukka: {one.field}: {one.message}", markup=False)
        raise SystemExit(2) from None
    except Misconfigured as wrong:
        err.print(f"shukka: {wrong}", markup=False)
        raise SystemExit(2) from None
    except ShukkaError as refused:
        err.print(f"shukka: {refused}", markup=False)
        raise SystemExit(1) from None
    except Exception as fault:
        from sqlalchemy.exc import DBAPIError, OperationalError

        if isinstance(fault, OperationalError | DBAPIError):
            reason = str(fault.orig).strip().splitlines()[0] if fault.orig else "no answer"
            err.print(f"shukka: DATABASE_URL: the database refused: {reason}", markup=False)
            if fault.connection_invalidated:  # it stood, and something may have been sent over it
                err.print(
                    "If it was to change something, look first whether it did: its answer may be all that was lost."
                )
            raise SystemExit(1) from None
        if isinstance(fault, UnicodeEncodeError) and (number := _not_utf8(sys.argv[1:])):
            err.print(f"shukka: argument {number}: holds bytes that are no UTF-8; write it in UTF-8", markup=False)
            raise SystemExit(2) from None
        raise


def _not_utf8(arguments: Sequence[str]) -> int:
    """The number of the first argument that holds other bytes, from 1; 0 for none. A path may: what cannot be is found out where it is used."""
    return next((n for n, one in enumerate(arguments, 1) if any("\ud800" <= c <= "\udfff" for c in one)), 0)


if __name__ == "__main__":
    main()
