"""The shapes of lists: of orders, and of what waits for a human."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from workers.web.shapes import Shape


class ListedShipment(Shape):
    """A shipment of an order in a list."""

    id: str
    supplier: str
    state: str
    dispatch_on: date | None
    tracking_numbers: list[str]


class ListedOrder(Shape):
    """An order in a list; operators see also its customer."""

    shop: str
    number: str
    placed_at: datetime
    state: str
    condition: str
    hold_reasons: list[str] = Field(description="Why a person must look")
    currency: str
    grand_total: int
    payment: dict[str, str] = Field(description="Method and state")
    shipments: list[ListedShipment]


class OrderList(Shape):
    """A page of orders, newest first."""

    orders: list[ListedOrder]
    next: str | None = Field(description="`cursor` of the next page; null behind the last")


class Choice(Shape):
    """Something that may safely be asked of what waits."""

    action: str
    url: str = Field(description="Where it is asked for alone; many at once at /v1/review:act")


class ReviewItem(Shape):
    """Something that waits for a human."""

    kind: str
    key: str
    label: str
    which: str = Field(description="Its name for people")
    shop: str | None
    order: str | None
    since: datetime
    reason: str | None = Field(description="Of a hold")
    says: str
    tried: str | None
    way_out: str
    choices: list[Choice]
    assigned: str | None
    notes: list[dict[str, str]]


class Review(Shape):
    """A page of what waits, the longest first."""

    items: list[ReviewItem]
    next: str | None = Field(description="`cursor` of the next page; null behind the last")


class ReviewResult(Shape):
    """What became of one of them."""

    kind: str
    key: str
    status: int = Field(description="As the same request alone would be answered")


class ReviewResults(Shape):
    """One result a thing, in the order sent."""

    results: list[ReviewResult]
