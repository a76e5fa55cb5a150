"""``shukka act SHOP/NUMBER [ACTION]``: what may be asked of an order, made from the same declarations as the interface."""

from __future__ import annotations

import getpass
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pipelines.errors import Invalid, NotFound, Problem
from workers.cli.database import opened
from workers.cli.given_file import read_given
from workers.cli.terminal import out, table

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from pipelines.engine.decision import Decision
    from pipelines.orders.action import Action
    from pipelines.shops import Shop

#: How typer hands the fields of a request over: as they were written.
FIELDS_FOLLOW = {"allow_extra_args": True, "ignore_unknown_options": True}


def act(
    context: typer.Context,
    order: Annotated[str, typer.Argument(metavar="SHOP/NUMBER", help="The order.")],
    action: Annotated[
        str | None, typer.Argument(help="What is asked; without it, what may be asked now and why the rest may not.")
    ] = None,
    file: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="The request as JSON; - for standard input.")
    ] = None,
    show: Annotated[bool, typer.Option("--preview", help="Show what would happen and do nothing.")] = False,
    key: Annotated[str | None, typer.Option(help="Idempotency-Key: the same request again changes nothing.")] = None,
    about: Annotated[
        str | None, typer.Option(metavar="RT-...", help="The return that an action about one is about.")
    ] = None,
    lang: Annotated[Literal["ja", "en"], typer.Option(help="Language of sentences.")] = "en",
) -> None:
    """Act on an order as an operator; each field of the request is an option: --reason "sold out"."""
    from pipelines.engine.inbox import receive
    from pipelines.orders.act import Asker, Asking, action_named, look, preview, standing
    from pipelines.orders.action import About
    from pipelines.shops import load_shops
    from workers.installation import INSTALLATION
    from workers.patience import patiently
    from workers.settings import load

    shop, _, number = order.partition("/")
    settings = load()
    shops = load_shops(settings.shops_dir, INSTALLATION)
    if shop not in shops or not number:
        raise Invalid([Problem("SHOP/NUMBER", f"{order!r} names no order of a shop; write it as salon/S-1001")])
    engine = opened("act")
    now = settings.clock.now()
    if action is None:
        if show or (file, key, about) != (None, None, None):
            raise Invalid([Problem("ACTION", "is missing, and the options are about one; without them all are listed")])
        _list(engine, shops[shop], number, now, lang)
        return
    chosen = action_named(action)
    if (about is None) == (chosen.about == About.RETURN):
        raise Invalid([Problem("--about", "names the return of an action about one, and of no other")])
    asked = chosen.read(_request(chosen, file, context.args))
    asking = Asking(chosen, shop, number, asked, Asker("shell", getpass.getuser(), "operator"), key, about)
    with engine.connect() as connection:
        if show:
            facts = standing(connection, shop, number, now, asking=asking)
            if facts is None:
                raise NotFound(f"there is no order {order}")
            _print(preview(facts, shops[shop], asking, now, lang), lang)
            return
        looked = look(connection, shops, asking, now, lang)
    if looked.event is None:
        out.print(f"{order} is {looked.state}: nothing is left to do", markup=False)
        return
    event = looked.event
    patiently(lambda again: receive(engine, settings.clock, [event]))
    out.print(f"{order} was {looked.state}: {chosen.name} is kept and will be decided in a moment", markup=False)


def _list(engine: Engine, shop: Shop, number: str, now: datetime, lang: str) -> None:
    from pipelines.orders.act import possible, standing

    with engine.connect() as connection:
        facts = standing(connection, shop.key, number, now)
    if facts is None:
        raise NotFound(f"there is no order {shop.key}/{number}")
    rows = [
        (
            action.name,
            about,
            "no" if refusals else "yes",
            " ".join(one.says(lang) for one in refusals) or action.says.says(lang),
            ", ".join(action.model.model_fields),
        )
        for action, about, refusals in possible(facts, shop, now)
    ]
    out.print(table(("action", "about", "now", "why not, or what it does", "fields"), rows))


def _request(action: Action[Any], file: str | None, written: Sequence[str]) -> object:
    """The request from a file, or from the options of its fields. Raises Invalid."""
    from workers.web.body import BadBody, parse_json

    if file is None:
        return _fields(action, written)
    if written:
        raise Invalid([Problem("--json", "the request comes from the file or from options, not from both")])
    try:
        return parse_json(read_given(file))
    except OSError as fault:
        raise Invalid([Problem("--json", f"{file}: {fault.strerror or fault}")]) from None
    except BadBody as bad:
        raise Invalid([Problem("--json", bad.detail)]) from None


def _fields(action: Action[Any], written: Sequence[str]) -> dict[str, object]:
    """``--name value`` pairs; a value is JSON unless its field is text. Raises Invalid."""
    described = action.model.model_json_schema()["properties"]
    fields: dict[str, object] = {}
    rest = list(written)
    while rest:
        option, _, value = rest.pop(0).partition("=")
        if not option.startswith("--") or (not value and not rest):
            raise Invalid([Problem(option, "fields are written as --name value")])
        name = option.removeprefix("--").replace("-", "_")
        text = value or rest.pop(0)
        if name not in described:
            raise Invalid([Problem(name, f"There is no such field; {_fields_of(described)}")])
        if name in fields:
            raise Invalid([Problem(name, "Stands twice; say it once.")])
        fields[name] = text if _is_text(described[name]) else _value(name, text)
    return fields


def _fields_of(described: Mapping[str, object]) -> str:
    return f"the fields are {', '.join(described)}" if described else "this action has none"


def _is_text(described: Mapping[str, Any]) -> bool:
    """Whether a field is text, or text that may be left out."""
    kinds = {one.get("type") for one in described.get("anyOf", [described])}
    return "string" in kinds <= {"string", "null"}


def _value(name: str, text: str) -> object:
    from workers.web.body import BadBody, parse_json

    try:
        return parse_json(text.encode())
    except BadBody:
        raise Invalid([Problem(name, f"{text!r} is no JSON; write a number, or a list in quotation marks")]) from None


def _print(decision: Decision, lang: str) -> None:
    """What a decision would do, a line each."""
    from pipelines.orders.foreseen import foreseen

    rows = [(one.what, one.about, one.says) for one in foreseen(decision, lang)]
    out.print(table(("what", "which", "would happen"), rows) if rows else "nothing would change")
