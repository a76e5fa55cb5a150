"""Orders priced again (再計算): append-only, so that every sum an order ever had can be shown."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Moment, Recorded


class OrderRepricing(Base):
    """The ``sequence``-th time, from 1, that an order was priced again before its amount was fixed (CPN-03).

    ``before`` is the breakdown that held until then (``rules.breakdown.Breakdown``, whole); the one that holds now is the
    order's own. ``key`` names what asked for it, once; ``by`` is the operator's client.
    """

    __tablename__ = "order_repricing"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shop_order.id"))
    sequence: Mapped[int]
    key: Mapped[str] = mapped_column(unique=True)
    reason: Mapped[str]
    by: Mapped[str]
    before: Mapped[Any] = mapped_column(JSON)
    at: Mapped[Moment]
    recorded_at: Mapped[Recorded]

    __table_args__ = (
        UniqueConstraint("order_id", "sequence"),
        CheckConstraint("sequence > 0", name="sequence"),
    )
