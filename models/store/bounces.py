"""What became of mails after they were sent: kept by mail, told on its order, seen by somebody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from models.bounce import MailBounce
from models.effect import Mail
from models.order import ShopOrder
from models.store import leases
from models.store.mails import DOMAIN, SEND
from models.store.statement import columns, execute, fetch, reader, scalars, values, writer
from models.store.suppressions import SHOP_OF, SUPPRESSED, mailbox_of


class SentMailRow(NamedTuple):
    """A mail that a report may be about."""

    id: int
    message_id: str
    shop: str
    number: str
    order_id: int | None
    template: str
    envelope_to: str


_SENT = f"""SELECT {columns(SentMailRow, "m", shop=SHOP_OF, number="coalesce(o.number, '')")}
FROM mail m LEFT JOIN shop_order o ON o.id = m.order_id"""


def by_message_id(connection: Connection, ids: Sequence[str]) -> list[SentMailRow]:
    """The mails of the Message-IDs."""
    return fetch(connection, SentMailRow, f"{_SENT} WHERE m.message_id = ANY(%(ids)b::text[])", {"ids": list(ids)})


class TemplateKey(NamedTuple):
    """A kind of mail about an order."""

    shop: str
    number: str
    template: str


#: Mails of the templates about the orders, the newest first.
by_template = reader(
    TemplateKey,
    f"""SELECT {columns(SentMailRow, "m", shop="o.shop", number="o.number")}
        FROM {values(TemplateKey, ShopOrder, Mail)} JOIN shop_order o ON o.shop = v.shop AND o.number = v.number
        JOIN mail m ON m.order_id = o.id AND m.template = v.template ORDER BY m.id DESC""",
    SentMailRow,
)


class SoftRow(NamedTuple):
    """How often mail to the mailbox of the mail ``id`` failed for a while, lately; ``is_known``: the last of it was this mail, which
    waits to be sent again."""

    id: int
    times: int
    is_known: bool


_SOFT = f"""
SELECT m.id, count(b.id), m.state = 'queued' AND coalesce(bool_or(b.mail_id = m.id), false) FROM mail m LEFT JOIN shop_order o ON o.id = m.order_id
LEFT JOIN mail_bounce b ON b.shop = {SHOP_OF} AND b.mailbox = {mailbox_of("m.envelope_to")}
  AND b.kind = 'bounce' AND b.action = 'retry_later' AND b.recorded_at > now() - make_interval(days => %(days)s)
WHERE m.id = ANY(%(ids)b::bigint[]) GROUP BY m.id
"""


def soft(connection: Connection, mails: Sequence[int], days: int) -> list[SoftRow]:
    """Failures for a while in the last ``days``, by mail."""
    return fetch(connection, SoftRow, _SOFT, {"ids": list(mails), "days": days})


class NewBounceRow(NamedTuple):
    """What a report says of a mail."""

    mail_id: int
    kind: str
    reason: str
    status: str
    diagnostic: str
    action: str
    needs_human: bool
    at: datetime


#: With the shop, order and mailbox of the mail.
add = writer(
    NewBounceRow,
    f"""INSERT INTO mail_bounce ({columns(NewBounceRow)}, order_id, shop, mailbox)
        SELECT {columns(NewBounceRow, "v")}, m.order_id, {SHOP_OF}, {mailbox_of("m.envelope_to")}
        FROM {values(NewBounceRow, MailBounce)} JOIN mail m ON m.id = v.mail_id LEFT JOIN shop_order o ON o.id = m.order_id""",
)

_KEPT_BACK = f"""
INSERT INTO mail_bounce (mail_id, kind, reason, status, diagnostic, action, needs_human, at, order_id, shop, mailbox)
SELECT m.id, 'suppressed', coalesce({SUPPRESSED}, 'suppressed'), '', '', 'none', m.order_id IS NOT NULL, %(at)s, m.order_id,
       {SHOP_OF}, {mailbox_of("m.envelope_to")}
FROM mail m LEFT JOIN shop_order o ON o.id = m.order_id
WHERE m.id = ANY(%(ids)b::bigint[]) AND m.state = 'suppressed'
"""


def keep_back(connection: Connection, mails: Sequence[int], at: datetime) -> int:
    """Record that mails were not sent, since their addresses get no more; one about an order is for somebody to see."""
    return execute(connection, _KEPT_BACK, {"ids": list(mails), "at": at})


class BouncedRow(NamedTuple):
    """A mail that did not arrive."""

    id: int
    code: str


#: One that waits to be sent, or was kept back, stays as it is; one that its server refused (`failed`) did not arrive either.
bounce = writer(
    BouncedRow,
    f"""UPDATE mail m SET state = 'bounced', code = v.code FROM {values(BouncedRow, Mail)}
        WHERE m.id = v.id AND m.state IN ('sent', 'needs_review', 'failed')""",
)


class AgainRow(NamedTuple):
    """A mail that is sent once more in ``seconds``."""

    id: int
    seconds: float


#: Under its own Message-ID, while its bytes are kept.
again = writer(
    AgainRow,
    f"""WITH new AS (
          UPDATE mail m SET state = 'queued', code = NULL FROM {values(AgainRow, Mail, seconds="float8")}
          WHERE m.id = v.id AND m.state IN ('sent', 'needs_review', 'failed') AND m.packed IS NOT NULL
          RETURNING m.id, m.order_id, m.envelope_to, v.seconds)
        {leases.opened("new", f"'{SEND}'", DOMAIN, due="now() + make_interval(secs => seconds)")}""",
)


class OrderBounceRow(NamedTuple):
    """What was heard of a mail about an order."""

    mail_id: int
    template: str
    kind: str
    reason: str
    status: str
    diagnostic: str
    at: datetime


_OF_ORDER = f"""SELECT {columns(OrderBounceRow, "b", template="m.template")} FROM mail_bounce b JOIN mail m ON m.id = b.mail_id
WHERE b.order_id = %(id)s ORDER BY b.id"""


def of_order(connection: Connection, order_id: int) -> list[OrderBounceRow]:
    """What was heard of the order's mails, oldest first."""
    return fetch(connection, OrderBounceRow, _OF_ORDER, {"id": order_id})


#: SQL: what somebody has to see, an order's and an address's together.
UNSEEN: Final = """
SELECT min(b.id) AS id, coalesce(o.shop || '/' || o.number, b.shop) AS about, b.shop, o.number, b.order_id,
       min(b.at) AS since, string_agg(DISTINCT m.template, ', ') AS templates, string_agg(DISTINCT b.reason, ', ') AS reasons
FROM mail_bounce b JOIN mail m ON m.id = b.mail_id LEFT JOIN shop_order o ON o.id = b.order_id
WHERE b.needs_human AND b.seen_at IS NULL GROUP BY b.shop, o.shop, o.number, b.order_id, b.mailbox"""

_DISMISS = """
UPDATE mail_bounce b SET seen_at = now(), seen_by = %(by)s FROM mail_bounce a
WHERE a.id = %(id)s AND b.shop = a.shop AND b.mailbox = a.mailbox AND b.order_id IS NOT DISTINCT FROM a.order_id
  AND b.needs_human AND b.seen_at IS NULL RETURNING b.id
"""


def dismiss(connection: Connection, number: int, by: str) -> list[int]:
    """Somebody has seen to the bounce ``number`` and to all of the same order and address; their numbers."""
    return scalars(connection, _DISMISS, {"id": number, "by": by})
