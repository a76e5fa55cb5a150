"""Inquiries (お問い合わせ): when a carrier was last asked how a parcel fares."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import UPDATED_IN_PLACE, Base, Moment


class CarrierInquiry(Base):
    """A parcel of which its carrier has answered, whatever it said; ``asked_at`` is the Clock's time. Kept apart from the parcel, so that
    asking never waits for a decision about its order."""

    __tablename__ = "carrier_inquiry"

    shipment_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    asked_at: Mapped[Moment]

    __table_args__ = (
        ForeignKeyConstraint(["shipment_id", "key"], ["parcel.shipment_id", "parcel.key"], ondelete="CASCADE"),
        UPDATED_IN_PLACE,
    )
