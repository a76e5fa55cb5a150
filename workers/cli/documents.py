"""``shukka documents ...``: samples of documents, and the documents of orders for operators."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn
from uuid import uuid4

import orjson
import typer

from pipelines.errors import Conflict, Invalid, Problem, ShukkaError
from workers.cli.database import opened
from workers.cli.given_file import read_given
from workers.cli.named import need_order, need_shops, shop_named
from workers.cli.terminal import err, out, table

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pipelines.documents.keep import Request, Stored, Typesets
    from pipelines.documents.writing import Wish
    from pipelines.shops import Shop

app = typer.Typer(help="Documents of orders: receipts, invoices, delivery notes.", no_args_is_help=True)

_MOST_YEN = 2**31 - 1
_Kind = Annotated[
    str,
    typer.Option(help="receipt, invoice, return_invoice, delivery_note, pick_list, statement or quotation."),
]
_Sample = Annotated[Path, typer.Option("--out", help="The PDF to write; or a .png, a picture of its first page.")]
_Out = Annotated[Path, typer.Option("--out", help="The PDF to write.")]
_Locale = Annotated[str | None, typer.Option(help="ja or en; else the order's.")]
_Addressee = Annotated[str | None, typer.Option(help="Whom it is made out to; else as the order says.")]
_Purpose = Annotated[str | None, typer.Option(help="但し書き of a receipt; else as remarks and profile say.")]
_Label = Annotated[bool, typer.Option("--label", help="A delivery note of a label's size, 100 x 150 mm.")]


@app.callback()
def documents() -> None:
    """Documents of orders."""


@app.command()
def preview(
    file: Annotated[str, typer.Argument(help="A JSON file with an order, or - for standard input.")],
    kind: _Kind,
    path: _Sample,
    locale: _Locale = None,
    addressee: _Addressee = None,
    purpose: _Purpose = None,
    label: _Label = False,
) -> None:
    """Write a document of an order that is only a file, marked as a sample, as if all had left as planned; needs no running
    service."""
    from pipelines.documents.sample import sample
    from pipelines.shops import load_shops
    from workers.documents.typesetter import typesetter
    from workers.installation import INSTALLATION
    from workers.settings import load

    wish, raw = _wish(kind, addressee, purpose, "", locale, label=label), _raw(file)
    try:
        content = sample(raw, load_shops(load().shops_dir, INSTALLATION), wish)
    except Conflict as refused:
        _refuse(refused)
    _write(path, next(iter(typesetter().pictures(content))) if path.suffix == ".png" else typesetter().pdf(content))


@app.command("list")
def list_(
    shop: Annotated[str, typer.Argument(help="The shop, or SHOP/NUMBER for one order.")],
    since: Annotated[str | None, typer.Option(help="First day of the transaction, as 2026-11-01.")] = None,
    until: Annotated[str | None, typer.Option(help="Last day of the transaction.")] = None,
    least: Annotated[int | None, typer.Option(help="Least amount, in yen.", min=-_MOST_YEN, max=_MOST_YEN)] = None,
    most: Annotated[int | None, typer.Option(help="Most, in yen.", min=-_MOST_YEN, max=_MOST_YEN)] = None,
    partner: Annotated[str | None, typer.Option(help="A part of the addressee's name.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find issued documents by day, amount and partner, any of them together (電子帳簿保存法); at most 1,000."""
    from models.store.documents import find

    key, _, order = shop.partition("/")
    need_shops([key], "SHOP")
    first, last = _day("--since", since), _day("--until", until)
    need_order(first, last, ("--since", "--until"))
    need_order(least, most, ("--least", "--most"))
    with opened("documents").connect() as connection:
        found = find(
            connection,
            key,
            order=order or None,
            since=first,
            until=last,
            least=least,
            most=most,
            partner=partner,
        )
    if as_json:
        sys.stdout.buffer.write(orjson.dumps([one._asdict() for one in found], option=orjson.OPT_INDENT_2) + b"\n")
        return
    headings = ("id", "number", "order", "kind", "day", "amount", "partner")
    rows = [(d.public_id, d.number, d.order, d.kind, d.transaction_on, _yen(d.amount), d.partner) for d in found]
    out.print(table(headings, rows))


@app.command()
def issue(
    order: Annotated[str, typer.Argument(help="The order, as SHOP/NUMBER.")],
    kind: _Kind,
    path: _Out,
    addressee: _Addressee = None,
    purpose: _Purpose = None,
    subject: Annotated[str, typer.Option(help="The parcel, change or shipment; else the only or last one.")] = "",
    locale: _Locale = None,
    label: _Label = False,
) -> None:
    """Issue a document of an order and write its PDF. It is numbered and stored first; a file that could not be written can be
    had again with `shukka documents save`."""
    from pipelines.documents.issue import issue as issue_document
    from pipelines.documents.kinds import OF_AN_ORDER

    wish = _wish(kind, addressee, purpose, subject, locale, label=label)
    if wish.kind not in OF_AN_ORDER:
        raise Invalid([Problem("--kind", f"{kind} is of no single order; issue it with `shukka documents {kind}`")])
    key, _, number = order.partition("/")

    def make(now: datetime, shops: Mapping[str, Shop], connection: Connection, asking: Request) -> Stored:
        if key not in shops or not number:
            raise Invalid([Problem("ORDER", f"write SHOP/NUMBER; the shops are {', '.join(sorted(shops))}")])
        return issue_document(connection, shops[key], number, wish, asking, now, _press())

    _issued(make, path)


@app.command()
def statement(
    shop: Annotated[str, typer.Argument(help="The shop.")],
    customer: Annotated[str, typer.Argument(help="The customer's number.")],
    month: Annotated[str, typer.Option(help="The month of the orders, as 2026-11; it is over.")],
    path: _Out,
    addressee: _Addressee = None,
    locale: _Locale = None,
) -> None:
    """Issue the statement of a customer's month (TAX-02) and write its PDF; what stands on it is what `shukka billing statement`
    prints."""
    from pipelines.documents.issue_apart import issue_statement
    from workers.cli.billing import month_of

    begins, wish = month_of(month), _wish("statement", addressee, None, "", locale, label=False)

    def make(now: datetime, shops: Mapping[str, Shop], connection: Connection, asking: Request) -> Stored:
        return issue_statement(connection, shop_named(shops, shop), customer, begins, wish, asking, now, _press())

    _issued(make, path)


@app.command()
def quotation(
    file: Annotated[str, typer.Argument(help="A JSON file with an order that is not placed, or - for standard input.")],
    path: _Out,
    addressee: _Addressee = None,
    locale: _Locale = None,
) -> None:
    """Issue a quotation of an order that is only a file, at the figures of `POST /v1/preview`, and write its PDF."""
    from pipelines.documents.issue_apart import issue_quotation

    raw, wish = _raw(file), _wish("quotation", addressee, None, "", locale, label=False)

    def make(now: datetime, shops: Mapping[str, Shop], connection: Connection, asking: Request) -> Stored:
        return issue_quotation(connection, shops, raw, wish, asking, now, _press())

    _issued(make, path)


def _press() -> Typesets:
    from workers.documents.typesetter import typesetter

    return typesetter()


def _issued(make: Callable[[datetime, Mapping[str, Shop], Connection, Request], Stored], path: Path) -> None:
    """Issue what ``make`` issues within one transaction, and write its PDF."""
    from pipelines.documents.keep import Request
    from pipelines.shops import load_shops
    from workers.installation import INSTALLATION
    from workers.settings import load

    settings, asking = load(), Request(f"cli:{uuid4().hex}", "command line")
    shops, engine = load_shops(settings.shops_dir, INSTALLATION), opened("documents")
    try:
        with engine.begin() as connection:
            made = make(settings.clock.now(), shops, connection, asking)
    except Conflict as refused:
        _refuse(refused)
    out.print(f"{made.number}  {made.id}{'  re-issued' if made.reissue else ''}", markup=False)
    save(made.id, path)


@app.command()
def save(
    document: Annotated[str, typer.Argument(metavar="ID", help="The document's id.")],
    path: _Out,
) -> None:
    """Write the PDF of an issued document, the bytes that were stored."""
    from models.store.documents import file_of

    with opened("documents").connect() as connection:
        row = file_of(connection, document)
    if row is None or not row.file:
        raise ShukkaError(f"{document}: there is no such document, or it is no longer kept")
    _write(path, row.file)


def _raw(file: str) -> object:
    """The JSON of a file, or of standard input where it is ``-``. Raises Invalid."""
    from workers.web.body import BadBody, parse_json

    try:
        return parse_json(read_given(file))
    except OSError as fault:
        raise Invalid([Problem(file, fault.strerror or str(fault))]) from None
    except BadBody as bad:
        raise Invalid([Problem(file, bad.detail)]) from None


def _refuse(refused: Conflict) -> NoReturn:
    """Say which rule refuses, exit 1."""
    err.print(f"{refused.detail} ({refused.rule})" if refused.rule else refused.detail, markup=False)
    raise typer.Exit(1) from None


def _wish(
    kind: str, addressee: str | None, purpose: str | None, subject: str, locale: str | None, *, label: bool
) -> Wish:
    from pipelines.documents.kinds import Kind
    from pipelines.documents.writing import Wish

    if kind not in list(Kind):
        raise Invalid([Problem("--kind", f"{kind!r} is none; the kinds are {', '.join(Kind)}")])
    if locale not in (None, "ja", "en"):
        raise Invalid([Problem("--locale", "is ja or en")])
    return Wish(Kind(kind), addressee, purpose, subject, locale, label)


def _day(option: str, text: str | None) -> date | None:
    if text is None:
        return None
    with suppress(ValueError):
        return date.fromisoformat(text)
    raise Invalid([Problem(option, f"{text!r} is no day; write it as 2026-11-01")])


def _yen(amount: int | None) -> str | None:
    return None if amount is None else f"{amount:,}"


def _write(path: Path, file: bytes) -> None:
    try:
        path.write_bytes(file)
    except OSError as fault:
        raise Invalid([Problem("--out", f"{path}: {fault.strerror or fault}")]) from None
    out.print(f"{path}: {len(file):,} bytes", markup=False)
