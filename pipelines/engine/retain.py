"""Letting go of what is no longer kept (保存期間の満了): of a batch of orders, or of what is of no order, in one transaction each.

Money, points and history stay. What has not ended is never touched: it waits among the late ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from models.store import documents, erasures, orders, retention, return_photos
from models.store.retention import PersonRow, PlaceRow
from pipelines.engine.erase import pieces_of, take_out
from pipelines.values.calendar import JST

_START: Final = PlaceRow(datetime(2000, 1, 1, tzinfo=JST), 0)


class Kept(NamedTuple):
    """What of a shop ("" for what is of none) is kept until when: for orders, or other things, from before ``until``, if nothing
    of the order moved since ``moved``."""

    shop: str
    what: str
    until: datetime
    moved: datetime


def of_next_orders(connection: Connection, kept: Kept, limit: int) -> tuple[int, int]:
    """Look at up to so many orders whose day has come; how many there were, and how many rows went."""
    after = retention.mark(connection, kept.shop, kept.what, _START.accepted_at)
    found = retention.come(connection, kept.shop, after, kept.until, limit)
    ids = [place.order_id for place in found]
    over, gone = _end(connection, kept, ids)
    retention.come_late(connection, kept.shop, kept.what, sorted(set(ids) - set(over)))
    retention.move_mark(connection, kept.shop, kept.what, next(reversed(found), after), gone)
    return len(found), gone


def of_late_orders(connection: Connection, kept: Kept, after: int, limit: int) -> tuple[int | None, int]:
    """Look again at up to so many orders that were late, the next ones after order ``after``; the last of them, None where there
    are no more, and how many rows went."""
    place = retention.mark(connection, kept.shop, kept.what, _START.accepted_at)
    ids = retention.late(connection, kept.shop, kept.what, after, limit)
    over, gone = _end(connection, kept, ids)
    retention.not_late(connection, kept.shop, kept.what, over)
    retention.move_mark(connection, kept.shop, kept.what, place, gone)
    return next(reversed(ids), None), gone


def of_others(connection: Connection, kept: Kept, known: Sequence[str], limit: int) -> int:
    """Let go of up to so many rows that have a time of their own; how many went."""
    place = retention.mark(connection, kept.shop, kept.what, _START.accepted_at)
    gone = retention.end_others(connection, kept.what, kept.shop, known, kept.until, limit)
    retention.move_mark(connection, kept.shop, kept.what, place, gone)
    return gone


def _end(connection: Connection, kept: Kept, ids: Sequence[int]) -> tuple[list[int], int]:
    """Those of the orders that have ended, locked so that nobody decides on them meanwhile, and how many rows of them went."""
    orders.lock(connection, ids)
    over = retention.over(connection, ids, kept.until, kept.moved) if ids else []
    return over, _ENDS[kept.what](connection, over, kept) if over else 0


def _mails(connection: Connection, ids: Sequence[int], kept: Kept) -> int:
    return retention.end_mails(connection, ids)


def _events(connection: Connection, ids: Sequence[int], kept: Kept) -> int:
    return retention.end_events(connection, ids)


def _payloads(connection: Connection, ids: Sequence[int], kept: Kept) -> int:
    return retention.end_payloads(connection, ids, kept.what, kept.until)


def _photos(connection: Connection, ids: Sequence[int], kept: Kept) -> int:
    return return_photos.end(connection, ids)


def _documents(connection: Connection, ids: Sequence[int], kept: Kept) -> int:
    """Who bought, where it went and what was remarked, wherever it stands, and the documents that say so; of how many orders."""
    told = retention.people(connection, ids)
    held = erasures.facts_of(connection, ids)
    words = {one.id: [fact for fact in held if fact.order_id == one.id] for one in told}
    pieces = {
        one.id: pieces_of([one.customer], [one.ship_to, *one.before], [one.remarks], words[one.id]) for one in told
    }
    emails = sorted({email for one in told if (email := _email(one))})
    gone = erasures.erase_orders(connection, ids, emails)
    take_out(connection, pieces, held)
    documents.end(connection, ids)
    return gone["orders"]


def _email(person: PersonRow) -> str:
    return str(person.customer.get("email") or "")


_ENDS: Final[Mapping[str, Callable[[Connection, Sequence[int], Kept], int]]] = {
    "mails": _mails,
    "events": _events,
    "payloads": _payloads,
    "photos": _photos,
    "documents": _documents,
}
