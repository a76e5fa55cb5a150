"""``shukka retry``: what was given up is tried again, one by its id, or all that a fault has in common."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pipelines.errors import Invalid, Problem
from workers.cli.database import opened
from workers.cli.named import need_order, need_shops
from workers.cli.terminal import out, table

if TYPE_CHECKING:
    from models.store.given_up import Which

_WHATS: Final = ("effect", "mail", "event")


def retry(
    what: Annotated[str | None, typer.Argument(help="effect, mail or event, as `shukka attention` names it.")] = None,
    number: Annotated[
        int | None, typer.Argument(metavar="ID", help="Its id; without one, all that are meant.", min=1, max=2**62)
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="Only this kind: of effect, of event, or the template of a mail.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="Only this supplier, gateway, storefront or mail domain.")] = None,
    shop: Annotated[str | None, typer.Option(help="Only of this shop.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only where the reason begins like this.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only what was given up then or later, as 2026-11-20T09:00; of mails, queued.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Only what was given up before that.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this it is counted only.")] = False,
) -> None:
    """Try what was given up again, under its old key; read quarantined events again.

    With an id, that one. Else all that the options mean are counted, and tried again with --yes.
    """
    from models.store.given_up import Which

    if what is not None and what not in _WHATS:
        raise Invalid([Problem("WHAT", "must be effect, mail or event")])
    need_shops([] if shop is None else [shop])
    first, last = _moment("--since", since), _moment("--until", until)
    need_order(first, last, ("--since", "--until"))
    which = Which(what, kind, target, shop, reason, first, last)
    if number is None:
        _all(which, yes=yes)
    elif which != Which(what) or what is None:
        raise Invalid([Problem("ID", "is for one alone: leave the options out, and say what it is of")])
    else:
        _one(what, number)


def _one(what: str, number: int) -> None:
    from workers.effects.retrying import try_again
    from workers.settings import load

    with opened("retry").begin() as connection:
        tried = try_again(connection, what, [number], load().clock.now())
    if not tried:
        raise Invalid([Problem("ID", f"there is no {what} {number} that was given up, or that could be read")])
    out.print(f"{what} {number} is due again ({', '.join(tried)})")


def _all(which: Which, *, yes: bool) -> None:
    from models.store import given_up
    from pipelines.route import WOKEN_BY
    from workers.effects.retrying import try_all_again
    from workers.settings import load

    engine = opened("retry")
    with engine.connect() as connection:
        groups = given_up.groups(connection, which, list(WOKEN_BY))
    if not groups:
        out.print("nothing that was given up is meant")
        return
    rows = [(g.number, g.what, g.kind, g.target, g.shop, g.reason, _shown(g.first), _shown(g.last)) for g in groups]
    out.print(table(("count", "what", "kind", "target", "shop", "reason", "first", "last"), rows))
    if not yes:
        out.print(f"{sum(g.number for g in groups)} would be tried again; say --yes to do it")
        return
    tried = try_all_again(engine, which, load().clock.now())
    out.print(f"{tried} are due again")


def _moment(option: str, text: str | None) -> datetime | None:
    from pipelines.values.calendar import JST

    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid([Problem(option, "is no time; write it like 2026-11-20T09:00")]) from None
    return moment.replace(tzinfo=JST) if moment.tzinfo is None else moment


def _shown(moment: datetime) -> str:
    from pipelines.values.calendar import in_japan

    return f"{in_japan(moment):%Y-%m-%d %H:%M}"
