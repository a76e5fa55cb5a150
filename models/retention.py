"""Retention (保存期間): how far what is no longer kept was looked for, and what could not go on its day."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Moment, Sum


class RetentionMark(Base):
    """Of one shop's orders all up to this one were looked at for ``what``; ``gone`` is how many rows of it went in all.

    What is of no order and no shop ("") is found by its own time, and its mark only counts.
    """

    __tablename__ = "retention_mark"

    shop: Mapped[str] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(primary_key=True)
    accepted_at: Mapped[Moment]
    order_id: Mapped[int] = mapped_column(BigInteger)
    gone: Mapped[Sum]


class RetentionLate(Base):
    """An order whose day has come and that has not ended, or moved a short while ago: it is looked at again each day."""

    __tablename__ = "retention_late"

    shop: Mapped[str] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shop_order.id"), primary_key=True)
