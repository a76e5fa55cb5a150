"""``shukka console ...``: the people who may open the console. No secret is ever on the command line."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.errors import Invalid, Problem
from workers.cli.database import opened
from workers.cli.terminal import out, plain, table

if TYPE_CHECKING:
    from sqlalchemy import Connection

app = typer.Typer(help="Operators of the console.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The operator's name, with which to sign in.")]


@app.command()
def admin(
    name: Name, password: Annotated[bool, typer.Option("--password", help="Ask for a password here instead.")] = False
) -> None:
    """Make an admin of every shop; prints a link that signs in once, within half an hour, to choose a password."""
    _add(name, "admin", [], password=password)


@app.command()
def add(
    name: Name,
    role: Annotated[str, typer.Option(help="viewer, operator or admin.")] = "operator",
    shop: Annotated[list[str] | None, typer.Option(help="A shop; repeat for several, none means every one.")] = None,
    password: Annotated[bool, typer.Option("--password", help="Ask for a password here instead.")] = False,
) -> None:
    """Make an operator, or change the role of one; prints a link that signs in once, within half an hour."""
    _add(name, role, shop or [], password=password)


@app.command("list")
def list_() -> None:
    """List operators and what they may do; no secret."""
    from models.store import operators

    with opened("console").connect() as connection:
        found = operators.listed(connection)
    rows = [
        (
            one.name,
            ", ".join(f"{role} at {'every shop' if shop == '*' else shop}" for shop, role in sorted(one.roles.items())),
            "yes" if one.has_password else "not yet",
            "yes" if one.has_totp else "no",
            one.mail or "",
            one.disabled_at and f"{one.disabled_at:%Y-%m-%d %H:%M}",
        )
        for one in found
    ]
    says = "no operator yet: `shukka console admin NAME` makes one"
    out.print(table(("name", "roles", "password", "code", "mail", "disabled"), rows) if rows else says)


@app.command()
def mail(
    name: Name, address: Annotated[str, typer.Argument(help="The operator's own mail address; empty for none.")]
) -> None:
    """Say where an operator has mail: samples of mails go there at the operator's wish, and nowhere else."""
    from models.store import operators
    from pipelines.values.mail_address import addr_spec

    try:
        kept = addr_spec(address) if address else None
    except ValueError as wrong:
        raise Invalid([Problem("ADDRESS", str(wrong))]) from None
    with opened("console").begin() as connection:
        if not operators.set_mail(connection, name, kept):
            _known(connection, name)
            says = f"{name} is disabled; `shukka console add {name}` makes it an operator again"
            raise Invalid([Problem("NAME", says)])
    out.print(plain(f"{name} has mail at {kept}" if kept else f"{name} has mail nowhere"))


@app.command()
def disable(name: Name) -> None:
    """Let an operator sign in no more, and sign him out wherever he is."""
    from models.store import operators

    with opened("console").begin() as connection:
        if not operators.disable(connection, name):
            _known(connection, name)  # was disabled before
    out.print(plain(f"{name} is disabled and signed out"))


def _known(connection: Connection, name: str) -> None:
    from models.store import operators

    if name not in {one.name for one in operators.listed(connection)}:
        raise Invalid([Problem("NAME", f"there is no operator {name}; `shukka console list` shows them")])


def _add(name: str, role: str, shops: list[str], *, password: bool) -> None:
    from pipelines.operators import read_roles
    from pipelines.shops import load_shops
    from workers.installation import INSTALLATION
    from workers.operators import PATH, add_account, give_password, one_time_path
    from workers.settings import load

    settings = load()
    roles = read_roles(role, shops, load_shops(settings.shops_dir, INSTALLATION))
    chosen = _password() if password else None
    engine = opened("console")
    account = add_account(engine, name, roles)
    base = settings.shukka_public_url or settings.environment.get("SHUKKA_PUBLIC_URL") or "http://127.0.0.1:8000"
    if chosen is not None:
        give_password(engine, account, chosen)
        out.print(plain(f"{name} signs in at {base}{PATH}"))
        return
    out.print(plain(f"{name} is {role}. This link signs in once, within half an hour:"))
    out.print(plain(f"{base}{one_time_path(engine, account)}"), soft_wrap=True)


def _password() -> str:
    """Typed twice at a terminal, or the first line of what comes in."""
    from workers.operators import LEAST_PASSWORD, MOST_PASSWORD, is_password

    if sys.stdin.isatty():
        chosen = getpass.getpass("Password: ")
        if chosen != getpass.getpass("Once more: "):
            raise Invalid([Problem("--password", "the two differ")])
    else:
        chosen = sys.stdin.readline().rstrip("\n")
    if not is_password(chosen):
        raise Invalid([Problem("--password", f"it needs {LEAST_PASSWORD} to {MOST_PASSWORD} characters")])
    return chosen
