"""Mails: stored when they were decided, delivered here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from models.database import glance
from models.mail_packing import UnknownDictionary, unpack
from models.store import mails
from models.store.mails import QueuedMailRow
from pipelines.ports import Outcome, Verdict
from workers.effects.effect import Effect, Job, Means, Perform
from workers.effects.recording import SUPPRESSED
from workers.effects.targets import LATER
from workers.mail import message
from workers.mail.smtp import SmtpPool


@dataclass(frozen=True, slots=True)
class ReadyMail:
    """A stored mail, unpacked and encoded: what the SMTP pool delivers."""

    envelope_from: str
    envelope_to: str
    raw: bytes


def performing(deliver: Callable[[ReadyMail, Callable[[], bool]], Awaitable[Outcome]]) -> Perform[QueuedMailRow]:
    """Delivers stored mails; ``deliver`` is an SMTP pool's, told whether the mail is still held."""

    async def perform(job: Job[QueuedMailRow]) -> Outcome:
        if job.row.suppressed is not None:
            return Outcome(Verdict.DECLINED, code=SUPPRESSED, says=job.row.suppressed)
        if job.row.is_later:
            return Outcome(Verdict.RETRY, code=LATER, says="a mail about the same goods leaves before it")
        try:
            raw = message.encoded(_as_copy(job.row) + unpack(job.row.packed))
        except UnknownDictionary as reason:  # a process of the newer version will send it
            return Outcome(Verdict.RETRY, code="dictionary", says=str(reason))
        return await deliver(ReadyMail(job.row.envelope_from, job.row.envelope_to, raw), job.lease.holds)

    return perform


def _as_copy(row: QueuedMailRow) -> bytes:
    """What stands before a mail that is sent again (RFC 5322, 3.6.6): it is the mail it was, under its own Message-ID, sent once
    more at this time to this address."""
    if row.copy_of is None:
        return b""
    return message.resent(row.message_id, row.at, row.envelope_from, row.envelope_to)


def _equip(means: Means) -> Perform[QueuedMailRow]:
    settings = means.settings
    pool = SmtpPool(settings.need_smtp(), size=settings.shukka_smtp_connections)
    means.farewells.append(pool.aclose)
    return performing(pool.deliver)


def _load(engine: Engine, ids: Sequence[int]) -> Mapping[int, QueuedMailRow]:
    with glance(engine) as connection:
        return {row.id: row for row in mails.to_send(connection, ids)}


def _domain(row: QueuedMailRow) -> str:
    return row.envelope_to.rpartition("@")[2].lower()


EFFECT = Effect(
    name="mail",
    kinds=(mails.SEND,),
    queue="mail",
    target=_domain,
    orders=lambda row: () if row.order_id is None else (row.order_id,),
    total=300.0,  # every step of a new connection, and then the reply to the message
    load=_load,
    equip=_equip,
    channels=lambda settings: settings.shukka_smtp_connections,
)
