"""What a supplier says (出荷・配送の知らせ): one reading with the same refusals, whether it comes by webhook, file, page or poll."""

from __future__ import annotations

import json
import re
from base64 import b32encode
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, ValidationError

from pipelines.changes.parcels import KINDS
from pipelines.engine.inbox import Received, Tolerant, not_theirs, storable_id, unreadable
from pipelines.errors import Invalid, Problem
from pipelines.orders.document import fault_of
from pipelines.values.card_number import mask
from pipelines.values.moment import bounded, too_far_ahead
from pipelines.values.storable import Unstorable, check, storable

#: How far ahead of the Clock a supplier's own clock may be; a day that is given without its hour may be today.
_AHEAD: Final = timedelta(days=1)
#: Characters of an event's id.
LONGEST_ID: Final = 255
#: Characters of a reason that are kept.
_MOST_WORDS: Final = 500
_NOT_PRINTED: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def _one_line(text: object) -> object:
    """``text`` without line breaks and other control characters; None where nothing else is in it."""
    return (_NOT_PRINTED.sub(" ", text).strip() or None) if isinstance(text, str) else text


def _brief(text: object) -> object:
    """``text`` in one line, cut where it is longer than anybody needs: what is said of the goods counts all the same."""
    line = _one_line(text)
    return f"{line[: _MOST_WORDS - 1]}…" if isinstance(line, str) and len(line) > _MOST_WORDS else line


_Moment = Annotated[AwareDatetime, AfterValidator(bounded)]
_Word = Annotated[Annotated[str, Field(max_length=64)] | None, BeforeValidator(_one_line)]
_Words = Annotated[str | None, BeforeValidator(_brief)]


class NamedPieces(Tolerant):
    """Pieces of a line."""

    line: str = Field(min_length=1, max_length=64, strict=True)
    quantity: int = Field(ge=1, le=9999, strict=True)


def _each_line_once(lines: list[NamedPieces]) -> list[NamedPieces]:
    named = Counter(one.line for one in lines)
    if twice := sorted(line for line, times in named.items() if times > 1):
        raise ValueError(f"line {twice[0]} is named more than once")
    return lines


_Lines = Annotated[list[NamedPieces], Field(min_length=1, max_length=200), AfterValidator(_each_line_once)]


class SupplierData(Tolerant):
    """What is said of a shipment; ``lines`` left out are all that are open; an empty list says nothing and is refused."""

    shipment: str = Field(min_length=1, max_length=64)
    carrier: _Word = None
    tracking_number: _Word = None
    previous_tracking_number: _Word = None
    shipped_at: _Moment | None = None
    expected_on: Annotated[date, AfterValidator(bounded)] | None = None
    reason: _Words = Field(default=None, description="Kept in one line of at most 500 characters")
    status: _Word = None
    lines: _Lines | None = None


class SupplierEvent(Tolerant):
    """A supplier's news as the contract has it."""

    type: str = Field(min_length=1, max_length=64)
    timestamp: _Moment
    data: SupplierData


class PostedEvent(SupplierEvent):
    """A supplier's news as it is posted with the supplier's key, with the id that makes it news once."""

    id: str | None = Field(
        default=None,
        min_length=1,
        max_length=LONGEST_ID,
        description="The same whenever it is sent again; else the header webhook-id or Idempotency-Key, else what the event says",
    )


def posted_id(raw: object, *named: str | None) -> str:
    """The id of a posted event: its own, else the first of ``named`` that is one, else a digest of what it says, so that the
    same again is nothing. Raises Invalid for an own id that is none."""
    if isinstance(raw, dict) and raw.get("id") is not None:
        if not isinstance(raw["id"], str) or not 1 <= len(raw["id"]) <= LONGEST_ID:
            raise Invalid([Problem("id", f"Must be a text of 1 to {LONGEST_ID} characters.")])
        return storable_id(raw["id"])
    if found := next(filter(None, named), None):
        return found
    # Letters for the most part: no card number, which would be masked, is in it.
    return b32encode(sha256(json.dumps(storable(raw), sort_keys=True).encode()).digest()).decode().rstrip("=").lower()


def supplier_event(
    raw: object, *, supplier: str, shops: Sequence[str], event_id: str, now: datetime, fault: str | None = None
) -> Received:
    """What a supplier said, as the inbox takes it; never raises: what cannot be read is kept with the reason.

    ``raw`` is the event as the contract has it, however it came. ``event_id`` makes it news once: a webhook's own id; of a
    file's row its digest and the row's content, so that the same file twice is nothing and a corrected row is news. ``now``
    is the Clock's: what happened more than a day after it has not happened. ``fault`` is why it cannot be acted on though it is
    JSON, if that is known before. Texts are kept in one line, without card numbers
    (INT-17).
    """
    source = f"supplier:{supplier}"
    try:
        if fault is not None:
            return unreadable(source, raw, fault, event_id, now, supplier=supplier)
        event = SupplierEvent.model_validate(raw)
        body = event.data.model_dump(mode="json", exclude={"shipment"})
        check([event.type, event.data.shipment, body])
    except ValidationError as error:
        return unreadable(source, raw, fault_of(error), event_id, now, supplier=supplier)
    except Unstorable as why:
        return unreadable(source, raw, str(why), event_id, now, supplier=supplier)
    if event.data.reason:
        body["reason"] = mask(event.data.reason)
    return Received(
        fault=not_theirs(event.type, KINDS) or _not_yet(event, now),
        source=source,
        event_id=event_id,
        type=event.type,
        body=body,
        at=event.timestamp,
        supplier=supplier,
        shipment=event.data.shipment,
        shops=tuple(shops),
    )


def _not_yet(event: SupplierEvent, now: datetime) -> str | None:
    """What is said to have happened has: a time to come is the slip of a clock."""
    said: Iterable[tuple[str, datetime | None]] = (
        ("timestamp", event.timestamp),
        ("data.shipped_at", event.data.shipped_at),
    )
    for name, moment in said:
        if moment is not None and (why := too_far_ahead(moment, now, _AHEAD)):
            return f"{name}: {why}"
    return None
