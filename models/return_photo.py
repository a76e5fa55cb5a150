"""Pictures of goods that are to come back (返品の写真): what their customer shows of a damage, for the shop's operators alone."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Moment

MOST_PHOTOS = 5
"""Pictures that one return may have."""


class ReturnPhoto(Base):
    """One picture, ``place`` among those of its return from 1, as JPEG: drawn anew, so that nothing is left of what a camera wrote
    into it. It may come before its return is decided, so it names it without leaning on its row; it goes with its order's
    ``retention.photos_days``, or when its customer is forgotten."""

    __tablename__ = "return_photo"

    return_id: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shop_order.id"), index=True)
    image: Mapped[bytes] = mapped_column(LargeBinary)
    given_at: Mapped[Moment]

    __table_args__ = (CheckConstraint(f"place BETWEEN 1 AND {MOST_PHOTOS}", name="place"),)
