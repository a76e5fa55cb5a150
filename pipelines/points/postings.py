"""Postings (郵送): letters with coupon codes that a person prints, posts and ticks off (CUT-05)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Engine

from models.store import posted_coupons
from models.store.posted_coupons import PostingRow
from pipelines.errors import Conflict, NotFound
from pipelines.ports import Clock
from pipelines.rules.dates.periods import last_day
from pipelines.values.calendar import in_japan


def listed(connection: Connection, shops: Sequence[str], today: date, *, done: bool = False) -> list[dict[str, Any]]:
    """Letters still to be posted at ``shops`` (empty: all), the oldest first, or those that went; ``today`` in Japan."""
    return [shown(one, today) for one in posted_coupons.postings(connection, shops, done=done)]


def shown(one: PostingRow, today: date) -> dict[str, Any]:
    """A letter as operators see it: what to print, where it goes, and how many days it is late."""
    is_open = one.posted_at is None
    return {
        "id": one.id,
        "shop": one.shop,
        "customer": one.customer_id,
        "order": one.number,
        "code": one.code,
        "points": one.points,
        "expires_on": last_day(one.expires_at).isoformat() if one.expires_at else None,
        "way": one.way,
        "ship_to": dict(one.ship_to) if is_open else None,
        "due_on": one.due_on.isoformat(),
        "days_overdue": max(0, (today - one.due_on).days) if is_open else 0,
        "posted_at": in_japan(one.posted_at).isoformat() if one.posted_at else None,
        "posted_by": one.posted_by,
    }


def to_post(connection: Connection, id_: int) -> PostingRow:
    """A letter that is to be posted. Raises NotFound, and Conflict for one that went or that the customer does not want."""
    row = posted_coupons.posting(connection, id_)
    if row is None:
        raise NotFound(f"no posting {id_}")
    if row.posted_at is not None:
        raise Conflict(f"It went by {row.way} on {in_japan(row.posted_at).date().isoformat()}.", rule="CUT-05")
    if posted_coupons.posting(connection, id_, is_open=True) is None:
        raise Conflict("The customer withdrew, or wants no letters: it goes by mail, if at all.", rule="CON-04")
    return row


def done(
    engine: Engine, clock: Clock, id_: int, by: str, sees: Callable[[str], bool] = lambda shop: True
) -> dict[str, Any]:
    """A letter was posted; the same again changes nothing. Raises as `to_post`; another shop's looks like none."""
    now = clock.now()
    with engine.begin() as connection:
        row = posted_coupons.posting(connection, id_)
        if row is None or not sees(row.shop):
            raise NotFound(f"no posting {id_}")
        if row.way == "mail" or row.posted_at is None:
            to_post(connection, id_)
            posted_coupons.mark_posted(connection, id_, by, now)
            row = posted_coupons.posting(connection, id_) or row
    return shown(row, in_japan(now).date())
