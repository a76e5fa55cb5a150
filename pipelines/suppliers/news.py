"""What a supplier says (出荷・配送の知らせ): one reading with the same refusals, whether it comes by webhook, file, page or poll."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from pydantic import AwareDatetime, Field, ValidationError

from pipelines.engine.inbox import Received, Tolerant, not_theirs, unreadable
from pipelines.route import STAGES


class _Pieces(Tolerant):
    line: str = Field(min_length=1, max_length=64, strict=True)
    quantity: int = Field(ge=1, le=9999, strict=True)


class _Data(Tolerant):
    shipment: str = Field(min_length=1, max_length=64)
    carrier: str | None = Field(default=None, max_length=64)
    tracking_number: str | None = Field(default=None, max_length=64)
    previous_tracking_number: str | None = Field(default=None, max_length=64)
    shipped_at: AwareDatetime | None = None
    expected_on: date | None = None
    reason: str | None = Field(default=None, max_length=500)
    status: str | None = Field(default=None, max_length=64)
    lines: list[_Pieces] | None = Field(default=None, max_length=200)


class _Event(Tolerant):
    type: str = Field(min_length=1, max_length=64)
    timestamp: AwareDatetime
    data: _Data


def supplier_event(raw: object, *, supplier: str, shops: Sequence[str], event_id: str, now: datetime) -> Received:
    """What a supplier said, as the inbox takes it; never raises: what cannot be read is kept with the reason.

    ``raw`` is the event as the contract has it, however it came. ``event_id`` makes it news once: a webhook's own id; of a
    file's row its digest and the row's content, so that the same file twice is nothing and a corrected row is news.
    """
    source = f"supplier:{supplier}"
    try:
        event = _Event.model_validate(raw)
    except ValidationError as error:
        return unreadable(source, raw, error, event_id, now, supplier=supplier)
    return Received(
        fault=not_theirs(event.type, STAGES["notify"].consumes),
        source=source,
        event_id=event_id,
        type=event.type,
        body=event.data.model_dump(mode="json", exclude={"shipment"}),
        at=event.timestamp,
        supplier=supplier,
        shipment=event.data.shipment,
        shops=tuple(shops),
    )
