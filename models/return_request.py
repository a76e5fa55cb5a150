"""Returns (返品): what a customer wants to give back, what became of it, and until when (A.12)."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from models.base import UPDATED_IN_PLACE, Base, Json, Moment, one_of
from models.states import ReturnState

#: What a return gives the customer.
REMEDIES = ("refund", "replacement", "exchange")
REASONS = ("defect", "wrong_item", "damaged", "unwanted", "not_authentic")
"""Why goods come back."""


class ReturnRequest(Base):
    """One return of an order; there may be several, and no piece is in two that live.

    ``goods_by`` is the last day (in Japan) on which the goods still count once it is approved, ``waits_until`` the moment until
    which it waits where it stands; None once it is over. ``because`` is what the rules said
    of it, ``answer`` what the shop told its customer beyond that. ``replacement`` is the number of the order that it brought last: of
    one that was cancelled too, and then the return stands at ``inspected`` again. ``rest`` are the points that were given for what that
    order's goods were worth less.
    """

    __tablename__ = "return_request"

    id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shop_order.id"))
    state: Mapped[str]
    remedy: Mapped[str]
    asked_at: Mapped[Moment]
    asked_by: Mapped[str]
    goods_by: Mapped[date | None]
    waits_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    because: Mapped[Json]
    answer: Mapped[str]
    replacement: Mapped[str | None]
    rest: Mapped[int] = mapped_column(server_default="0")

    __table_args__ = (
        Index(None, "order_id"),
        Index("ix_return_request_live", "waits_until", postgresql_where="waits_until IS NOT NULL"),
        one_of("state", ReturnState),
        one_of("remedy", REMEDIES),
        CheckConstraint("rest >= 0", name="rest"),
        UniqueConstraint("order_id", "replacement"),
        UPDATED_IN_PLACE,
    )


class ReturnLine(Base):
    """Pieces of one line in a return for one reason: why they come back, how they are by their customer's word, and who bears the cost."""

    __tablename__ = "return_line"

    return_id: Mapped[str] = mapped_column(ForeignKey("return_request.id"), primary_key=True)
    line: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    quantity: Mapped[int]
    condition: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    cost_on: Mapped[str]

    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        one_of("reason", REASONS),
        one_of("cost_on", ("customer", "shop")),
    )
