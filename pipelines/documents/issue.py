"""Issuing: the document is set with the next number and stored in one transaction, or nothing of it happened.

The order is locked first, so that it stands still and two clicks come one after the other; then the counter of its shop and kind.
Setting touches nothing outside and takes some ten milliseconds, so it is done under both locks: the number that is printed is
the number that is kept, and one that was not kept was never taken (docs/decisions/0009-documents.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from models.store.orders import OrderRow
from pipelines.documents.facts import SaleFacts
from pipelines.documents.gather import order_row, sale_facts
from pipelines.documents.keep import About, Press, Request, Stored, Typesets, answered, keep, keep_copy
from pipelines.documents.kinds import ISSUED, Kind
from pipelines.documents.permission import Answer, is_fetched, may_issue, subjects, to_pick_of
from pipelines.documents.writing import Wish, write
from pipelines.engine.decision import RECEIPT_STORED
from pipelines.engine.happenings import tell
from pipelines.engine.inbox import Received, hear
from pipelines.errors import NotFound
from pipelines.shops import Shop
from pipelines.values.calendar import JST


def listed(
    connection: Connection, shop: Shop, number: str, now: datetime, kinds: Sequence[Kind] = ISSUED
) -> list[dict[str, Any]]:
    """The contract's list of what of ``kinds`` may be issued of an order, and what was. Raises NotFound."""
    row = order_row(connection, shop.key, number)
    if row is None:
        raise NotFound(f"there is no order {shop.key}/{number}")
    facts = sale_facts(connection, row, shop, now)
    return [
        _shown(may_issue(kind, facts, shop, now, subject), facts)
        for kind in kinds
        for subject in subjects(kind, facts) or [""]
    ]


def issue(
    connection: Connection, shop: Shop, number: str, wish: Wish, request: Request, now: datetime, typesets: Typesets
) -> Stored:
    """Issue a document of an order within the transaction of ``connection``.

    Raises NotFound, and Conflict with the rule where the document may not be issued now.
    """
    row = order_row(connection, shop.key, number, lock=True)
    if row is None:
        raise NotFound(f"there is no order {shop.key}/{number}")
    press = Press(connection, request, now, typesets)
    if (before := answered(press, About(shop, wish.kind, wish.subject, row.id), wish)) is not None:
        return before
    facts = sale_facts(connection, row, shop, now)
    answer = may_issue(wish.kind, facts, shop, now, wish.subject)
    if not answer.allowed:
        raise answer.refusal()
    wish = replace(wish, subject=answer.subject)
    about, copies = About(shop, wish.kind, wish.subject, row.id), facts.copies(wish.kind, answer.subject)
    made = (
        keep_copy(press, about, copies, wish.addressee) if copies else keep(press, about, write(wish, facts, shop, now))
    )
    if wish.kind in ISSUED:
        said = {"document": made.id, "kind": wish.kind, "document_number": made.number, "reissue": made.reissue}
        tell(connection, row, "document.issued", made.id, {"cause": "asked_for", **said}, now)
    if wish.kind == Kind.RECEIPT and not made.reissue and is_fetched(facts):
        _announce(connection, row, made, now)
    return made


def _announce(connection: Connection, row: OrderRow, made: Stored, now: datetime) -> None:
    """The order hears of its first receipt, so that its customer does; what goes on paper comes with the parcel (DOC-02)."""
    body = {"document": made.id, "number": made.number}
    heard = Received("documents", f"receipt:{made.id}", RECEIPT_STORED, body, now, order=(row.shop, row.number))
    hear(connection, [heard], now)


def pick_list_of(
    connection: Connection, shop: Shop, number: str, shipment: str, by: str, now: datetime, typesets: Typesets
) -> Stored:
    """The list of what is still to be picked of a shipment: the one that was issued of these pieces, else issued now. Raises
    NotFound where there is nothing to pick."""
    row = order_row(connection, shop.key, number, lock=True)
    meant = to_pick_of(sale_facts(connection, row, shop, now), shipment) if row is not None else None
    if row is None or meant is None:
        raise NotFound(f"nothing of {shipment} of order {shop.key}/{number} is to be picked")
    # One request of all that are made by this supplier of these pieces: the second click has the first one's list.
    request = Request(f"pick_list:{row.id}:{meant.subject}:{by}", by)
    return issue(connection, shop, number, Wish(Kind.PICK_LIST, subject=meant.subject), request, now, typesets)


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
