"""Retention (保存期間): each night what is personal and was kept for as long as the shop's profile says goes, in batches.

Days are whole ones, Asia/Tokyo: what is of a day is there during so many days after it. What is of no shop, such as an event
that names no order, is kept for the longest time of any shop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import structlog

from pipelines.engine import retain
from pipelines.engine.retain import Kept
from pipelines.points.jobs import Period, PeriodicJob, Tools, midnight
from pipelines.shops import Shop

log = structlog.get_logger(__name__)

#: Orders, or other rows, a transaction.
STEP: Final = 500
#: What goes, each after the days of its own.
LET_GO: Final = ("mails", "events", "payloads", "photos", "documents", "quarantine", "refused_orders", "files")
#: How long after the last move of an order, of its payment or of its parcels all of it is still kept.
AFTER_THE_LAST_MOVE: Final = timedelta(days=30)


def let_go(tools: Tools, period: Period) -> None:
    """Let go of what need not be kept any more on the day that begins at ``period.until``; twice changes nothing more."""
    known, counted = sorted(tools.shops), Counter[str]()
    for kept in _of_orders(tools.shops, period.until):
        counted[kept.what] += _late(tools, kept) + _next(tools, kept)
    for kept in _others(tools.shops, period.until):
        while gone := tools.transact(partial(retain.of_others, kept=kept, known=known, limit=STEP)):
            counted[kept.what] += gone
    if +counted:
        log.info("retention.ended", **+counted)


def _late(tools: Tools, kept: Kept) -> int:
    total, after = 0, 0
    while True:
        last, gone = tools.transact(partial(retain.of_late_orders, kept=kept, after=after, limit=STEP))
        total += gone
        if last is None:
            return total
        after = last


def _next(tools: Tools, kept: Kept) -> int:
    total, found = 0, STEP
    while found == STEP:
        found, gone = tools.transact(partial(retain.of_next_orders, kept=kept, limit=STEP))
        total += gone
    return total


def _of_orders(shops: Mapping[str, Shop], today: datetime) -> Iterator[Kept]:
    """What goes by its order's day; who the customer is goes last."""
    for key, shop in sorted(shops.items()):
        retention = shop.retention
        days = {
            "mails": retention.mails_days,
            "events": retention.events_days,
            "payloads": retention.payloads_days,
            "photos": retention.photos_days,
            "documents": retention.documents_days,
        }
        for what, number in days.items():
            yield _kept(key, what, number, today)


def _others(shops: Mapping[str, Shop], today: datetime) -> Iterator[Kept]:
    """What goes by its own day: each shop's, and what is of none."""
    longest: dict[str, int] = {}
    for key, shop in sorted(shops.items()):
        retention = shop.retention
        days = {
            "quarantine": retention.quarantine_days,
            "refused_orders": retention.refused_orders_days,
            "documents": retention.documents_days,
        }
        for what, number in days.items():
            yield _kept(key, what, number, today)
        for what, number in {**days, "mails": retention.mails_days, "files": retention.payloads_days}.items():
            longest[what] = max(number, longest.get(what, 0))
    for what, number in longest.items():
        yield _kept("", what, number, today)


def _kept(shop: str, what: str, days: int, today: datetime) -> Kept:
    return Kept(shop, what, today - timedelta(days=days), today - AFTER_THE_LAST_MOVE)


#: What the clock runs each night beside the jobs of points.
RETENTION: Final = PeriodicJob("retention.end", midnight, let_go)
