"""Addresses that were changed after the order (届け先変更): append-only, so that every address an order ever had can be shown."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Moment, Recorded


class OrderReaddressing(Base):
    """One change of where an order goes, before any of it left.

    ``before`` is the ``ship_to`` that held until then, whole; the one that holds now is the order's own. ``key`` names what asked
    for it, once; ``by`` is the operator's client.
    """

    __tablename__ = "order_readdressing"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shop_order.id"), index=True)
    key: Mapped[str] = mapped_column(unique=True)
    reason: Mapped[str]
    by: Mapped[str]
    before: Mapped[Any] = mapped_column(JSON)
    at: Mapped[Moment]
    recorded_at: Mapped[Recorded]
