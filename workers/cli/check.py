"""``shukka check``: what must be true of the database, and of what the outside world saw where its journals are given."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from workers.cli.database import opened
from workers.cli.terminal import err, out, plain

if TYPE_CHECKING:
    from rich.console import Console
    from sqlalchemy import Connection, Engine

    from models.checking import Extent
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
    full: Annotated[bool, typer.Option("--full", help="Look at everything, however much that is.")] = False,
    since_last: Annotated[
        bool,
        typer.Option(
            "--since-last",
            help="Look only at what was touched since the last check that found nothing, however little there is.",
        ),
    ] = False,
) -> None:
    """Run every invariant query on the database: on all there is, which takes seconds up to 50,000 orders; where there are more, on what
    was touched since the last check that found nothing, unless --full. With --journals every judge of a run that is over. Exit 1 if
    anything is wrong."""
    from pipelines.errors import Invalid, Problem

    if full and since_last:
        raise Invalid([Problem("--since-last", "is the contrary of --full; give one of them")])
    if until is not None and journals is None:
        raise Invalid([Problem("--until", "is about the journals of a simulated world; name them by --journals")])
    engine, partly = opened("check"), False
    if journals is None:
        wrong, partly = _invariants(engine, full, since_last)
    else:
        with engine.connect() as connection:
            wrong = _everything(connection, journals, until)
    if wrong:
        raise typer.Exit(1)
    of = " of what was looked at" if partly else ""
    out.print(
        f"every invariant holds{of}" if journals is None else "every invariant holds, and no judge finds anything"
    )


def _invariants(engine: Engine, full: bool, since_last: bool) -> tuple[bool, bool]:
    """Whether anything is wrong, and whether only a part was looked at."""
    from models.checking import WHOLE_UP_TO, check

    wrong = False
    with OnTerminal(err) as shown:
        for invariant, rows in check(engine, shown, full=full, whole_up_to=0 if since_last else WHOLE_UP_TO):
            wrong = True
            err.print(f"FAILS {invariant.name}: {invariant.says}", style="red")
            for row in rows[:_SHOWN]:
                err.print(plain(f"  {dict(row)}"))
    return wrong, shown.partly


class OnTerminal:
    """How a check gets on, where ``console`` is a terminal: the invariant that is asked, which of how many it is, and the seconds since the
    check began. What is looked at is said everywhere, unless it is everything."""

    def __init__(self, console: Console) -> None:
        from rich.progress import Progress, TextColumn, TimeElapsedColumn

        self.partly = False
        self._console = console
        self._live = Progress(
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._live.add_task("gathers what was touched", total=None)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *ended: object) -> None:
        self._live.stop()

    def begun(self, extent: Extent) -> None:
        """Say what is looked at."""
        self.partly = extent.since is not None
        if extent.since is not None:
            self._console.print(
                f"looks at what lives or was touched since {extent.since:%Y-%m-%d %H:%M:%S} (orders: {extent.orders:,}, customers: "
                f"{extent.customers:,}); --full looks at all"
            )

    def asked(self, name: str, number: int, of: int) -> None:
        """Show the invariant that is asked."""
        self._live.update(self._task, description=f"{number} of {of} {name}")


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
