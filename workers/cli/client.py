"""``shukka client ...``: storefronts, suppliers, gateways and operators; their keys, secrets, addresses and limits."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from pipelines.errors import Invalid, Problem
from workers.cli.database import opened
from workers.cli.terminal import err, out, plain, table

if TYPE_CHECKING:
    from models.store.clients import ListedRow
    from workers.enrolment import Credentials

app = typer.Typer(help="Storefronts, suppliers, gateways and operators.", no_args_is_help=True)

#: Hours for which a key and secret count after they were replaced, at most: a month.
_LONGEST_GRACE = 720

#: A minute's most: what nobody reaches.
_MOST = 10_000_000
_LIMIT = "So many a minute; 0: as every client."

Name = Annotated[str, typer.Argument(help="The client's name.")]
Kind = Annotated[str | None, typer.Option(help="Its kind, where several clients have the name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def create(
    kind: Annotated[str, typer.Argument(help="storefront, supplier, gateway or operator.")],
    name: Annotated[str, typer.Argument(help="Its name; a supplier's is the one in order lines.")],
    shop: Annotated[
        list[str] | None, typer.Option(help="A shop it may see; repeat for several, none means all.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Where its events or instructions are posted.")] = None,
    mail: Annotated[str | None, typer.Option(help="Where a supplier's instructions are mailed without a URL.")] = None,
    as_json: AsJson = False,
) -> None:
    """Create a client; its key and webhook secret are printed once and never again."""
    from pipelines.shops import load_shops
    from workers.enrolment import create_client
    from workers.installation import INSTALLATION
    from workers.settings import load

    known = load_shops(load().shops_dir, INSTALLATION)
    made = create_client(opened("client"), kind, name, shops=shop or [], known_shops=known, url=url, mail=mail)
    if as_json:
        _print_json({"kind": kind, "name": name, "key": made.key, "webhook_secret": made.webhook_secret})
    else:
        _tell(made, "created")
    _warn_of(url)


@app.command("list")
def list_(
    revoked: Annotated[bool, typer.Option("--revoked", help="Show those that were revoked too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List clients and where they are reached; neither keys nor secrets."""
    from workers.enrolment import list_clients
    from workers.settings import load

    now = load().clock.now()
    shown = [
        one if one.old_until is None or one.old_until > now else one._replace(old_until=None)
        for one in list_clients(opened("client"))
        if revoked or one.revoked_at is None
    ]
    if as_json:
        _print_json([{name: value for name, value in one._asdict().items() if name != "id"} for one in shown])
        return
    if not shown:
        out.print("no client yet: `shukka client create` makes one")
        return
    told = ("kind", "name", "shops", "URL", "mail", "limits", "since", "old key until")
    headings = (*told, *(["revoked"] if revoked else []))
    out.print(
        table(
            headings,
            [
                (
                    *(one.kind, one.name, ", ".join(one.shops) or "all", one.url, one.mail),
                    _limits(one) if one.requests_per_minute or one.orders_per_minute or one.burst_seconds else None,
                    *(at and f"{at:%Y-%m-%d %H:%M}" for at in (one.recorded_at, one.old_until)),
                    *([one.revoked_at and f"{one.revoked_at:%Y-%m-%d %H:%M}"] if revoked else []),
                )
                for one in shown
            ],
        )
    )


@app.command()
def rotate(
    name: Name,
    kind: Kind = None,
    grace: Annotated[
        float,
        typer.Option(metavar="HOURS", help="How long the old key and secret still count.", min=0, max=_LONGEST_GRACE),
    ] = 24.0,
    as_json: AsJson = False,
) -> None:
    """Give a client a new key and webhook secret; the old ones count until the time that is printed."""
    from workers.enrolment import rotate_client
    from workers.settings import load

    now = load().clock.now()
    made = rotate_client(opened("client"), name, kind, now=now, grace=timedelta(hours=grace))
    assert made.old_until is not None
    if as_json:
        told = {"kind": made.kind, "name": made.name, "key": made.key, "webhook_secret": made.webhook_secret}
        _print_json({**told, "old_until": made.old_until})
        return
    _tell(made, "has a new key and secret")
    ends = "count no longer" if made.old_until <= now else f"count until {made.old_until:%Y-%m-%d %H:%M %Z}"
    out.print(f"The ones before {ends}.", markup=False)


@app.command()
def revoke(name: Name, kind: Kind = None) -> None:
    """Revoke a client: from now on its key and secrets count for nothing; its name may be given again."""
    from workers.enrolment import revoke_client
    from workers.settings import load

    gone = revoke_client(opened("client"), name, kind, now=load().clock.now())
    out.print(plain(f"{gone.kind} {gone.name} is revoked"))


@app.command("set")
def set_(
    name: Name,
    kind: Kind = None,
    url: Annotated[str | None, typer.Option(help="Where it is posted to; an empty one takes it away.")] = None,
    mail: Annotated[str | None, typer.Option(help="Where a supplier is mailed; an empty one takes it away.")] = None,
    requests_per_minute: Annotated[int | None, typer.Option(help=_LIMIT, min=0, max=_MOST)] = None,
    orders_per_minute: Annotated[int | None, typer.Option(help=_LIMIT, min=0, max=_MOST)] = None,
    burst_seconds: Annotated[
        int | None, typer.Option(help="So many seconds' worth may come at once; 0: as every client.", min=0, max=3600)
    ] = None,
) -> None:
    """Change where a client is reached, and how much it may ask."""
    from workers.enrolment import limit_client, reach_client

    limits = {
        "requests_per_minute": requests_per_minute,
        "orders_per_minute": orders_per_minute,
        "burst_seconds": burst_seconds,
    }
    limited = any(value is not None for value in limits.values())
    if url is None and mail is None and not limited:
        raise Invalid([Problem("--url", "say what to set: --url, --mail or a limit")])
    engine = opened("client")
    if url is not None or mail is not None:
        now = reach_client(engine, name, kind, url=url, mail=mail)
        out.print(plain(f"{now.kind} {now.name}: URL {now.url or 'none'}, mail {now.mail or 'none'}"))
    if limited:
        now = limit_client(engine, name, kind, **limits)
        out.print(plain(f"{now.kind} {now.name}: {_limits(now)}"))
    _warn_of(url)


def _limits(client: ListedRow) -> str:
    """A client's own limits in words."""
    named = {"requests": client.requests_per_minute, "orders": client.orders_per_minute}
    told = [f"{number:,} {what} a minute" for what, number in named.items() if number]
    told += [f"{client.burst_seconds} s at once"] if client.burst_seconds else []
    return ", ".join(told) or "limits as every client"


def _tell(made: Credentials, what: str) -> None:
    out.print(plain(f"{made.kind} {made.name} {what}. Keep these two; they are not shown again."))
    out.print(f"key             {made.key}", markup=False, soft_wrap=True)
    out.print(f"webhook secret  {made.webhook_secret}", markup=False, soft_wrap=True)


def _warn_of(url: str | None) -> None:
    """A target that will be refused is better known now than when the first post to it is."""
    import asyncio

    from workers.http.targets import refuse_private
    from workers.settings import load

    if not url:
        return
    refused = asyncio.run(refuse_private(url, allow_private=load().shukka_allow_private_targets))
    if refused is not None:
        err.print(plain(f"shukka: --url: {refused} Nothing is posted there as long as this is so."))


def _print_json(document: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(document) + b"\n")
