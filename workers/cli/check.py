"""``shukka check``: what must be true of the database, and of what the outside world saw where its journals are given."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workers.cli.database import opened
from workers.cli.terminal import err, out, plain

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from workers.audit.judge import Violation

#: How many rows, or sentences, of one judge are shown.
_SHOWN = 20


def check(
    journals: Annotated[
        Path | None,
        typer.Option(
            help="Directory of the simulated world's journals: judge them against the database too, once all is at rest.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            help="The Clock's time when that world stopped to speak, such as 2026-11-19T20:30+09:00; now if left out."
        ),
    ] = None,
) -> None:
    """Run every invariant query on the database; with --journals every judge of a run that is over. Exit 1 if anything is
    wrong."""
    with opened("check").connect() as connection:
        wrong = _invariants(connection) if journals is None else _everything(connection, journals, until)
    if wrong:
        raise typer.Exit(1)
    out.print("every invariant holds" if journals is None else "every invariant holds, and no judge finds anything")


def _invariants(connection: Connection) -> bool:
    from models.invariants import violations

    wrong = False
    for invariant, rows in violations(connection):
        wrong = True
        err.print(f"FAILS {invariant.name}: {invariant.says}", style="red")
        for row in rows[:_SHOWN]:
            err.print(plain(f"  {dict(row)}"))
    return wrong


def _everything(connection: Connection, folder: Path, until: str | None) -> bool:
    """One line for each violation: ``FAILS <judge>: <sentence>``."""
    from pipelines.shops import load_shops
    from workers.audit.journals import Journals
    from workers.audit.registry import audit
    from workers.installation import INSTALLATION
    from workers.settings import load

    shops = load_shops(load().shops_dir, INSTALLATION)
    found = audit(connection, Journals.read(folder), _moment(until), shops)
    shown: dict[str, list[Violation]] = {}
    for one in found:
        shown.setdefault(one.judge, []).append(one)
    for judge, violations in shown.items():
        for one in violations[:_SHOWN]:
            err.print(plain(f"FAILS {one}"))
        if len(violations) > _SHOWN:
            err.print(plain(f"FAILS {judge}: and {len(violations) - _SHOWN} more"))
    return bool(found)


def _moment(until: str | None) -> datetime:
    """Raises Invalid for what is no time with its zone."""
    from pipelines.errors import Invalid, Problem
    from workers.settings import load

    if until is None:
        return load().clock.now()
    with suppress(ValueError):
        if (moment := datetime.fromisoformat(until)).tzinfo is not None:
            return moment
    raise Invalid([Problem("--until", "must be a time with its zone, such as 2026-11-19T20:30+09:00")])
