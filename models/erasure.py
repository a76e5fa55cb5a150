"""Erasures (個人情報の消去): who is to be forgotten, since when, and what came of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, DateTime, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Json, Moment, Recorded


class Erasure(Base):
    """One customer of one shop whose personal data goes: asked for at ``asked_at`` by ``asked_by``, tried (again) at ``try_at``.

    ``waits_for`` lists what has not ended yet; ``done_at`` is when all there was went, ``erased`` how many rows of what. It stays, as
    the proof of what was done and so that nothing brings the customer back.
    """

    __tablename__ = "erasure"

    id: Mapped[Id]
    shop: Mapped[str]
    customer_id: Mapped[str]
    asked_at: Mapped[Moment]
    asked_by: Mapped[str]
    try_at: Mapped[Moment]
    waits_for: Mapped[Json]
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    erased: Mapped[Json]
    recorded_at: Mapped[Recorded]

    __table_args__ = (
        UniqueConstraint("shop", "customer_id"),
        CheckConstraint("customer_id <> ''", name="member"),
        Index("ix_erasure_waiting", "try_at", postgresql_where="done_at IS NULL OR waits_for <> '[]'::jsonb"),
    )
