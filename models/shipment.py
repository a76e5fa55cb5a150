"""Shipments (出荷) by source, and the parcels (荷物) that really left."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import UPDATED_IN_PLACE, Base, Id, Json, Moment, one_of
from models.states import CallOff, ShipmentState, TrackingState


class Shipment(Base):
    """What one supplier is asked to ship of one order (SPL-01).

    ``dispatch_on`` is promised with ``because``, an ordered list of {rule, says}; ``instruct_at`` is when the supplier
    is to be told, ``told_at`` when it had the instruction, or since when it is waited for anew (before ``instruct_at``: not yet), and ``again`` how often it was
    asked for anew; ``collects`` whether it was told to collect the order's money (PAY-09), null before. ``plan_as_of`` is the
    timestamp of the newest supplier news about the plan, so late news changes nothing. ``call_off`` is how far our asking is not to
    ship it, null where nobody asked, and ``call_off_as_of`` the timestamp of the supplier's newest answer to that.
    """

    __tablename__ = "shipment"

    id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shop_order.id"), index=True)
    supplier: Mapped[str]
    state: Mapped[str]
    backorder: Mapped[bool]
    dispatch_on: Mapped[date | None]
    instruct_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    arrive_on: Mapped[date | None]
    because: Mapped[Json]
    plan_as_of: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    reason: Mapped[str | None]
    told_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    collects: Mapped[bool | None]
    again: Mapped[int] = mapped_column(server_default="0")
    call_off: Mapped[str | None]
    call_off_as_of: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        one_of("state", ShipmentState),
        CheckConstraint("again >= 0", name="again"),
        one_of("call_off", CallOff),
        Index("ix_shipment_supplier", "supplier", "id"),
        UPDATED_IN_PLACE,
    )


class ShipmentLine(Base):
    """Pieces of an order line in a shipment: asked for, cancelled, shipped."""

    __tablename__ = "shipment_line"

    shipment_id: Mapped[str] = mapped_column(ForeignKey("shipment.id"), primary_key=True)
    line: Mapped[str] = mapped_column(primary_key=True)
    quantity: Mapped[int]
    cancelled: Mapped[int]
    shipped: Mapped[int]

    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("cancelled >= 0 AND shipped >= 0 AND cancelled + shipped <= quantity", name="open"),
        UPDATED_IN_PLACE,
    )


class Parcel(Base):
    """One parcel of a shipment: ``claim`` is what the supplier said is in it (line -> pieces, null for all that was
    open), ``lines`` what that comes to (``rules.parcels``). ``key`` is its first tracking number, or when it left."""

    __tablename__ = "parcel"

    id: Mapped[Id]
    shipment_id: Mapped[str] = mapped_column(ForeignKey("shipment.id"))
    order_id: Mapped[int] = mapped_column(BigInteger)
    key: Mapped[str]
    shipped_at: Mapped[Moment]
    claim: Mapped[Json | None]
    lines: Mapped[Json]
    carrier: Mapped[str | None]
    tracking_number: Mapped[str | None]
    number_as_of: Mapped[Moment]
    tracking_status: Mapped[str | None]
    status_as_of: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        UniqueConstraint("shipment_id", "key"),
        Index(None, "order_id"),
        Index("ix_parcel_tracking_number", "tracking_number"),
        # What left in a week: parcels lie in the order they came.
        Index("ix_parcel_shipped_at", "shipped_at", postgresql_using="brin"),
        one_of("tracking_status", TrackingState),
        UPDATED_IN_PLACE,
    )
