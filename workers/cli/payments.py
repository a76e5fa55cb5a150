"""``shukka payments ...``: bank statements and the transfers that no order has, the gateways' own lists, the day's closing."""

from __future__ import annotations

import csv
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from pipelines.errors import Invalid, Problem
from pipelines.values.encoded_text import file_name
from workers.cli.database import opened
from workers.cli.given_file import read_whole
from workers.cli.named import need_shops
from workers.cli.terminal import out, plain, table

if TYPE_CHECKING:
    from pipelines.deposits import Imported
    from pipelines.rules.deposits import Finding
    from pipelines.statements.statement import Format, Movement, Statement
    from workers.reconciliation import Reconciled

app = typer.Typer(help="Bank statements, gateways' lists and the day's closing.", no_args_is_help=True)

_ID = typer.Argument(metavar="ID", help="The transfer, as `shukka payments unassigned` numbers it.", min=1, max=2**62)


@app.callback()
def payments() -> None:
    """Bank statements, gateways' lists and the day's closing."""


@app.command()
def reconcile(
    gateway: Annotated[
        str | None, typer.Option(help="Only this gateway; without it all that list their payments.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare with the gateways' own lists; settle what is certain, print what is not. Exit 1 if something is left."""
    import asyncio

    from workers.reconciliation import reconcile_all
    from workers.settings import load
    from workers.wiring import build

    opened("payments").dispose()  # says so where the schema is not ours
    house = build(load(), "payments")
    if gateway is not None and gateway not in house.gateways():
        asked = ", ".join(sorted(house.gateways())) or "none"
        raise Invalid([Problem("--gateway", f"no shop asks {gateway} for anything; they ask {asked}")])
    found = asyncio.run(reconcile_all(house, gateway))
    if as_json:
        sys.stdout.buffer.write(orjson.dumps({"gateways": [one.to_json() for one in found]}) + b"\n")
    else:
        for one in found:
            _print_reconciled(one)
        if not found:
            out.print("no gateway of these shops lists its payments")
    raise typer.Exit(1 if any(one.left or one.unreachable for one in found) else 0)


@app.command()
def closing(
    on: Annotated[
        str | None, typer.Option("--date", metavar="DAY", help="The day, in Japan; today if left out.")
    ] = None,
    gateway: Annotated[str | None, typer.Option(help="Only this gateway.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines instead of CSV.")] = False,
) -> None:
    """Print what a day held, took and gave back by shop, gateway and method, and what gateways keep of it, as CSV."""
    from models.store import payments as store
    from pipelines.values.calendar import in_japan
    from workers.closing import as_csv, day_of, payouts
    from workers.payments import GATEWAYS
    from workers.settings import load

    day = _day(on) if on else in_japan(load().clock.now()).date()
    if gateway is not None and gateway not in GATEWAYS:
        raise Invalid([Problem("--gateway", f"there is no gateway {gateway}; the gateways are {', '.join(GATEWAYS)}")])
    since, until = day_of(day)
    with opened("payments").connect() as connection:
        rows = payouts(store.closing(connection, since, until, gateway), day.isoformat())
    if as_json:
        for one in rows:
            sys.stdout.buffer.write(orjson.dumps(one) + b"\n")
    else:
        sys.stdout.write(as_csv(rows))


def _day(text: str) -> date:
    from pipelines.values.moment import read_day

    try:
        return read_day(text)
    except ValueError as wrong:
        raise Invalid([Problem("--date", str(wrong))]) from None


def _print_reconciled(found: Reconciled) -> None:
    if found.unreachable:
        out.print(plain(f"{found.gateway}: {found.unreachable}"))
        return
    counts = f"{found.listed} payments: {found.agreed} agree, {found.waiting} are under way, {found.others} are others'"
    again = f", {found.retried} unknown attempts are asked again" if found.retried else ""
    out.print(plain(f"{found.gateway}: {counts}, {len(found.differences)} differ{again}"))
    if found.differences:
        rows = [
            (one.order or "none", one.reference, one.says, one.settled or "yours: " + ", or ".join(one.choices))
            for one in found.differences
        ]
        out.print(table(("order", "reference", "what", "settled"), rows))


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="The statement, as the bank gave it.")],
    bank: Annotated[str, typer.Option("--bank", metavar="FORMAT", help="How the bank writes: zengin, mufg, smbc, ...")],
    account: Annotated[
        str | None, typer.Option(help="The account's number, where the file names none and the shops have several.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would become of each row.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Book the transfers of a bank statement, each once; exit 1 if one was of another sum, or of nobody known."""
    from pipelines.deposits import import_statement
    from pipelines.shops import load_shops
    from pipelines.values.calendar import in_japan
    from workers.installation import INSTALLATION
    from workers.settings import load

    form = _format(bank)
    raw = read_whole(file, "statement")
    settings = load()
    statement = form.read(raw, in_japan(settings.clock.now()).date())
    shops = load_shops(settings.shops_dir, INSTALLATION)
    engine = opened("payments")
    imported = import_statement(engine, settings.clock, shops, statement, account=account, dry_run=dry_run)
    answer = _answer(file, form, statement, imported)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
    else:
        _print(answer, dry_run)
    raise typer.Exit(1 if answer["mismatched"] or answer["unknown"] else 0)


@app.command()
def unassigned(as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False) -> None:
    """List the transfers that no order has, with what the bank wrote, the oldest first."""
    from models.store import deposits
    from pipelines.values.calendar import in_japan

    with opened("payments").connect() as connection:
        rows = deposits.unassigned(connection)
    found = [
        {
            "id": row.id,
            "date": in_japan(row.at).date().isoformat(),
            "amount": row.body.get("amount"),
            "taken_back": row.body.get("taken_back"),
            "text": row.body.get("text"),
            "reason": row.reason,
        }
        for row in rows
    ]
    if as_json:
        for one in found:
            sys.stdout.buffer.write(orjson.dumps(one) + b"\n")
        return
    headings = ("id", "date", "amount", "taken_back", "text", "reason")
    out.print(table(headings, [one.values() for one in found]) if found else "every transfer has its order")


@app.command()
def assign(
    transfer: Annotated[int, _ID], order: Annotated[str, typer.Argument(metavar="SHOP/NUMBER", help="Its order.")]
) -> None:
    """Say which order a transfer is for: it counts there as if its payer had written the number."""
    from models.store.orders import OrderKey
    from pipelines.engine.inbox import assign as assign_to
    from workers.settings import load

    shop, _, number = order.partition("/")
    if not shop or not number:
        raise Invalid([Problem("SHOP/NUMBER", f"{order!r} is no order; write it as salon/S-1001")])
    with opened("payments").begin() as connection:
        assign_to(connection, transfer, OrderKey(shop, number), load().clock.now())
    out.print(plain(f"transfer {transfer} is a deposit for {order}"))


@app.command()
def dismiss(
    transfer: Annotated[int, _ID],
    reason: Annotated[str, typer.Option(help="What it is; kept with it. Write no customer's name.")],
) -> None:
    """Say that a transfer is no order's money: interest, a supplier's refund, something that was seen to at the bank."""
    from pipelines.engine.inbox import dismiss as dismiss_it

    if not reason.strip():
        raise Invalid([Problem("--reason", "say what it is")])
    with opened("payments").begin() as connection:
        dismiss_it(connection, transfer, reason.strip())
    out.print(plain(f"transfer {transfer} is no order's"))


@app.command()
def payouts(
    shop: Annotated[str | None, typer.Option(help="Only this shop's.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV for the bank, with the accounts.")] = False,
) -> None:
    """List what only a person can give back, until it is recorded: `shukka act SHOP/NUMBER refunds`."""
    from models.store.refund_accounts import payouts as due

    need_shops([] if shop is None else [shop])
    with opened("payments").connect() as connection:
        rows = due(connection, shop)
    if as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(("order", "amount", "bank", "branch", "kind", "number", "holder", "since"))
        for row in rows:
            account = (one or "" for one in (row.bank, row.branch, row.kind, row.account, row.holder))
            writer.writerow((f"{row.shop}/{row.number}", row.amount, *account, row.since.isoformat()))
        return
    if not rows:
        out.print(plain("nothing is to be paid out"))
        return
    shown = [
        (f"{r.shop}/{r.number}", f"{r.amount:,}", "named" if r.account else "not named yet", r.since) for r in rows
    ]
    out.print(table(("order", "yen", "account", "since"), shown))


def _format(bank: str) -> Format:
    from pipelines.statements import FORMATS

    if bank not in FORMATS:
        raise Invalid([Problem("--bank", f"there is no format {bank}; the formats are {', '.join(FORMATS)}")])
    return FORMATS[bank]


def _answer(file: Path, form: Format, statement: Statement, imported: Imported) -> dict[str, Any]:
    shown: dict[str, list[dict[str, Any]]] = {"matched": [], "mismatched": [], "unknown": []}
    for row, finding in imported.found:
        shown[finding.outcome].append(_shown(row, finding))
    return {
        "file": file_name(str(file)),
        "format": form.name,
        "encoding": statement.encoding,
        "rows": imported.rows,
        **{outcome: sorted(rows, key=lambda one: int(one["row"])) for outcome, rows in shown.items()},
        "known": imported.known,
    }


def _shown(row: Movement, finding: Finding) -> dict[str, Any]:
    """A row without who sent it: the answer may be kept in a log."""
    if finding.order is None:
        return {"row": row.row, "amount": row.amount, "reason": finding.because}
    shown = {"row": row.row, "order": "/".join(finding.order), "amount": row.amount}
    return shown if finding.outcome == "matched" else {**shown, "due": finding.due, "reason": finding.because}


def _print(answer: dict[str, Any], dry_run: bool) -> None:
    rows = [
        (one["row"], outcome, one.get("order"), one["amount"], one.get("reason"))
        for outcome in ("matched", "mismatched", "unknown")
        for one in answer[outcome]
    ]
    if rows:
        out.print(table(("row", "what", "order", "amount", "why"), rows))
    counts = ", ".join(f"{len(answer[name])} {name}" for name in ("matched", "mismatched", "unknown"))
    out.print(
        plain(f"{answer['rows']} rows: {counts}, {answer['known']} known{'; nothing was booked' if dry_run else ''}")
    )
    if answer["unknown"] and not dry_run:
        out.print("shukka payments unassigned lists the unknown ones and who sent them")
