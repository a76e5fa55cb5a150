"""Reports come in: each kept once, matched to a mail of ours, and followed by what follows from it, in one transaction.

A report can be forged by anybody who knows an address. So it touches a mail only where it names the Message-ID under which we sent
it and the recipient to whom we sent it; where our Message-ID was lost, our own header with the order and template stands for it.
Whatever else comes in is kept for the operator and touches nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote

import structlog
from sqlalchemy import Connection, Engine

from models.store import bounces, inbox, suppressions
from models.store.bounces import AgainRow, BouncedRow, NewBounceRow, SentMailRow, TemplateKey
from models.store.inbox import NewEventRow
from models.store.suppressions import SuppressRow
from pipelines import doors
from pipelines.bounces import message
from pipelines.bounces.consequences import SOFT_DAYS, consequence
from pipelines.bounces.fields import of_xtext
from pipelines.bounces.reasons import bounced
from pipelines.bounces.report import Action, Finding, Kind, Original, Report
from pipelines.engine.parts import each_kept
from pipelines.engine.run import describe
from pipelines.ports import Clock
from pipelines.values.card_number import mask
from pipelines.values.mail_address import mailbox_key
from pipelines.values.storable import storable

log = structlog.get_logger(__name__)

TYPE: Final = "mail.reported"
#: What is kept of a report with the mail itself; the rest is in the inbox alone.
_KEPT: Final = frozenset({Kind.BOUNCE, Kind.DELAY, Kind.COMPLAINT})
_STATUS: Final = re.compile(r"\b5\.\d{1,3}\.\d{1,3}\b")


@dataclass(frozen=True, slots=True)
class Told:
    """One report as it came in: ``source`` is the door, ``event_id`` is the same for the same report however often it comes, ``fault`` why
    it cannot be read, if it cannot."""

    source: str
    event_id: str
    report: Report
    fault: str | None = None


def of_message(raw: bytes) -> Told:
    """A whole message that came without an id of its own, from a file or a pipe: what it says is what makes it the same."""
    return Told("mail:file", hashlib.sha256(raw).hexdigest(), message.read(raw))


@dataclass(frozen=True, slots=True)
class _Matched:
    """A report with the mails that its findings are about."""

    told: Told
    mails: Sequence[tuple[Finding, SentMailRow]]
    unknown: Sequence[Finding]


def receive(engine: Engine, clock: Clock, reports: Sequence[Told]) -> list[bool]:
    """Keep reports with what follows from them, in one transaction where that succeeds; True for each that is new.

    One that cannot be kept, whatever raises, is quarantined alone. Raises what the database raises when it is away, or where others
    were in the way of a report for too long; trying all again is safe.
    """
    return each_kept(
        reports,
        lambda part: _store(engine, clock, part),
        lambda told, error: _quarantine(engine, clock, told, error),
    )


def _quarantine(engine: Engine, clock: Clock, told: Told, error: Exception) -> bool:
    log.error("report.unstorable", source=told.source, error=describe(error))
    reason = f"cannot be stored: {describe(error)}"
    row = NewEventRow(told.source, told.event_id, TYPE, None, None, {}, clock.now(), "quarantined", reason)
    with engine.begin() as connection:
        return bool(inbox.add(connection, [row]))


def _store(engine: Engine, clock: Clock, reports: Sequence[Told]) -> list[bool]:
    now = clock.now()
    with engine.begin() as connection:
        matched = _match(connection, reports)
        rows = [_event(one, now) for one in matched]
        new = {(row.source, row.event_id) for row in inbox.add(connection, rows)}
        first: dict[tuple[str, str], _Matched] = {}
        for one in matched:
            first.setdefault((one.told.source, one.told.event_id), one)
        follow(connection, [pair for key, one in first.items() if key in new for pair in one.mails], now)
    answers = []
    for told in reports:
        answers.append((told.source, told.event_id) in new)
        new.discard((told.source, told.event_id))
    return answers


@dataclass(frozen=True, slots=True)
class RefusedMail:
    """A mail whose recipient the server that it was handed to refused for good: what it ``said``, the code first."""

    id: int
    envelope_to: str
    said: str


def refused(connection: Connection, mails: Sequence[RefusedMail], now: datetime) -> None:
    """What a server says before it takes a mail is what its report would say afterwards, and has the same consequences: of an address
    that there is not, or whose mailbox is full. Any other refusal may be our own fault: the mail stays given up, to be tried again."""
    told = [(_refusal(one), SentMailRow(one.id, "", "", "", None, "", one.envelope_to)) for one in mails]
    follow(
        connection, [(said, mail) for said, mail in told if said.action in (Action.SUPPRESS, Action.RETRY_LATER)], now
    )


def _refusal(mail: RefusedMail) -> Finding:
    status = _STATUS.search(mail.said)
    return bounced(mail.envelope_to, Kind.BOUNCE, status.group() if status else "", mail.said)


def follow(connection: Connection, found: Sequence[tuple[Finding, SentMailRow]], now: datetime) -> None:
    """What was heard of mails has its consequences: kept beside the mail, sent again or not, the address suppressed."""
    found = [(finding, mail) for finding, mail in found if finding.kind in _KEPT]
    soft = {row.id: row for row in bounces.soft(connection, [mail.id for _, mail in found], SOFT_DAYS)}
    found = _once(found, {row.id for row in soft.values() if row.is_known})
    ends = [
        (finding, mail, consequence(finding, soft[mail.id].times if mail.id in soft else 0)) for finding, mail in found
    ]
    bounces.add(
        connection,
        [
            NewBounceRow(
                mail.id,
                finding.kind,
                finding.reason,
                finding.status,
                mask(_storable(finding.diagnostic)),
                finding.action,
                end.needs_human,
                now,
            )
            for finding, mail, end in ends
        ],
    )
    bounces.bounce(connection, [BouncedRow(mail.id, one.reason) for one, mail, end in ends if end.is_bounced])
    bounces.again(connection, [AgainRow(mail.id, end.again_in) for _, mail, end in ends if end.again_in is not None])
    suppressions.suppress(
        connection,
        [
            SuppressRow(mail.id, end.suppress, finding.reason, now, end.days)
            for finding, mail, end in ends
            if end.suppress is not None
        ],
    )


def _once(found: Sequence[tuple[Finding, SentMailRow]], known: Set[int]) -> Sequence[tuple[Finding, SentMailRow]]:
    """``found`` without what another door told already: a mail that waits to be sent again after it failed for a while has failed once,
    however many tell so."""
    told, kept = set(known), []
    for finding, mail in found:
        if finding.kind is Kind.BOUNCE and finding.action is Action.RETRY_LATER:
            if mail.id in told:
                continue
            told.add(mail.id)
        kept.append((finding, mail))
    return kept


def _match(connection: Connection, reports: Sequence[Told]) -> list[_Matched]:
    """The reports with the mails that they are about, found for all of them at once."""
    ids = sorted({one for told in reports for one in told.report.original.message_ids})
    named: dict[str, list[SentMailRow]] = {}
    for row in bounces.by_message_id(connection, ids) if ids else []:
        named.setdefault(row.message_id, []).append(row)
    keys = {key for told in reports if (key := _key(told.report.original)) is not None}
    of_order: dict[TemplateKey, list[SentMailRow]] = {}
    for row in bounces.by_template(connection, sorted(keys)):
        of_order.setdefault(TemplateKey(row.shop, row.number, row.template), []).append(row)
    return [_matched(told, _candidates(told.report.original, named, of_order)) for told in reports]


def _candidates(
    original: Original,
    named: Mapping[str, Sequence[SentMailRow]],
    of_order: Mapping[TemplateKey, Sequence[SentMailRow]],
) -> list[SentMailRow]:
    known = [row for one in original.message_ids for row in named.get(one, ())]
    key = _key(original)
    return [*known, *(of_order.get(key, ()) if key is not None else ())]


def _key(original: Original) -> TemplateKey | None:
    """What our own header says, in which a number that is not plain ASCII stands percent-encoded."""
    order = unquote(original.order)
    shop, slash, number = order.partition("/")
    given = slash and shop and number and original.template
    if not given or any(_storable(text) != text for text in (order, original.template)):
        return None
    return TemplateKey(shop, number, original.template)


def _matched(told: Told, candidates: Sequence[SentMailRow]) -> _Matched:
    found: list[tuple[Finding, SentMailRow]] = []
    unknown = []
    for finding in told.report.findings:
        mail = next((row for row in candidates if _is_recipient(finding, row)), None)
        if mail is None:
            unknown.append(finding)
        else:
            found.append((finding, mail))
    return _Matched(told, found, unknown)


def _is_recipient(finding: Finding, mail: SentMailRow) -> bool:
    """Whether the finding is about whom the mail was sent to; a complaint from which the recipient was taken out is about whoever had
    the mail."""
    if not mail.envelope_to:
        return False
    if not finding.address:
        return finding.kind is Kind.COMPLAINT
    return any(_is_same(told, mail.envelope_to) for told in (finding.address, of_xtext(finding.address)))


def _is_same(told: str, ours: str) -> bool:
    try:
        return mailbox_key(told) == mailbox_key(ours)
    except ValueError:
        return False


def _event(one: _Matched, now: datetime) -> NewEventRow:
    """The report as the inbox keeps it: about an order where one of its mails is; whose mail was not found is told so that an
    operator may know the address again, and no more of it."""
    order = next((mail.order_id for _, mail in one.mails if mail.order_id is not None), None)
    state, reason = "applied", None
    if one.told.fault is not None:
        state, reason = "quarantined", one.told.fault
    elif not one.told.report.findings:
        state, reason = "ignored", "it is no report"
    elif one.unknown and all(finding.kind is Kind.BOUNCE or finding.kind is Kind.COMPLAINT for finding in one.unknown):
        state, reason = "quarantined", "no mail of ours has that Message-ID and recipient"
    elif not one.mails:
        state, reason = "ignored", "it is about no mail of ours"
    original = one.told.report.original
    body: dict[str, Any] = {
        "message_ids": list(original.message_ids),
        "order": original.order,
        "recipients": [{**finding.to_json(), "address": hint(finding.address)} for finding in one.told.report.findings],
    }
    kept, _ = doors.kept({name: storable(held) for name, held in body.items()})
    return NewEventRow(one.told.source, one.told.event_id, TYPE, order, None, kept, now, state, reason)


def hint(address: str) -> str:
    """An address by which only who knows it knows it again: ``n***@example.jp``."""
    local, at, domain = address.rpartition("@")
    bare = local.strip('"')
    return f"{bare:.1}***@{domain}" if at else ""


def _storable(text: str) -> str:
    """A text without what the database does not take."""
    return str(storable(text))
