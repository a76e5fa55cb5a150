"""The shapes of answers to suppliers: what is theirs to do, and what became of what they sent."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import Field

from workers.web.shapes import PiecesOfLine, Shape


class WorkLine(PiecesOfLine):
    """Pieces of a line that are to be sent in all, and those of them that have not left."""

    sku: str
    name: str
    open: int


class WorkItem(Shape):
    """A shipment of a supplier: what the instruction says, and how far it is; `ship_to` while it is to be sent."""

    id: str = Field(description="The instruction's id; another one for the same shipment stands for it")
    state: str
    request: Literal[
        "submitted",
        "accepted",
        "refused",
        "cancellation_requested",
        "cancellation_accepted",
        "cancellation_refused",
        "cancelled",
    ]
    shop: str
    order: str
    shipment: str
    dispatch_on: date | None
    lines: list[WorkLine]
    ship_to: dict[str, Any] | None
    delivery: dict[str, Any] | None
    instructions: list[dict[str, Any]]


class SupplierWork(Shape):
    """A page of a supplier's shipments, by their ids."""

    supplier: str
    state: str
    work: list[WorkItem]
    next: str | None = Field(description="`cursor` of the next page")


class Stored(Shape):
    """An event that is kept and will be read."""

    id: str
    status: Literal["stored", "known"]


class WrongRecord(Shape):
    """A row of a file that waits, and why; it names nobody."""

    row: int = Field(description="Number of the record, a header and empty ones included")
    field: str = Field(description="What is wrong: shipment, tracking_number, shipped_on, ...; empty: the whole row")
    code: str
    reason: str


class SupplierFileAnswer(Shape):
    """What became of a file of tracking numbers."""

    file: str
    format: str
    encoding: str
    rows: int = Field(description="Rows in which something is written")
    applied: int = Field(description="Rows that are news")
    known: int = Field(description="Rows that say what is known already")
    pending: int = Field(description="Rows without a number yet, or whose slip was taken back")
    quarantined: list[WrongRecord]
