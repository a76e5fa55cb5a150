"""The shapes of answers and of events, as the published schema describes them; tests hold what is answered against them.

Answers may grow: clients ignore fields that they do not know.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from pipelines.returns.examples import ANSWERED


class Shape(BaseModel):
    """An object of which more may be answered than is named."""

    model_config = ConfigDict(extra="allow")


class OrderReference(Shape):
    """An order that is taken in, or was."""

    shop: str
    number: str
    state: str
    url: str = Field(description="Where the order is read, relative to this server")


class ReturnReference(Shape):
    """A return that is asked for, or of which something is."""

    return_: str = Field(alias="return")
    state: str


class ShownReturn(ReturnReference):
    """A return as it stands."""

    shop: str
    number: str
    url: str = Field(description="Where its order is read, relative to this server")
    photos: list[str] | None = Field(default=None, description="To operators: where each photo of the goods is read")


class BatchResult(Shape):
    """What became of one order of a batch."""

    status: int = Field(description="As the same order alone would be answered")
    shop: str | None
    number: str | None


class BatchResults(Shape):
    """One result an order, in the order sent."""

    results: list[BatchResult]


class PiecesOfLine(Shape):
    """Pieces of a line."""

    line: str
    quantity: int


class Because(Shape):
    """Why a date is what it is."""

    rule: str
    says: str


class Wrong(Shape):
    """A field and what would be right."""

    field: str
    message: str


class ReturnedLine(Shape):
    """Whether pieces of one line may come back, and why."""

    line: str
    quantity: int
    reason: str
    allowed: bool
    apply_by: date | None = Field(description="Last day that still counts to ask for it, in Japan; null: no limit")
    goods_by: date | None = Field(description="Last day on which the goods may be back at the shop; null: no limit")
    remedies: list[Literal["refund", "replacement", "exchange"]] = Field(description="The usual one first")
    remedy: str | None = Field(description="The one that `refund` counts with; null: not allowed")
    cost_on: Literal["customer", "shop"] = Field(description="Who bears the cost of sending back")
    approve: Literal["automatic", "human"] = Field(description="What happens once it is asked for")
    because: list[Because]


class ReturnRefund(Shape):
    """What the allowed lines give back: yen with tax, and points."""

    money: int = Field(description="Yen, after the coupon and the fee")
    points_returned: int = Field(description="Points used that go back to the customer")
    coupon_recovered: int = Field(description="Yen that the coupons had taken off and that are kept back (CPN-04)")
    fee: int = Field(description="Yen, tax included (TAX-05); of an exchange it is to be paid")
    points_taken_back: int = Field(description="Points that the goods earned, and earn no longer (PTS-13)")


class ReturnPreview(Shape):
    """What may be returned of an order, and what it gives back."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [ANSWERED]})

    lines: list[ReturnedLine]
    refund: ReturnRefund
    problems: list[Wrong]


class DocumentCopy(Shape):
    """A document that was issued."""

    id: str
    number: str
    reissue: bool
    at: datetime
    url: str


class DocumentOffer(Shape):
    """Whether a document may be issued now, and why."""

    kind: str
    subject: str | None = Field(description="The parcel or change it is about; null: the whole order")
    allowed: bool
    must: bool = Field(description="Whether the law asks for it")
    until: date | None = Field(description="Last day that counts")
    because: list[Because]
    issued: list[DocumentCopy]


class OrderDocuments(RootModel[list[DocumentOffer]]):
    """What may be issued of an order."""


class IssuedDocument(Shape):
    """A document that is stored."""

    id: str
    number: str
    url: str = Field(description="Where its PDF is read, relative to this server")
    reissue: bool


class Points(Shape):
    """A customer's points: balance, lots as they will be spent, a page of the ledger."""

    shop: str
    customer: str
    balance: dict[str, int]
    lots: list[dict[str, Any]]
    ledger: list[dict[str, Any]]
    next: str | None = Field(description="`cursor` of the next page")


class KnownCustomer(Shape):
    """A customer: facts, balance of points, rank, and what is counted of the past."""

    shop: str
    customer: str
    balance: dict[str, int]
    counters: dict[str, Any]


class ErasureShown(Shape):
    """How far the erasure of a customer is."""

    shop: str
    customer: str
    status: Literal["erased", "waiting"]
    asked_at: datetime
    erased_at: datetime | None
    waits_for: list[dict[str, str]] = Field(description="Orders that have not ended, and why")
    again_at: datetime | None = Field(description="When it is tried next")
    erased: dict[str, int] = Field(description="Rows that were replaced, by what they are")


class Kept(Shape):
    """What became of a grant or hold of points."""

    shop: str
    customer: str
    key: str


class Posting(Shape):
    """A letter with a coupon's code; `ship_to` until it was posted."""

    id: int
    shop: str
    customer: str
    order: str
    code: str
    points: int
    way: Literal["post", "mail"] = Field(description="mail: the customer wants no letters (CON-04)")
    ship_to: dict[str, Any] | None
    due_on: date
    days_overdue: int
    expires_on: date | None
    posted_at: datetime | None
    posted_by: str | None


class PostingList(Shape):
    """Letters that are to be posted, or that went."""

    postings: list[Posting]


class Standing(Shape):
    """A customer's rank."""

    shop: str
    customer: str
    rank: str
    rate: str
    since: date | None
    spend: int
    window: dict[str, Any]
    next: dict[str, Any] | None
    history: list[dict[str, Any]]


class Health(Shape):
    """The process is alive."""

    status: Literal["ok"]


class Readiness(Shape):
    """What a process stands on."""

    status: Literal["ok", "degraded", "not ready"]
    degraded: list[str]
    checks: dict[str, str]


class EventData(Shape):
    """What an event to a storefront tells; more by its type."""

    shop: str
    number: str | None
    from_: str | None = Field(alias="from", description="Null where nothing was before, or nothing moved")
    to: str
    cause: str
    at: datetime
    sequence: int = Field(
        description="Of the order's moves, from 1; of what is no move that of the last one; 0 of an order that was refused"
    )


class Event(Shape):
    """An event to a storefront, signed by Standard Webhooks; any 2xx acknowledges it."""

    type: str
    timestamp: datetime
    data: EventData


def answers(**by_status: type[BaseModel] | None) -> dict[int | str, dict[str, Any]]:
    """What the published schema says of an operation's answers: ``s200=ShownOrder``."""
    return {int(status[1:]): {"model": model} if model else {} for status, model in by_status.items()}


class ParcelPromise(Shape):
    """What one parcel is promised; dates and deadline are null where no day can be."""

    supplier: str
    at: datetime
    dispatch_on: date | None
    arrive_on: date | None = Field(description="Null also without a region")
    order_by: datetime | None = Field(
        description="The last second for an order, with its money where the method waits for money"
    )
    seconds_left: int | None
    same_day: bool
    because: list[Because]


class Promise(ParcelPromise):
    """What a product is promised."""

    shop: str


class StorePromise(Shape):
    """When a cart that is called to a store can be seen there."""

    store: str
    visit_on: date | None
    ready_on: date | None
    possible: bool | None = Field(description="Whether the visit can be on that day; null where none was asked about")


class CartPromise(Shape):
    """One promise a parcel, as the order would be split."""

    shop: str
    at: datetime
    parcels: list[ParcelPromise]
    pickup: StorePromise | None = Field(default=None, description="Only where a store was asked about")
