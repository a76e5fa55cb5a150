"""``shukka order SHOP/NUMBER``: the whole story of one order on a terminal, from what ``GET`` and the console read."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import orjson
import typer
from rich.text import Text

from pipelines.errors import Invalid, Problem
from workers.cli.database import opened
from workers.cli.terminal import out, plain, table

if TYPE_CHECKING:
    from pipelines.shops import Shop

#: Columns of the labels on the left.
_LABEL: Final = 10


def order(
    name: Annotated[str, typer.Argument(metavar="SHOP/NUMBER", help="The order.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    lang: Annotated[Literal["ja", "en"], typer.Option(help="Language of sentences.")] = "en",
    what_if: Annotated[
        str | None,
        typer.Option(
            metavar="at=...,region=...,method=...",
            help="Print, as JSON, when its goods would leave if it were otherwise, and why.",
        ),
    ] = None,
) -> None:
    """Print one order's whole story: people, goods, money, shipments, mails, what came in, what is due, and why."""
    from pipelines.shops import load_shops
    from workers.installation import INSTALLATION
    from workers.settings import load

    settings = load()
    shop, _, number = name.partition("/")
    shops = load_shops(settings.shops_dir, INSTALLATION)
    if shop not in shops or not number:
        raise Invalid([Problem("SHOP/NUMBER", f"{name!r} names no order of a shop; write it as salon/S-1001")])
    if what_if is not None:
        sys.stdout.buffer.write(
            orjson.dumps(_otherwise(shops, shop, number, what_if), option=orjson.OPT_INDENT_2) + b"\n"
        )
        return
    shown = _read(shops[shop], number, settings.clock.now(), lang)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(shown, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        print_story(shown)


def _read(shop: Shop, number: str, now: datetime, lang: str) -> Mapping[str, Any]:
    from workers.web.api.views import show_order

    with opened("order").connect() as connection:
        shown = show_order(connection, shop.key, number, now, lang, profile=shop, inside=True)
    if shown is None:
        raise Invalid([Problem("SHOP/NUMBER", f"there is no order {shop.key}/{number}")])
    return shown


def _otherwise(shops: Mapping[str, Shop], shop: str, number: str, words: str) -> Mapping[str, Any]:
    from models.store import orders
    from pipelines.orders.what_if import changes_of, what_if

    changes = changes_of(words)
    with opened("order").connect() as connection:
        document = orders.document_of(connection, shop, number)
    if document is None:
        raise Invalid([Problem("SHOP/NUMBER", f"there is no order {shop}/{number}")])
    return {
        "shop": shop,
        "number": number,
        "if": changes,
        "shipments": what_if(orjson.loads(document), changes, shops),
    }


def print_story(shown: Mapping[str, Any]) -> None:
    """An order as ``show_order`` shows it to an operator: head, what it waits for and how to go on first; then everything that
    happened, each part under its own line."""
    _head(shown)
    _holds(shown["holds"])
    _section(
        "waits for",
        ("what", "from", "until", "then"),
        ((one["what"], one["from"], _short(one["until"]), one["then"]) for one in shown["awaits"]),
    )
    _people(shown)
    _section("goods", ("line", "sku", "name", "pieces", "yen each"), _goods(shown))
    _money(shown)
    _shipments(shown["shipments"])
    _section(
        "returns",
        ("return", "state", "remedy", "pieces", "goods by", "until", "brought"),
        (
            (
                one["return"],
                one["state"],
                one["remedy"],
                ", ".join(f"{line['quantity']} of {line['line']} ({line['reason']})" for line in one["lines"]),
                one["goods_by"],
                _short(one["waits_until"]) if one["waits_until"] else None,
                one["replacement"],
            )
            for one in shown["returns"]
        ),
    )
    points = shown["points"]
    if points["used"] or points["earned"]:
        _line("points", f"used {points['used']:,}, earned {points['earned']:,} ({points['state']})")
    _section(
        "mails",
        ("id", "at", "mail", "to", "state", "why", "shipment"),
        (
            (m["id"], _short(m["at"]), m["template"], m["to"], m["state"], _heard(m["report"]), m["shipment"])
            for m in shown["mails"]
        ),
    )
    _section(
        "came in",
        ("at", "from", "what", "says", "state", "why"),
        (
            (_short(e["at"]), e["by"] or e["source"], e["type"], e["says"], e["state"], e["reason"])
            for e in shown["events"]
        ),
    )
    _section(
        "asked of the world",
        ("id", "at", "what", "key", "state", "code", "tries"),
        (
            (e["id"], _short(e["at"]), e["kind"], e["key"], e["state"], e["code"], e["attempts"])
            for e in shown["effects"]
        ),
    )
    _section(
        "due",
        ("stage", "subject", "at", "tries", "error"),
        ((w["stage"], w["subject"], _short(w["due_at"]), w["attempts"] or None, w["error"]) for w in shown["work"]),
    )
    _section(
        "what happened",
        ("at", "what", "from", "to", "because"),
        ((_short(t["at"]), _subject(t), t["from"], t["to"], t["cause"]) for t in shown["timeline"]),
    )


def _head(shown: Mapping[str, Any]) -> None:
    out.print(plain(f"{shown['shop']}/{shown['number']}  {shown['state']}, {shown['condition']}", style="bold"))
    _line("placed", f"{_short(shown['placed_at'])}, {shown['totals']['grand_total']:,} {shown['currency']}")


def _holds(holds: Sequence[Mapping[str, Any]]) -> None:
    for one in holds:
        _line("held", f"{one['reason']} since {_short(one['opened_at'])}: {one['says']}", style="yellow")
        _line("", f"{one['way_out']} ({', '.join(one['ways_out'])})")


def _people(shown: Mapping[str, Any]) -> None:
    customer, to = shown["customer"], shown["ship_to"]
    _line("customer", " ".join(filter(None, (customer["id"], customer["name"], customer["email"]))))
    _line(
        "ship to",
        " ".join(
            filter(
                None, (to["name"], to["postal_code"], to["region"], to["city"], to["line1"], to["line2"], to["phone"])
            )
        ),
    )
    if shown["remarks"]:
        _line("remarks", shown["remarks"])
    for one in shown["instructions"]:
        _line("", f"{one['kind']} for {one['for']}: {one['says']}")


def _goods(shown: Mapping[str, Any]) -> Iterable[tuple[object, ...]]:
    for one in shown["lines"]:
        yield one["line"], one["sku"], one["name"], one["quantity"], f"{one['unit_price']:,}"


def _money(shown: Mapping[str, Any]) -> None:
    money = shown["payment"]
    through = f" through {money['gateway']}" if money["gateway"] else ""
    sums = ", ".join(f"{name} {money[name]:,}" for name in ("authorized", "captured", "refunded"))
    if account := shown.get("refund_account"):
        _line("refund to", " ".join(account[name] for name in ("bank", "branch", "kind", "number", "holder")))
    until = f", to be paid by {money['pay_by']}" if money["pay_by"] and money["state"] == "pending" else ""
    _line("money", f"{money['method']}{through}: {money['state']}; {money['amount']:,} due{until}, {sums}")
    _section(
        "",
        ("at", "asked for", "yen", "outcome", "code", "key"),
        (
            (
                _short(a["at"]),
                a["kind"],
                None if a["amount"] is None else f"{a['amount']:,}",
                a["outcome"],
                a["code"],
                a["key"],
            )
            for a in money["attempts"]
        ),
    )


def _shipments(shipments: Sequence[Mapping[str, Any]]) -> None:
    for one in shipments:
        pieces = ", ".join(f"{p['quantity']} of {p['line']}" for p in one["lines"])
        _line(
            "shipment",
            f"{one['id']} by {one['supplier']}: {one['state']}; {pieces}; leaves {one['dispatch_on'] or 'no date yet'}",
        )
        for reason in one["because"]:
            _line("", f"{reason['rule']}: {reason['says']}")
        for parcel in one["parcels"]:
            number = parcel["tracking_number"] or "no number"
            _line(
                "",
                f"parcel of {_short(parcel['shipped_at'])}: {parcel['carrier']} {number} {parcel['tracking_status'] or ''}",
            )


def _heard(report: Mapping[str, Any] | None) -> str | None:
    """What was heard of a mail after it was sent."""
    return f"{report['reason']} {report['status']}".strip() if report else None


def _line(label: str, says: str, style: str = "") -> None:
    """What is said under a label; further lines of it, as somebody wrote them, stay below the first and are no labels of their own."""
    below = f"\n{'':<{_LABEL + 1}}"
    out.print(Text(f"{label:<{_LABEL}}", style="dim"), plain(below.join(says.split("\n")), style=style), soft_wrap=True)


def _section(title: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table under a title; nothing where there is nothing to tell."""
    listed = list(rows)
    if listed:
        if title:
            out.print(Text(f"\n{title}", style="bold"))
        out.print(table(headings, listed), soft_wrap=True)


def _subject(one: Mapping[str, Any]) -> str:
    return str(one["entity"]) if one["entity"] in ("order", "condition", "payment") else f"{one['entity']} {one['id']}"


def _short(moment: str) -> str:
    """To the second, in Japan as everywhere."""
    return datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M:%S")
