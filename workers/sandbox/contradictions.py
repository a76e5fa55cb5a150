"""What a simulated supplier says that cannot be so. Whatever else it reports of the shipment stays true."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from workers.sandbox.courier import Event

#: In the id of every event that is one.
MARK: Final = ":contradiction."
#: How long after the rest of the story, or after the instruction, it is said.
_LATER: Final = timedelta(minutes=5)
#: After these a parcel holds nothing for good.
_HOLDS_NOTHING: Final = frozenset({"shipment.returned", "shipment.lost"})


@dataclass(frozen=True, slots=True)
class Told:
    """What a contradiction stands against: the instruction's data, when it came, the events that say how it really was, and
    when the last of them goes out."""

    request: Mapping[str, Any]
    now: datetime
    events: Sequence[Event]
    over_at: datetime


_Kind = tuple[str, str, datetime, dict[str, Any]]
"""(name, type, when it is said, data)."""


def contradiction(told: Told, chance: random.Random, number: str) -> tuple[datetime, Event]:
    """One of the kinds, and when it is said; ``number`` is a tracking number that was given to nothing else."""
    name, kind, at, data = chance.choice(_KINDS)(told, number)
    event = Event(f"{told.request['shipment']}{MARK}{name}:1", kind, at.isoformat(), data)
    return at, event


def is_contradiction(event_id: str) -> bool:
    """Whether the event of this id cannot be so."""
    return MARK in event_id


def _other_pieces(told: Told, number: str) -> _Kind:
    """The same parcel again, with more in it than is wanted at all."""
    last = _last_parcel(told)
    if last is None:
        return _no_such_number(told, number)
    lines = [{**line, "quantity": line["quantity"] + 1} for line in last.data["lines"]]
    return "other_pieces", "shipment.shipped", told.over_at + _LATER, {**last.data, "lines": lines}


def _shipped_twice(told: Told, number: str) -> _Kind:
    """Everything once more, in another parcel; after one that came back or was lost it may well be so (B.4.3)."""
    last = _last_parcel(told)
    if last is None or any(event.type in _HOLDS_NOTHING for event in told.events):
        return _no_such_number(told, number)
    at = told.over_at + _LATER
    data = {**last.data, "tracking_number": number, "shipped_at": at.isoformat(), "lines": _all_lines(told)}
    return "shipped_twice", "shipment.shipped", at, data


def _shipped_before_it_was_ordered(told: Told, number: str) -> _Kind:
    left = told.now - timedelta(days=40)
    return "shipped_before", "shipment.shipped", told.now + _LATER, _departure(told, number, left)


def _no_such_number(told: Told, number: str) -> _Kind:
    """A tracking number that no carrier gives (TRK-03)."""
    at = told.now + _LATER
    return "no_such_number", "shipment.shipped", at, _departure(told, "????-????", at)


def _delayed_into_the_past(told: Told, number: str) -> _Kind:
    at = told.now + _LATER
    day = (at - timedelta(days=3)).date().isoformat()
    data = {"shipment": told.request["shipment"], "expected_on": day, "reason": "out of stock"}
    return "delayed_into_past", "shipment.delayed", at, data


_KINDS: Final[Sequence[Callable[[Told, str], _Kind]]] = (
    _other_pieces,
    _shipped_twice,
    _shipped_before_it_was_ordered,
    _no_such_number,
    _delayed_into_the_past,
)


def _last_parcel(told: Told) -> Event | None:
    return next((event for event in reversed(told.events) if event.type == "shipment.shipped"), None)


def _departure(told: Told, number: str, left: datetime) -> dict[str, Any]:
    return {
        "shipment": told.request["shipment"],
        "carrier": "yamato",
        "tracking_number": number,
        "shipped_at": left.isoformat(),
        "lines": _all_lines(told),
    }


def _all_lines(told: Told) -> list[dict[str, Any]]:
    return [{"line": line["line"], "quantity": line["quantity"]} for line in told.request["lines"]]
