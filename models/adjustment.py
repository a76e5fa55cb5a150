"""Changes after the order (注文後の変更): append-only, so that every yen can be recomputed from what was stored."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Moment, Recorded, one_of


class OrderAdjustment(Base):
    """One change of an order, its ``sequence``-th from 1: which pieces went, and what that came to; none where the shop gave
    money back at will.

    ``amounts`` is ``rules.adjustments.Adjustment`` whole; ``money`` (yen), ``points`` (used ones that came back) and
    ``rank_spend`` repeat what set-based queries need of it. ``key`` names what asked for it, once.
    """

    __tablename__ = "order_adjustment"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shop_order.id"))
    sequence: Mapped[int]
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    reason: Mapped[str]
    amounts: Mapped[Any] = mapped_column(JSON)
    money: Mapped[int]
    points: Mapped[int]
    rank_spend: Mapped[int]
    at: Mapped[Moment]
    recorded_at: Mapped[Recorded]

    __table_args__ = (
        UniqueConstraint("order_id", "sequence"),
        one_of("kind", ("cancel", "short", "return", "fault", "goodwill")),
        CheckConstraint("sequence > 0 AND money >= 0 AND points >= 0", name="amounts"),
    )
