"""``shukka attention``: what waits for a human, why, and the way out of each."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, NamedTuple

import orjson
import typer

from workers.cli.database import opened
from workers.cli.terminal import out, table

#: The way out of what is no hold of an order, by what it is; ``{id}`` is which.
_WAYS_OUT: Final[Mapping[str, str]] = {
    "effect": "look it up outside, then shukka retry effect {id}",
    "mail": "shukka retry mail {id}",
    "mail bounced": "shukka order has the phone; then shukka mails release ADDRESS, or shukka mails dismiss {id}",
    "event quarantined": "ask its sender; once what kept it out is mended, shukka retry event {id}",
    "transfer": "shukka payments unassigned says who sent it; then shukka payments assign {id} SHOP/NUMBER, or dismiss {id}",
    "event waits": "ask its sender for the news before it",
    "erasure waits": "bring its orders to their end; it follows by itself within the hour",
    "circuit open": "it is asked again by itself, at most a minute apart; ask the partner",
    "work failing": "it is tried again by itself, at most an hour apart",
    "posting": "shukka postings label {id}; once it is posted, shukka postings done {id}",
    "order refused": "ask the storefront to send it again, corrected",
}


class Waiting(NamedTuple):
    """One thing that waits: which, why, what a person does about it, and the actions that answer it."""

    what: str
    id: str
    why: str
    way_out: str
    ways_out: tuple[str, ...]


def attention(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
    lang: Annotated[Literal["ja", "en"], typer.Option(help="Language of why orders are held.")] = "en",
) -> None:
    """List what waits for a human: held orders, letters to post, odd events, effects and mails that were given up."""
    found = _waiting(lang)
    if as_json:
        for one in found:
            sys.stdout.buffer.write(orjson.dumps(one._asdict()) + b"\n")
        return
    rows = [(one.what, one.id, one.why, " ".join((one.way_out, *_named(one)))) for one in found]
    out.print(table(("what", "which", "why", "way out"), rows) if rows else "nothing waits for a human")


def _named(one: Waiting) -> list[str]:
    return [f"(shukka act {one.id} {' | '.join(one.ways_out)})"] if one.ways_out else []


def _waiting(lang: str) -> list[Waiting]:
    from models.store import holds
    from models.store.attention import waiting
    from pipelines.engine.gather import hold_of
    from pipelines.points.postings import listed
    from pipelines.values.calendar import in_japan
    from workers.settings import load

    with opened("attention").connect() as connection:
        held, others = holds.waiting(connection), waiting(connection)
        letters = listed(connection, [], in_japan(load().clock.now()).date())
    found = []
    for row in held:
        hold = hold_of(row.hold)
        why, kind = f"{hold.reason}: {hold.says(lang)}", hold.kind
        found.append(Waiting("order held", f"{row.shop}/{row.number}", why, kind.way_out.says(lang), kind.answered_by))
    found += [
        Waiting("posting", str(one["id"]), _letter(one), _WAYS_OUT["posting"].format(id=one["id"]), ())
        for one in letters
    ]
    return found + [Waiting(*one, _WAYS_OUT[one.what].format(id=one.id), ()) for one in others]


def _letter(one: Mapping[str, Any]) -> str:
    late = f", {one['days_overdue']} days overdue" if one["days_overdue"] else ""
    return f"a coupon's letter for {one['shop']}/{one['order']}, due {one['due_on']}{late}"
