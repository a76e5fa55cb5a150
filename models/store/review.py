"""What waits for a human, over all tables: one statement behind ``shukka attention`` and the review queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection

from models.review import ReviewAssignment, ReviewNote
from models.store import posted_coupons
from models.store.bounces import UNSEEN
from models.store.circuits import FORGOTTEN
from models.store.deposits import UNASSIGNED
from models.store.statement import columns, execute, fetch, insert, writer

#: Minutes after which a human hears of a gateway that has not answered what it was asked about an order.
UNANSWERED_MINUTES: Final = 10
#: By kind: the select of what waits. ``key`` is one for ever, ``shop`` and ``number`` are null where there is none, ``since`` is when
#: it began to wait, and ``told`` is what its sentence says. Of people there is nothing but what they wrote into the remarks.
_WAITING: Final[Mapping[str, str]] = {
    "hold": """
SELECT h.id::text AS key, o.shop, o.number, h.order_id, h.opened_at AS since, json_build_object(
  'id', h.id, 'reason', h.reason, 'shipment', h.shipment_id, 'lines', h.lines, 'amount', h.amount, 'facts', h.facts,
  'again', coalesce((SELECT s.again FROM shipment s WHERE s.id = h.shipment_id), 0),
  'asked', (SELECT count(*) FROM effect e WHERE e.order_id = h.order_id AND e.kind LIKE 'payment.%%')) AS told
FROM order_hold h JOIN shop_order o ON o.id = h.order_id WHERE h.closed_at IS NULL""",
    "transfer": f"""
SELECT i.id::text, NULL, NULL, NULL::bigint, i.at, json_build_object(
  'amount', i.body->'amount', 'taken_back', i.body->'taken_back', 'on', to_char(i.at AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM-DD'),
  'reason', coalesce(i.reason, ''))
FROM inbox_event i WHERE {UNASSIGNED}""",
    "event": f"""
SELECT i.id::text, o.shop, o.number, i.order_id, i.recorded_at, json_build_object(
  'source', i.source, 'event', i.event_id, 'type', i.type, 'reason', coalesce(i.reason, ''))
FROM (SELECT * FROM inbox_event WHERE state = 'quarantined' AND NOT ({UNASSIGNED})) i LEFT JOIN shop_order o ON o.id = i.order_id""",
    "early_event": """
SELECT i.id::text, o.shop, o.number, i.order_id, i.recorded_at,
  json_build_object('source', i.source, 'event', i.event_id, 'type', i.type)
FROM inbox_event i LEFT JOIN shop_order o ON o.id = i.order_id
WHERE i.state = 'pending' AND (i.recorded_at < now() - interval '1 hour' OR i.at < %(now)s::timestamptz - interval '1 day')""",
    "effect": """
SELECT e.id::text, coalesce(o.shop, e.payload->'data'->>'shop'), coalesce(o.number, e.payload->'data'->>'number'), e.order_id, coalesce(e.finished_at, e.recorded_at), json_build_object(
  'kind', e.kind, 'code', coalesce(e.outcome->>'code', ''), 'says', coalesce(e.outcome->>'says', ''))
FROM effect e LEFT JOIN shop_order o ON o.id = e.order_id WHERE e.given_up""",
    "mail": """
SELECT m.id::text, o.shop, o.number, m.order_id, m.at, json_build_object('template', m.template, 'code', coalesce(m.code, ''))
FROM mail m LEFT JOIN shop_order o ON o.id = m.order_id WHERE m.given_up AND m.packed IS NOT NULL""",
    "bounce": f"""
SELECT u.id::text, u.shop, u.number, u.order_id, u.since, json_build_object(
  'about', u.about, 'templates', u.templates, 'reasons', u.reasons) FROM ({UNSEEN}) u""",
    "return": """
SELECT r.id, o.shop, o.number, r.order_id, r.asked_at, json_build_object(
  'state', r.state, 'until', to_char(r.waits_until AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM-DD HH24:MI'))
FROM return_request r JOIN shop_order o ON o.id = r.order_id WHERE r.waits_until IS NOT NULL AND r.state <> 'awaiting_goods'
  AND NOT (r.state = 'inspected' AND r.replacement IS NOT NULL)""",
    "replacement": """
SELECT q.id, o.shop, o.number, q.order_id, (SELECT max(t.at) FROM transition t WHERE t.order_id = r.id AND t.to_state IN ('cancelled', 'undelivered')),
  json_build_object('key', q.id, 'replacement', r.number)
FROM return_request q JOIN shop_order o ON o.id = q.order_id JOIN shop_order r ON r.shop = o.shop AND r.number = q.replacement
WHERE q.state = 'inspected' AND q.replacement IS NOT NULL""",
    "payment": f"""
SELECT e.id::text, o.shop, o.number, e.order_id, e.recorded_at, json_build_object(
  'kind', e.kind, 'gateway', coalesce(l.target, ''), 'attempts', l.attempts, 'unknowns', l.unknowns)
FROM effect_lease l JOIN effect e ON e.id = l.subject_id JOIN shop_order o ON o.id = e.order_id
WHERE l.kind LIKE 'payment.%%' AND e.recorded_at < now() - interval '{UNANSWERED_MINUTES} minutes'""",
    "erasure": """
SELECT e.shop || '/' || e.customer_id, e.shop, NULL, NULL::bigint, e.asked_at, json_build_object(
  'on', to_char(e.asked_at AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM-DD'),
  'waits_for', (SELECT string_agg((w->>'order') || ' (' || (w->>'why') || ')', ', ') FROM jsonb_array_elements(e.waits_for) w))
FROM erasure e WHERE e.done_at IS NULL AND e.try_at > e.asked_at + interval '30 days'""",
    "work": """
SELECT w.stage || ' ' || w.subject_kind || ' ' || w.subject_id, coalesce(o.shop, nullif(w.shop, '')), o.number, w.order_id, w.due_at,
  json_build_object('stage', w.stage, 'subject', w.subject_kind || ' ' || w.subject_id, 'attempts', w.attempts, 'error', coalesce(w.error, ''))
FROM work w LEFT JOIN shop_order o ON o.id = w.order_id WHERE w.attempts > 0""",
    "job": """
SELECT j.name, NULL, NULL, NULL::bigint, coalesce(j.failing_since, j.due_until), json_build_object('job', j.name, 'error', j.error)
FROM job j WHERE j.failing_since IS NOT NULL
  OR (coalesce(j.done_until, '-infinity') < j.due_until AND j.due_until < %(now)s::timestamptz - interval '1 hour')""",
    "circuit": f"""
SELECT c.kind || ' ' || c.target, NULL, NULL, NULL::bigint, c.opened_at,
  json_build_object('target', c.kind || ' ' || c.target, 'failures', c.failures, 'code', c.code)
FROM circuit c WHERE c.probe_at > now() - interval '{FORGOTTEN} s'""",
    "posting": f"""
SELECT p.id::text, p.shop, o.number, p.order_id, p.made_at, json_build_object(
  'due_on', p.due_on, 'late', greatest(0, (%(now)s::timestamptz AT TIME ZONE 'Asia/Tokyo')::date - p.due_on))
FROM posted_coupon p JOIN shop_order o ON o.id = p.order_id LEFT JOIN customer c ON c.shop = p.shop AND c.id = p.customer_id
WHERE {posted_coupons.OPEN}""",
    "refused_order": """
SELECT r.id::text, r.shop, r.number, NULL::bigint, r.at, json_build_object(
  'problems', (SELECT string_agg((p->>'field') || ' ' || (p->>'message'), '; ') FROM jsonb_array_elements(r.problems) p))
FROM refused_order r""",
}

#: Names of what may wait, in the order in which operators read of them.
KINDS: Final = tuple(_WAITING)
#: Who has what nobody has.
NOBODY: Final = "nobody"


class ItemRow(NamedTuple):
    """One thing that waits for a human; ``told`` is what its kind's sentence says, ``notes`` are {operator, says, at}, first to last."""

    kind: str
    key: str
    shop: str | None
    number: str | None
    order_id: int | None
    since: datetime
    told: Mapping[str, Any]
    operator: str | None
    notes: Sequence[Mapping[str, str]]

    @property
    def place(self) -> ItemPlace:
        """Where a page that ends here goes on."""
        return ItemPlace(self.since, self.kind, self.key)


class ItemPlace(NamedTuple):
    """Where a page ended: what waits since later comes next."""

    since: datetime
    kind: str
    key: str


class Which(NamedTuple):
    """Which of them are meant; None is any. ``operator`` is who has them, ``NOBODY`` for nobody."""

    kind: str | None = None
    key: str | None = None
    reason: str | None = None
    operator: str | None = None


#: All that waits.
ANY: Final = Which()
_NOTES: Final = """coalesce((SELECT json_agg(json_build_object('operator', n.operator, 'says', n.says, 'at', n.at) ORDER BY n.id)
                FROM review_note n WHERE n.kind = w.kind AND n.key = w.key), '[]'::json)"""
_LISTED: Final = f"""
SELECT {columns(ItemRow, "w", operator="a.operator", notes=_NOTES)}
FROM ({{waiting}}) w LEFT JOIN review_assignment a ON a.kind = w.kind AND a.key = w.key
WHERE (%(shops)s::text[] IS NULL OR w.shop = ANY(%(shops)s::text[]))
  AND (%(key)s::text IS NULL OR w.key = %(key)s) AND (%(reason)s::text IS NULL OR w.told->>'reason' = %(reason)s)
  AND (%(operator)s::text IS NULL OR coalesce(a.operator, '{NOBODY}') = %(operator)s)
  AND (%(since)s::timestamptz IS NULL OR (w.since, w.kind, w.key) > (%(since)s, %(after_kind)s, %(after_key)s))
ORDER BY w.since, w.kind, w.key LIMIT %(limit)s
"""


def waiting(
    connection: Connection,
    now: datetime,
    which: Which = ANY,
    *,
    shops: Sequence[str] | None = None,
    after: ItemPlace | None = None,
    limit: int | None = None,
) -> list[ItemRow]:
    """What waits at ``now``, the Clock's, the longest first. ``shops``: only of these, and nothing that is of no shop; None: all."""
    kinds = [which.kind] if which.kind is not None else KINDS
    selects = [
        f"SELECT '{kind}' AS kind, t.* FROM ({_WAITING[kind]}) t(key, shop, number, order_id, since, told)"
        for kind in kinds
    ]
    told = {
        "now": now,
        "shops": None if shops is None else list(shops),
        "key": which.key,
        "reason": which.reason,
        "operator": which.operator,
        "since": after.since if after else None,
        "after_kind": after.kind if after else None,
        "after_key": after.key if after else None,
        "limit": limit,
    }
    return fetch(connection, ItemRow, _LISTED.format(waiting=" UNION ALL ".join(selects)), told)


class AssignmentRow(NamedTuple):
    """From ``at`` on somebody looks at one thing."""

    kind: str
    key: str
    operator: str
    at: datetime


#: Whoever had it before has it no more.
assign = writer(
    AssignmentRow,
    insert(
        AssignmentRow,
        ReviewAssignment,
        order_by="kind, key",
        conflict="(kind, key) DO UPDATE SET operator = excluded.operator, at = excluded.at",
    ),
)


def give_back(connection: Connection, kind: str, key: str) -> None:
    """Nobody looks at it any more."""
    execute(
        connection,
        "DELETE FROM review_assignment WHERE kind = %(kind)s AND key = %(key)s",
        {"kind": kind, "key": key},
    )


class NoteRow(NamedTuple):
    """What somebody wrote about one thing."""

    kind: str
    key: str
    order_id: int | None
    operator: str
    says: str
    at: datetime


note = writer(NoteRow, insert(NoteRow, ReviewNote))
