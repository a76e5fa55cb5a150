"""What stands still: read from the database alone, once all had time to end what was due."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from pipelines.orders.actions.release import ACTION as RELEASE
from pipelines.rules.hold_kinds import KINDS

#: Real seconds after which what is due has been taken, and beyond which no attempt that was the first is put off.
GRACE = 2

_UNDECIDED = """
SELECT coalesce(o.shop || '/' || o.number, w.subject_kind || ' ' || w.subject_id) AS name, w.stage, w.error
FROM work w LEFT JOIN shop_order o ON o.id = w.order_id
WHERE w.attempts > 0 OR w.due_at <= :until
ORDER BY 1, 2
"""
_OPEN = f"""
SELECT coalesce(o.shop || '/' || o.number, 'a customer') AS name, l.kind, l.attempts,
       l.due_at > now() + interval '{GRACE} s' AS is_held, l.due_at < now() - interval '{GRACE} s' AS is_overdue
FROM effect_lease l
LEFT JOIN effect e ON e.id = l.subject_id AND l.kind <> 'mail.send'
LEFT JOIN mail m ON m.id = l.subject_id AND l.kind = 'mail.send'
LEFT JOIN shop_order o ON o.id = coalesce(e.order_id, m.order_id)
ORDER BY 1, 2
"""
_FOR_REVIEW = """
SELECT o.shop || '/' || o.number AS name, e.kind FROM effect e JOIN shop_order o ON o.id = e.order_id
WHERE e.state = 'needs_review'
UNION ALL
SELECT o.shop || '/' || o.number, m.template FROM mail m JOIN shop_order o ON o.id = m.order_id WHERE m.state = 'needs_review'
ORDER BY 1, 2
"""
_NEWS = """
SELECT coalesce(o.shop || '/' || o.number, e.source) AS name, e.type FROM inbox_event e
LEFT JOIN shop_order o ON o.id = e.order_id WHERE e.state = 'pending'
  AND (e.type NOT LIKE 'shipment.%' OR e.type IN ('shipment.shipped', 'shipment.acknowledged', 'shipment.refused',
                                                         'shipment.delayed', 'shipment.short'))
ORDER BY 1, 2
"""

_ANSWERED = """
SELECT DISTINCT o.shop || '/' || o.number AS name, h.reason FROM order_hold h JOIN shop_order o ON o.id = h.order_id
JOIN inbox_event e ON e.order_id = h.order_id AND e.type = :released AND e.state = 'applied' AND e.at > h.opened_at
WHERE h.closed_at IS NULL AND h.reason = ANY(:reasons) ORDER BY 1, 2
"""
_RELEASABLE = [reason.value for reason, kind in KINDS.items() if RELEASE.name in kind.answered_by]


def _decided(connection: Connection, until: datetime) -> Iterator[str]:
    for one in connection.execute(text(_UNDECIDED), {"until": until}):
        yield (
            f"{one.name}: {one.stage} fails with {one.error}"
            if one.error
            else f"{one.name}: {one.stage} is not decided"
        )


def _ended(connection: Connection, until: datetime) -> Iterator[str]:
    for one in connection.execute(text(_OPEN)):
        if one.attempts == 0 and one.is_overdue:
            yield f"{one.name}: {one.kind} was asked for and never attempted"
        elif one.is_overdue:
            yield f"{one.name}: {one.kind} is due again and nobody takes it"
        elif one.attempts == 1 and one.is_held:
            yield f"{one.name}: {one.kind} is leased at its first attempt and does not end"
        elif one.attempts > 2 and one.kind != "supplier.instruct":  # a supplier may have gone home
            yield f"{one.name}: {one.kind} was tried {one.attempts} times and is still open"


def _outcomes(connection: Connection, until: datetime) -> Iterator[str]:
    for one in connection.execute(text(_FOR_REVIEW)):
        yield f"{one.name}: the outcome of {one.kind} is unknown"


def _news(connection: Connection, until: datetime) -> Iterator[str]:
    for one in connection.execute(text(_NEWS)):
        yield f"{one.name}: {one.type} was stored and never read"


def _answered(connection: Connection, until: datetime) -> Iterator[str]:
    for one in connection.execute(text(_ANSWERED), {"released": RELEASE.wakes, "reasons": _RELEASABLE}):
        yield f"{one.name}: was released by an operator and is still held for {one.reason}"


@dataclass(frozen=True, slots=True)
class StandingJudge:
    """A judge of the database alone: ``find`` yields what stands still, once the Clock shows ``until``."""

    name: str
    claims: str
    find: Callable[[Connection, datetime], Iterator[str]]
    excuses: str = ""


JUDGES = (
    StandingJudge("work_decided", "no decision fails, and none that is due is not taken", _decided),
    StandingJudge(
        "effects_end", "every effect and mail is attempted and ends; no lease is held for ever", _ended,
        "one that was attempted and waits for its next attempt; a supplier's, however often",
    ),
    StandingJudge("outcomes_known", "of no effect or mail is it unknown what became of it", _outcomes),
    StandingJudge("holds_answered", "what an operator released is held no longer for what was open then", _answered),
    StandingJudge("news_read", "what came from outside is read", _news,
        "news of a shipment's fare that come before the parcel is known: they wait for it"),
)  # fmt: skip
