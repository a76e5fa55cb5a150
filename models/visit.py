"""Visits that were put off (来店日の変更): append-only, so that every day that a store was told can be shown."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Moment, Recorded


class VisitChange(Base):
    """One change of the day on which a customer visits the store that an order was called to (STO-01).

    ``before`` is the day that held until then; the one that holds now is in the order's document. ``key`` names what asked for it,
    once; ``by`` is the client that asked.
    """

    __tablename__ = "visit_change"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shop_order.id"), index=True)
    key: Mapped[str] = mapped_column(unique=True)
    by: Mapped[str]
    before: Mapped[date]
    at: Mapped[Moment]
    recorded_at: Mapped[Recorded]
