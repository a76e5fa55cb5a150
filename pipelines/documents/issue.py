"""Issuing: the document is set with the next number and stored in one transaction, or nothing of it happened.

The order is locked first, so that it stands still and two clicks come one after the other; then the counter of its shop and kind.
Setting touches nothing outside and takes some ten milliseconds, so it is done under both locks: the number that is printed is
the number that is kept, and one that was not kept was never taken (docs/decisions/0009-documents.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Protocol

from sqlalchemy import Connection

from models.store import documents
from models.store.documents import NewDocumentRow
from models.store.orders import OrderRow
from pipelines.documents.facts import Issued, SaleFacts
from pipelines.documents.gather import order_row, sale_facts
from pipelines.documents.kinds import ISSUED, number_of
from pipelines.documents.paper import issued
from pipelines.documents.parties import named
from pipelines.documents.permission import Answer, may_issue, subjects
from pipelines.documents.writing import Wish, write
from pipelines.engine.happenings import tell
from pipelines.errors import Conflict, NotFound
from pipelines.shops import Shop
from pipelines.values.calendar import JST


class Typesets(Protocol):
    """Makes the bytes of a numbered document."""

    def pdf(self, content: Mapping[str, Any]) -> bytes:
        """The PDF of what ``paper.issued`` made; the same data, the same bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Stored:
    """A document that is kept now: its id in URLs, its number, and whether it is a copy of an earlier one (再発行)."""

    id: str
    number: str
    reissue: bool


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks: ``key`` names the request, so that it is answered once whatever became of the first answer; ``by`` is kept."""

    key: str
    by: str


def listed(connection: Connection, shop: Shop, number: str, now: datetime) -> list[dict[str, Any]]:
    """The contract's list of what may be issued of an order, and what was. Raises NotFound."""
    row = order_row(connection, shop.key, number)
    if row is None:
        raise NotFound(f"{shop.key}/{number}")
    facts = sale_facts(connection, row, shop, now)
    return [
        _shown(may_issue(kind, facts, shop, now, subject), facts)
        for kind in ISSUED
        for subject in subjects(kind, facts) or [""]
    ]


def issue(
    connection: Connection, shop: Shop, number: str, wish: Wish, request: Request, now: datetime, press: Typesets
) -> Stored:
    """Issue a document of an order within the transaction of ``connection``.

    Raises NotFound, and Conflict with the rule where the document may not be issued now.
    """
    row = order_row(connection, shop.key, number, lock=True)
    if row is None:
        raise NotFound(f"{shop.key}/{number}")
    if (answered := documents.by_key(connection, request.key)) is not None:
        if (answered.order_id, answered.kind) != (row.id, wish.kind):
            raise Conflict("This Idempotency-Key stands for another document.")
        return Stored(answered.public_id, answered.number, answered.copy > 1)
    facts = sale_facts(connection, row, shop, now)
    answer = may_issue(wish.kind, facts, shop, now, wish.subject)
    if not answer.allowed:
        raise answer.refusal()
    wish = replace(wish, subject=answer.subject)
    copies = facts.copies(wish.kind, answer.subject)
    if copies:
        return _copy(connection, row, shop, wish, copies, request, now, press)
    document = write(wish, facts, shop, now)
    sequence = documents.next_number(connection, shop.key, wish.kind)
    content = issued(document.to_json(), number_of(shop.key, wish.kind, sequence), _day(now))
    return _keep(connection, row, wish, content, sequence, 1, request, now, press)


def _copy(
    connection: Connection,
    row: OrderRow,
    shop: Shop,
    wish: Wish,
    copies: Sequence[Issued],
    request: Request,
    now: datetime,
    press: Typesets,
) -> Stored:
    """Another copy: what the first said, under its number, marked where the shop marks it (DOC-01)."""
    original = next(iter(copies))
    first = documents.content_of(connection, original.id)
    if not first:
        raise Conflict("The document is no longer kept, so there is no copy of it.", rule="DOC-01")
    if wish.addressee and named(wish.addressee, first["locale"]).name != first["addressee"]["name"]:
        raise Conflict(
            "A copy says what the first document said; it cannot be made out to somebody else.", rule="DOC-02"
        )
    copy, sequence = len(copies) + 1, documents.sequence_of(connection, original.id)
    mark = "reissue" if shop.documents.mark_reissue else ""
    content = issued(first, number_of(shop.key, wish.kind, sequence, copy), _day(now), mark)
    return _keep(connection, row, wish, content, sequence, copy, request, now, press)


def _keep(
    connection: Connection,
    row: OrderRow,
    wish: Wish,
    content: Mapping[str, Any],
    sequence: int,
    copy: int,
    request: Request,
    now: datetime,
    press: Typesets,
) -> Stored:
    file = press.pdf(content)
    number = content["number"]
    named_by = f"{row.shop} {wish.kind} {sequence} {copy}".encode()
    kept = Stored(f"DC-{hashlib.blake2b(named_by, digest_size=12).hexdigest()}", number, copy > 1)
    documents.add(
        connection,
        [
            NewDocumentRow(
                public_id=kept.id,
                key=request.key,
                shop=row.shop,
                kind=wish.kind,
                sequence=sequence,
                copy=copy,
                number=number,
                order_id=row.id,
                subject=wish.subject,
                content=content,
                file=file,
                digest=hashlib.sha256(file).digest(),
                transaction_on=date.fromisoformat(content["transaction_on"]),
                amount=content["amount"],
                issued_by=request.by,
                issued_at=now,
            )
        ],
    )
    said = {"document": kept.id, "kind": wish.kind, "document_number": number, "reissue": kept.reissue}
    tell(connection, row, "document.issued", kept.id, said, now)
    return kept


def _day(now: datetime) -> date:
    return now.astimezone(JST).date()


def _shown(answer: Answer, facts: SaleFacts) -> dict[str, Any]:
    copies = facts.copies(answer.kind, answer.subject)
    return {
        "kind": answer.kind,
        "subject": answer.subject or None,
        "allowed": answer.allowed,
        "must": answer.must,
        "until": answer.until.isoformat() if answer.until else None,
        "because": [{"rule": one.rule, "says": one.says} for one in answer.because],
        "issued": [
            {
                "id": one.id,
                "number": one.number,
                "reissue": one.copy > 1,
                "at": one.issued_at.astimezone(JST).isoformat(),
                "url": url_of(one.id),
            }
            for one in copies
        ],
    }


def url_of(document: str) -> str:
    """Where a document's bytes are read."""
    return f"/v1/documents/{document}"
