"""The shapes of one order: as it stands, and as it would be planned."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import Field

from workers.web.shapes import Because, PiecesOfLine, Shape, Wrong


class Hold(Shape):
    """Why a person must look."""

    reason: str
    says: str


class OpenHold(Hold):
    """A hold with what it is about and what answers it."""

    about: str | None
    opened_at: datetime
    ways_out: list[str]


class TaxOfRate(Shape):
    """Yen at one rate of tax."""

    rate: int = Field(description="Percent")
    base: int
    tax: int


class Sums(Shape):
    """What an order comes to, in yen."""

    goods: int = Field(description="Before discounts; without tax where the shop prices so")
    member_discount: int
    coupon_discount: int
    shipping: int
    fees: int
    tax: list[TaxOfRate]
    tax_total: int
    before_points: int
    points_used: int
    grand_total: int = Field(description="What remains to pay after points")


class Attempt(Shape):
    """What a gateway was asked, and how that ended."""

    kind: str
    key: str
    amount: int | None = Field(description="Yen")
    outcome: str
    code: str | None = Field(description="The gateway's")
    at: datetime


class Money(Shape):
    """How an order is paid; amounts in yen."""

    method: str
    state: str
    amount: int
    authorized: int
    captured: int
    refunded: int
    gateway: str | None = Field(description="Who is asked for it; null where no gateway is")
    pay_by: date | None = Field(
        description="The last day to pay, where the method has one; null while the order is held before payment was asked for"
    )
    expires_at: datetime | None = Field(description="When the gateway holds it no longer")
    instructions: dict[str, Any] | None = Field(description="What the customer was told: number, address, account")
    attempts: list[Attempt]


class Sending(Shape):
    """What one supplier sends, and when."""

    supplier: str
    lines: list[PiecesOfLine]
    dispatch_on: date | None
    arrive_on: date | None
    because: list[Because]


class ShownShipment(Sending):
    """A shipment as it stands."""

    id: str
    state: str
    carrier: str | None
    tracking_number: str | None
    tracking_url: str | None
    tracking_status: str | None


class Waiting(Shape):
    """A fact that has not come, and what happens when its time is over."""

    what: str
    from_: str | None = Field(alias="from")
    until: datetime
    then: str | None


class Move(Shape):
    """A change of state."""

    entity: str
    from_: str | None = Field(alias="from")
    to: str
    cause: str
    at: datetime


class MailReport(Shape):
    """What was heard of a mail after it was sent; ``says`` is the server's sentence without addresses."""

    kind: str
    reason: str
    status: str
    says: str
    at: datetime


class SentMail(Shape):
    """A mail of the order; ``report`` is the last that was heard of it."""

    template: str
    to: str
    state: str
    at: datetime
    report: MailReport | None


class EarnedPoints(Shape):
    """Points of an order."""

    used: int
    earned: int
    state: str | None = Field(description="Of those that it earned; null where there are none")


class Instruction(Shape):
    """What was read out of the remarks."""

    kind: str
    says: str
    for_: str = Field(alias="for")


class OrderedLine(Shape):
    """What was ordered."""

    line: str
    sku: str
    name: str
    quantity: int
    unit_price: int = Field(description="Yen")
    supplier: str


class ShownOrder(Shape):
    """An order as it stands; operators see more of it."""

    shop: str
    number: str
    state: str
    condition: str
    hold: list[Hold]
    holds: list[OpenHold]
    placed_at: datetime
    currency: str
    payment: Money
    shipments: list[ShownShipment]
    points: EarnedPoints
    totals: Sums
    awaits: list[Waiting]
    timeline: list[Move]
    mails: list[SentMail]
    customer: dict[str, Any] | None = Field(default=None, description="To operators")
    ship_to: dict[str, Any] | None = Field(default=None, description="To operators")
    remarks: str | None = Field(default=None, description="To operators")
    lines: list[OrderedLine] | None = Field(default=None, description="To operators")
    instructions: list[Instruction] | None = Field(default=None, description="To operators: read out of the remarks")


class PointsOfLine(Shape):
    """What one line would earn."""

    line: str
    rate: str
    base: int = Field(description="Yen")
    points: int


class PlannedPoints(Shape):
    """What an order would earn."""

    earned: int
    by_line: list[PointsOfLine]


class PlannedPayment(Shape):
    """How an order would be paid, and until when."""

    method: str
    gateway: str | None
    fee: int = Field(description="Yen")
    release_when: Literal["authorized", "paid", "approved", "at_once"]
    pay_by: date | None
    remind_at: datetime | None
    cancel_at: datetime | None


class Preview(Shape):
    """What the pipeline would do with an order."""

    shop: str
    currency: str
    totals: Sums
    points: PlannedPoints
    payment: PlannedPayment
    shipments: list[Sending]
    holds: list[Hold]
    mails: list[str]
    problems: list[Wrong] = Field(description="Why the order would be refused; empty where it would be accepted")
