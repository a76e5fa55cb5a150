"""One timeline of an order (履歴): moves with their causes, mails, what came in, what was asked of the world, notes and acts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from models.store.operator_acts import ActRow, NoteRow
from pipelines.changes.money import TOO_LITTLE
from workers.web.console.causes import worded

#: What a timeline may be cut down to.
KINDS: Final = ("move", "mail", "event", "effect", "act", "note")
_SAID: Final = frozenset({"goodwill", "price", "address", "visit"})


class Entry(NamedTuple):
    """One thing that happened: ``what`` and ``about`` are names that pages have words for, ``says`` the cause in the reader's language or words of people."""

    at: datetime
    kind: str
    what: str
    about: str
    old: str
    new: str
    says: str
    is_bad: bool = False


def timeline(
    shown: Mapping[str, Any], notes: Sequence[NoteRow], acts: Sequence[ActRow], language: str, kind: str = ""
) -> list[Entry]:
    """Everything that happened to an order (`show_order`), the newest first, causes in ``language``; of one ``kind``, if it is one of
    `KINDS`."""
    entries = [
        *_moves(shown, language),
        *_mails(shown),
        *_events(shown, language),
        *_effects(shown, language),
        *_acts(acts),
        *_notes(notes),
    ]
    chosen = [one for one in entries if kind not in KINDS or one.kind == kind]
    return sorted(chosen, key=lambda one: one.at, reverse=True)


def _moves(shown: Mapping[str, Any], language: str) -> Iterator[Entry]:
    # Of one moment the last that was written comes first when all is turned round.
    for one in reversed(shown["timeline"]):
        about = "" if one["entity"] in ("order", "condition", "payment") else str(one["id"])
        before, after, cause = one["from"] or "", one["to"], one["cause"]
        if one["entity"] in _SAID:  # what moves no state: its sides are said too
            before, after = worded(before, language), worded(after, language)
        if one["entity"] != "goodwill" or cause == TOO_LITTLE:  # else the words of people
            cause = worded(cause, language)
        yield Entry(_at(one["at"]), "move", one["entity"], about, before, after, cause)


def _mails(shown: Mapping[str, Any]) -> Iterator[Entry]:
    for one in shown["mails"]:
        is_bad = one["state"] in ("failed", "needs_review")
        yield Entry(_at(one["at"]), "mail", one["template"], str(one["id"]), "", one["state"], one["to"], is_bad)


def _events(shown: Mapping[str, Any], language: str) -> Iterator[Entry]:
    for one in shown["events"]:
        why = one["says"] or worded(one["reason"] or "", language)
        says = ": ".join(str(text) for text in (one["by"] or one["source"], why) if text)
        is_bad = one["state"] in ("refused", "quarantined")
        yield Entry(_at(one["at"]), "event", one["type"], one["shipment"] or "", "", one["state"], says, is_bad)


def _effects(shown: Mapping[str, Any], language: str) -> Iterator[Entry]:
    for one in shown["effects"]:
        told = worded(one["says"] or "", language)
        says = " ".join(str(text) for text in (one["key"], one["code"], told) if text)
        is_bad = one["state"] in ("declined", "needs_review")
        yield Entry(_at(one["at"]), "effect", one["kind"], one["shipment"] or "", "", one["state"], says, is_bad)


def _acts(acts: Sequence[ActRow]) -> Iterator[Entry]:
    for one in acts:
        is_bad = one.outcome in ("refused", "raced", "lost", "quarantined")
        yield Entry(one.at, "act", one.act, "", "", one.outcome, one.operator, is_bad)


def _notes(notes: Sequence[NoteRow]) -> Iterator[Entry]:
    for one in notes:
        yield Entry(one.at, "note", one.author, "", "", "", one.text)


def _at(moment: str) -> datetime:
    return datetime.fromisoformat(moment)
