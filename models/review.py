"""Who looks at what waits for a human, and what they wrote down about it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Moment


class ReviewAssignment(Base):
    """One thing that waits (``models.store.review``: its kind and key) is ``operator``'s since ``at``; without a row it is nobody's."""

    __tablename__ = "review_assignment"

    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    operator: Mapped[str]
    at: Mapped[Moment]


class ReviewNote(Base):
    """What ``operator`` wrote about one thing that waits; kept with the order that it concerned, if it concerned one."""

    __tablename__ = "review_note"

    id: Mapped[Id]
    kind: Mapped[str]
    key: Mapped[str]
    order_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    operator: Mapped[str]
    says: Mapped[str]
    at: Mapped[Moment]

    __table_args__ = (Index(None, "kind", "key"),)
