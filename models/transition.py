"""Append-only history: every move of every entity, with its cause."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Moment, Recorded, one_of


class Transition(Base):
    """``entity`` (``order``, ``payment``, ``shipment``, ``lot``, ``return``) moved from one state to another at ``at`` (the
    Clock's time; ``recorded_at`` is the database's)."""

    __tablename__ = "transition"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(BigInteger)
    entity: Mapped[str]
    entity_id: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    cause: Mapped[str]
    at: Mapped[Moment]
    recorded_at: Mapped[Recorded]

    __table_args__ = (
        Index(None, "order_id"),
        one_of("entity", ("order", "condition", "payment", "shipment", "lot", "return")),
    )
