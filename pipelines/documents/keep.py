"""Keeping a document: set with the next number of its shop and kind, and stored, within one transaction; or nothing of it happened."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from sqlalchemy import Connection

from models.store import documents
from models.store.documents import AskedRow, IssuedRow, NewDocumentRow
from pipelines.documents.facts import Issued
from pipelines.documents.kinds import Kind, number_of
from pipelines.documents.paper import Document, issued
from pipelines.documents.parties import named, names_somebody
from pipelines.documents.writing import Wish
from pipelines.errors import Conflict
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


@dataclass(frozen=True, slots=True)
class Press:
    """What a document is kept with: the transaction, who asks, the moment, and what sets it."""

    connection: Connection
    request: Request
    now: datetime
    typesets: Typesets

    @property
    def today(self) -> date:
        """The day of issue, Asia/Tokyo."""
        return self.now.astimezone(JST).date()


@dataclass(frozen=True, slots=True)
class About:
    """What a document is about: ``subject`` of the order whose row is ``order_id``, None for one of no single order."""

    shop: Shop
    kind: Kind
    subject: str
    order_id: int | None = None

    def is_asked_by(self, row: AskedRow) -> bool:
        """Whether the request that was answered with ``row`` asked for this, on whatever day."""
        if (row.shop, row.kind, row.order_id) != (self.shop.key, self.kind, self.order_id):
            return False
        return self.order_id is not None or self._lasting(row.subject) == self._lasting(self.subject)

    def _lasting(self, subject: str) -> str:
        """A quotation's ends with its day."""
        return subject.rpartition("/")[0] if self.kind == Kind.QUOTATION else subject


def answered(press: Press, about: About, wish: Wish) -> Stored | None:
    """What the request was answered with before; None if it was not, and nobody else answers it meanwhile. Raises Conflict where it stood for another document, or for the
    same one in another form."""
    documents.claim_key(press.connection, press.request.key)
    found = documents.by_key(press.connection, press.request.key)
    if found is None:
        return None
    if not (
        about.is_asked_by(found) and _is_as_wished(found, documents.content_of(press.connection, found.public_id), wish)
    ):
        raise Conflict("This Idempotency-Key stands for another document: send a new key with it.")
    return Stored(found.public_id, found.number, found.copy > 1)


def _is_as_wished(row: AskedRow, content: Mapping[str, Any], wish: Wish) -> bool:
    """Whether a document is what ``wish`` asks for, as far as that says something; what is no longer kept, or is picked by, is."""
    if not content or wish.kind == Kind.PICK_LIST:
        return True
    if wish.subject not in ("", row.subject):
        return False
    if _is_another(wish.addressee, content):
        return False
    if row.copy > 1:  # all else is as the first document says, whatever was wished
        return True
    if wish.kind == Kind.DELIVERY_NOTE and wish.label != (content["layout"] == "label"):
        return False
    if wish.kind == Kind.RECEIPT and not content["purpose"].startswith(wish.purpose or ""):
        return False
    return wish.locale in (None, content["locale"])


def _is_another(addressee: str | None, content: Mapping[str, Any]) -> bool:
    """Whether the document is asked for somebody, and is made out to somebody else."""
    if not addressee or not names_somebody(addressee):
        return False
    return named(addressee, content["locale"]).name != str(content["addressee"]["name"])


def keep(press: Press, about: About, document: Document) -> Stored:
    """Keep the first document about it, under a number of its own."""
    sequence = documents.next_number(press.connection, about.shop.key, about.kind)
    content = issued(document.to_json(), number_of(about.shop.key, about.kind, sequence), press.today)
    return _store(press, about, content, sequence, 1)


def keep_copy(press: Press, about: About, copies: Sequence[Issued | IssuedRow], addressee: str | None = None) -> Stored:
    """Another copy: what the first said, under its number, marked where the shop marks it (DOC-01). Raises Conflict where the first
    is no longer kept, or was made out to somebody else."""
    original = next(iter(copies))
    id_ = original.id if isinstance(original, Issued) else original.public_id
    first = documents.content_of(press.connection, id_)
    if not first:
        raise Conflict("The document is no longer kept, so there is no copy of it.", rule="DOC-01")
    if _is_another(addressee, first):
        raise Conflict(
            "A copy says what the first document said; it cannot be made out to somebody else.", rule="DOC-02"
        )
    copy, sequence = len(copies) + 1, documents.sequence_of(press.connection, id_)
    mark = "reissue" if about.shop.documents.mark_reissue else ""
    content = issued(first, number_of(about.shop.key, about.kind, sequence, copy), press.today, mark)
    return _store(press, about, content, sequence, copy)


def _store(press: Press, about: About, content: Mapping[str, Any], sequence: int, copy: int) -> Stored:
    file = press.typesets.pdf(content)
    named_by = f"{about.shop.key} {about.kind} {sequence} {copy}".encode()
    kept = Stored(f"DC-{hashlib.blake2b(named_by, digest_size=12).hexdigest()}", content["number"], copy > 1)
    documents.add(
        press.connection,
        [
            NewDocumentRow(
                public_id=kept.id,
                key=press.request.key,
                shop=about.shop.key,
                kind=about.kind,
                sequence=sequence,
                copy=copy,
                number=kept.number,
                order_id=about.order_id,
                subject=about.subject,
                content=content,
                file=file,
                digest=hashlib.sha256(file).digest(),
                transaction_on=date.fromisoformat(content["transaction_on"]),
                amount=content["amount"],
                issued_by=press.request.by,
                issued_at=press.now,
            )
        ],
    )
    return kept
