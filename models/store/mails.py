"""Mails: stored as packed bytes, sent under a lease (``models.store.leases``), ended with what the server said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection

from models.effect import EffectLease, Mail
from models.store import leases
from models.store.statement import columns, fetch, insert, one, reader, scalars, values, writer
from models.store.suppressions import SUPPRESSED

#: The kind of effect that sending a mail is.
SEND: Final = "mail.send"


class NewMailRow(NamedTuple):
    """A mail that was rendered; ``packed`` are its bytes (``models.mail_packing``); ``shop`` of one that is about no order."""

    message_id: str
    order_id: int | None
    shop: str | None
    shipment_id: str | None
    template: str
    envelope_from: str
    envelope_to: str
    packed: bytes
    at: datetime


#: SQL: the domain of the recipient, in small letters.
DOMAIN: Final = "lower(substring(envelope_to from '[^@]*$'))"

#: Each is due at once; one that was queued before is not queued again.
add = writer(
    NewMailRow,
    "WITH new AS ("
    + insert(
        NewMailRow,
        Mail,
        constants={"state": "'queued'"},
        conflict="(message_id) DO NOTHING",
        returning="id, order_id, envelope_to",
    )
    + ") "
    + leases.opened("new", f"'{SEND}'", DOMAIN),
)


class MailCopyRow(NamedTuple):
    """The mail ``id`` once more, under a ``message_id`` of its own."""

    id: int
    message_id: str
    envelope_to: str
    at: datetime


#: Each is due at once; one that was queued before is not queued again.
copy = writer(
    MailCopyRow,
    f"""WITH new AS (
          INSERT INTO mail (message_id, order_id, shop, shipment_id, template, envelope_from, envelope_to, packed, at, state, copy_of)
          SELECT v.message_id, m.order_id, m.shop, m.shipment_id, m.template, m.envelope_from, v.envelope_to, m.packed, v.at, 'queued',
                 coalesce(m.copy_of, m.id)
          FROM {values(MailCopyRow, Mail)} JOIN mail m ON m.id = v.id
          ON CONFLICT (message_id) DO NOTHING RETURNING id, order_id, envelope_to)
        {leases.opened("new", f"'{SEND}'", DOMAIN)}""",
)


class KnownMailRow(NamedTuple):
    """A mail about an order that may be sent again, while its bytes are kept."""

    order_id: int
    id: int
    message_id: str
    envelope_to: str
    state: str
    is_kept: bool


_KNOWN = f"SELECT {columns(KnownMailRow, is_kept='packed IS NOT NULL')} FROM mail WHERE order_id = ANY(%(ids)b::bigint[]) ORDER BY id"


def known(connection: Connection, ids: Sequence[int]) -> list[KnownMailRow]:
    """Mails about the orders, the oldest first."""
    return fetch(connection, KnownMailRow, _KNOWN, {"ids": list(ids)})


class QueuedMailRow(NamedTuple):
    """A mail that is to be sent; ``copy_of`` is the mail that it repeats, None for the first of its kind. ``suppressed`` says why its
    address gets none, None where it does; ``is_later`` whether one that says what a supplier is to do about the same goods has not left yet."""

    id: int
    message_id: str
    envelope_from: str
    envelope_to: str
    packed: bytes
    at: datetime
    order_id: int | None
    copy_of: int | None
    suppressed: str | None
    is_later: bool = False


#: The newest of them counts: who reads the instruction after the cancel, or the former address after the new one, sends the goods.
_TOLD: Final = "template IN ('supplier_instruction', 'supplier_cancel')"
_IS_LATER: Final = f"""m.{_TOLD} AND EXISTS (
  SELECT FROM mail e WHERE e.order_id = m.order_id AND e.shipment_id = m.shipment_id AND e.envelope_to = m.envelope_to
                       AND e.id < m.id AND e.state = 'queued' AND e.{_TOLD})"""
_TO_SEND = f"""SELECT {columns(QueuedMailRow, "m", suppressed=SUPPRESSED, is_later=_IS_LATER)}
FROM mail m LEFT JOIN shop_order o ON o.id = m.order_id WHERE m.id = ANY(%(ids)b::bigint[])"""


def to_send(connection: Connection, ids: Sequence[int]) -> list[QueuedMailRow]:
    """The mails with their bytes."""
    return fetch(connection, QueuedMailRow, _TO_SEND, {"ids": list(ids)})


class MailEndRow(NamedTuple):
    """How a mail ended, under the token it was sent with."""

    id: int
    token: int
    state: str
    code: str | None


class EndedMailRow(NamedTuple):
    """A mail that ended, and whom it went to."""

    id: int
    envelope_to: str


#: Where the token is still current; those that it was.
end = reader(
    MailEndRow,
    f"""WITH done AS (
          DELETE FROM effect_lease l USING {values(MailEndRow, Mail, EffectLease)}
          WHERE {leases.held_by(MailEndRow, "id", f"'{SEND}'")}
          RETURNING v.id, v.state, v.code)
        UPDATE mail m SET state = done.state, code = done.code,
               sent_at = CASE WHEN done.state = 'sent' THEN clock_timestamp() END
        FROM done WHERE m.id = done.id RETURNING m.id, m.envelope_to""",
    EndedMailRow,
)


class MailRow(NamedTuple):
    """A mail about an order, as it stands."""

    id: int
    copy_of: int | None
    template: str
    envelope_to: str
    state: str
    at: datetime
    sent_at: datetime | None
    shipment_id: str | None


_OF_ORDER = f"SELECT {columns(MailRow)} FROM mail WHERE order_id = %(id)s ORDER BY id"


def of_order(connection: Connection, order_id: int) -> list[MailRow]:
    """Mails about the order, oldest first."""
    return fetch(connection, MailRow, _OF_ORDER, {"id": order_id})


class KeptMailRow(NamedTuple):
    """A mail about an order with its packed bytes, None where they are no longer kept."""

    template: str
    envelope_to: str
    state: str
    at: datetime
    packed: bytes | None


_MAIL = f"SELECT {columns(KeptMailRow)} FROM mail WHERE id = %(id)s AND order_id = %(order)s"


def kept(connection: Connection, order_id: int, mail: int) -> KeptMailRow | None:
    """A mail about this order; None for no such mail, and for another order's."""
    return one(connection, KeptMailRow, _MAIL, {"id": mail, "order": order_id})


_AGAIN = f"""
WITH again AS (UPDATE mail SET state = 'queued', code = NULL
               WHERE id = ANY(%(ids)b::bigint[]) AND state IN ('needs_review', 'failed', 'bounced', 'suppressed')
                 AND packed IS NOT NULL
               RETURNING id, order_id, envelope_to)
{leases.opened("again", f"'{SEND}'", DOMAIN, attempts=1)} RETURNING kind
"""


def try_again(connection: Connection, ids: Sequence[int]) -> list[str]:
    """Send mails that were given up, that bounced or were kept back again, with their old Message-IDs; the kind of each that was."""
    return scalars(connection, _AGAIN, {"ids": ids})
