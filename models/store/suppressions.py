"""Addresses that get no more mail: of a shop, by the digest of the mailbox, until somebody lets go of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from models.bounce import MailSuppression
from models.store.statement import columns, fetch, values, writer


def mailbox_of(address: str) -> str:
    """SQL: the digest by which the mailbox of the expression ``address`` is known; the domain's case does not matter."""
    return f"""sha256(convert_to(substring({address} from '^(.*)@') || '@' || lower(substring({address} from '[^@]*$')), 'UTF8'))"""


#: SQL: the shop of the mail ``m`` with its order ``o``.
SHOP_OF: Final = "coalesce(o.shop, m.shop, '')"
#: SQL: that the suppression ``s`` of all mails has an end, which has come.
_ENDED: Final = "s.ends_at IS NOT NULL AND s.ends_at <= now()"
#: SQL: that the suppression ``s`` stands now. What a complaint stops has no end, whatever else was heard of the mailbox since.
_STANDS: Final = f"""s.released_at IS NULL AND (NOT ({_ENDED}) OR EXISTS (
    SELECT FROM mail_bounce c WHERE c.shop = s.shop AND c.mailbox = s.mailbox AND c.kind = 'complaint' AND c.action = 'suppress'
      AND c.recorded_at >= s.recorded_at))"""
#: SQL: that it stops all mails now, and not only those about no order, which are those that a complaint stops.
_STOPS_ALL: Final = f"(s.scope = 'all' AND NOT ({_ENDED}))"
#: SQL: why the mail ``m`` with its order ``o`` may not be sent, NULL if it may.
SUPPRESSED: Final = f"""(SELECT s.reason FROM mail_suppression s
  WHERE s.shop = {SHOP_OF} AND s.mailbox = {mailbox_of("m.envelope_to")} AND {_STANDS}
    AND ({_STOPS_ALL} OR m.order_id IS NULL))"""


class SuppressRow(NamedTuple):
    """The mailbox of the mail ``mail_id`` gets no more; ``days`` from now on, None: until it is released."""

    mail_id: int
    scope: str
    reason: str
    since: datetime
    days: int | None


#: What stands already is only ever widened: to all mails, of these to no end; what has ended begins anew.
suppress = writer(
    SuppressRow,
    f"""INSERT INTO mail_suppression AS s (shop, mailbox, scope, reason, since, ends_at)
        SELECT DISTINCT ON (1, 2) {SHOP_OF}, {mailbox_of("m.envelope_to")}, v.scope, v.reason, v.since,
               now() + make_interval(days => v.days)
        FROM {values(SuppressRow, MailSuppression, mail_id="bigint", days="int")}
        JOIN mail m ON m.id = v.mail_id LEFT JOIN shop_order o ON o.id = m.order_id
        WHERE m.envelope_to <> '' ORDER BY 1, 2, v.scope = 'all' DESC, v.days DESC NULLS FIRST
        ON CONFLICT (shop, mailbox) WHERE released_at IS NULL DO UPDATE
        SET scope = CASE WHEN {_STOPS_ALL} THEN s.scope ELSE EXCLUDED.scope END,
            reason = CASE WHEN {_STOPS_ALL} AND EXCLUDED.scope <> 'all' THEN s.reason ELSE EXCLUDED.reason END,
            ends_at = CASE WHEN NOT {_STOPS_ALL} THEN EXCLUDED.ends_at WHEN EXCLUDED.scope <> 'all' THEN s.ends_at
                           WHEN s.ends_at IS NULL OR EXCLUDED.ends_at IS NULL THEN NULL
                           ELSE greatest(s.ends_at, EXCLUDED.ends_at) END""",
)


class StandingRow(NamedTuple):
    """A suppression that stands; ``address`` is read from the newest mail to it that still names it, "" where none does."""

    id: int
    shop: str
    address: str
    scope: str
    reason: str
    since: datetime
    ends_at: datetime | None
    kept_back: int


_LISTED = f"""
SELECT {
    columns(
        StandingRow,
        "s",
        scope=f"CASE WHEN {_STOPS_ALL} THEN s.scope ELSE 'advertising' END",
        ends_at=f"CASE WHEN {_STOPS_ALL} THEN s.ends_at END",
        address='''coalesce((SELECT m.envelope_to FROM mail_bounce b JOIN mail m ON m.id = b.mail_id
        WHERE b.shop = s.shop AND b.mailbox = s.mailbox AND m.envelope_to <> '' ORDER BY b.id DESC LIMIT 1), '')''',
        kept_back='''(SELECT count(*) FROM mail_bounce b WHERE b.shop = s.shop AND b.mailbox = s.mailbox
        AND b.kind = 'suppressed' AND b.recorded_at >= s.recorded_at)''',
    )
}
FROM mail_suppression s WHERE {_STANDS} AND (%(shops)b::text[] IS NULL OR s.shop = ANY(%(shops)b::text[]))
ORDER BY s.id DESC LIMIT 1000
"""


def standing(connection: Connection, shops: Sequence[str] | None) -> list[StandingRow]:
    """The newest 1,000 of ``shops``, None for all shops."""
    return fetch(connection, StandingRow, _LISTED, {"shops": None if shops is None else list(shops)})


#: The greatest number of a row.
_GREATEST: Final = 2**63 - 1


class ReleasedRow(NamedTuple):
    """A suppression that was let go of."""

    id: int
    shop: str


_RELEASE = f"""
WITH released AS (
  UPDATE mail_suppression s SET released_at = now(), released_by = %(by)s
  WHERE {_STANDS} AND (%(shops)b::text[] IS NULL OR s.shop = ANY(%(shops)b::text[]))
    AND (s.id = %(id)s::bigint OR s.mailbox = {mailbox_of("%(address)s::text")})
  RETURNING s.id, s.shop, s.mailbox),
seen AS (
  UPDATE mail_bounce b SET seen_at = now(), seen_by = %(by)s FROM released r
  WHERE b.shop = r.shop AND b.mailbox = r.mailbox AND b.needs_human AND b.seen_at IS NULL)
SELECT {columns(ReleasedRow)} FROM released ORDER BY id
"""


def release(
    connection: Connection,
    shops: Sequence[str] | None,
    by: str,
    *,
    number: int | None = None,
    address: str | None = None,
) -> list[ReleasedRow]:
    """Let the address, or the suppression ``number``, have mail again at ``shops`` (None: all), and call what bounced there seen."""
    if number is not None and number > _GREATEST:
        return []
    asked = {"shops": None if shops is None else list(shops), "by": by, "id": number, "address": address}
    return fetch(connection, ReleasedRow, _RELEASE, asked)
