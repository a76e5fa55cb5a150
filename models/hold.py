"""Holds of orders (保留): why each waited for a human, from when until when."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import UPDATED_IN_PLACE, Base, Id, Json, Moment, Recorded, Sum, one_of
from models.states import HoldReason


class OrderHold(Base):
    """One reason for which an order waits, or waited, for a human; open until ``closed_at``.

    It is about ``shipment_id``, ``lines`` ({line: pieces}) and ``amount`` (yen) where it names them; ``facts`` are what else
    its sentence says (``pipelines.rules.hold_kinds``). ``opened_by`` and ``closed_by`` are causes, as in ``Transition``.
    """

    __tablename__ = "order_hold"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shop_order.id"))
    reason: Mapped[str]
    shipment_id: Mapped[str | None] = mapped_column(String, ForeignKey("shipment.id"))
    lines: Mapped[Json]
    amount: Mapped[Sum | None]
    facts: Mapped[Json]
    opened_at: Mapped[Moment]
    opened_by: Mapped[str]
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    closed_by: Mapped[str | None]
    recorded_at: Mapped[Recorded]

    __table_args__ = (
        one_of("reason", HoldReason),
        CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="closed"),
        Index(None, "order_id"),
        Index("ix_order_hold_open", "reason", "order_id", postgresql_where="closed_at IS NULL"),
        UPDATED_IN_PLACE,
    )
