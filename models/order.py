"""Orders (注文) and their lines (明細)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Numeric, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from models.base import CURRENCIES, UPDATED_IN_PLACE, Base, Id, Json, Moment, Recorded, one_of
from models.states import Condition, OrderState


class ShopOrder(Base):
    """One order of one shop.

    Why it is held is in ``OrderHold``; ``version`` counts decisions, so that one taken on older facts is dropped;
    ``sequence`` counts moves, as storefronts see them numbered. What never changes of an order is in ``OrderDocument``, so that an update copies little.
    """

    __tablename__ = "shop_order"

    id: Mapped[Id]
    shop: Mapped[str]
    number: Mapped[str]
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    customer_id: Mapped[str]
    locale: Mapped[str]
    state: Mapped[str]
    condition: Mapped[str]
    method: Mapped[str]
    currency: Mapped[str]
    grand_total: Mapped[int]
    placed_at: Mapped[Moment]
    accepted_at: Mapped[Moment]
    version: Mapped[int]
    sequence: Mapped[int]
    recorded_at: Mapped[Recorded]

    __table_args__ = (
        UniqueConstraint("shop", "number"),
        one_of("state", OrderState),
        one_of("condition", Condition),
        one_of("currency", CURRENCIES),
        CheckConstraint("grand_total >= 0", name="grand_total"),
        # Rows lie in the order they came: a few bytes for each page range find those of a day.
        Index("ix_shop_order_accepted", "accepted_at", postgresql_using="brin"),
        Index(None, "shop", "accepted_at", "id"),
        Index(None, "shop", "customer_id", postgresql_where="customer_id <> ''"),
        # What lists are read by. An order's row enters and leaves the second once: its condition rests for good.
        Index(None, "shop", "placed_at", "id"),
        Index("ix_shop_order_live", "shop", "placed_at", "id", postgresql_where="condition <> 'done'"),
        UPDATED_IN_PLACE,
    )


class OrderDocument(Base):
    """The order as accepted, which never changes but for its address, and the prices and points frozen with it (CAN-02, PTS-04).

    Where the goods go may be changed until they leave; ``OrderReaddressing`` keeps the old address.
    The prices are replaced as a whole while the amount is not fixed yet (CPN-03); ``OrderRepricing`` keeps the old ones.

    ``json``, not ``jsonb``: it is read as a whole with every decision, and text costs nothing to read.
    """

    __tablename__ = "order_document"

    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shop_order.id"), primary_key=True)
    document: Mapped[Any] = mapped_column(JSON)
    breakdown: Mapped[Any] = mapped_column(JSON)


class OrderLine(Base):
    """One line of an order: what was ordered, what has been cancelled, what has shipped (pieces)."""

    __tablename__ = "order_line"

    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shop_order.id"), primary_key=True)
    line: Mapped[str] = mapped_column(primary_key=True)
    sku: Mapped[str]
    name: Mapped[str]
    quantity: Mapped[int]
    cancelled: Mapped[int]
    shipped: Mapped[int]
    unit_price: Mapped[int]
    tax_rate: Mapped[int]
    supplier: Mapped[str]
    availability: Mapped[str]
    expected_on: Mapped[date | None]
    points_rate: Mapped[Decimal | None] = mapped_column(Numeric(6, 4))
    flags: Mapped[list[str]] = mapped_column(ARRAY(TEXT))

    __table_args__ = (
        CheckConstraint("quantity > 0 AND unit_price >= 0", name="quantity"),
        CheckConstraint("cancelled >= 0 AND shipped >= 0 AND cancelled + shipped <= quantity", name="open"),
        UPDATED_IN_PLACE,
    )


class UniqueAllocation(Base):
    """A one-of-a-kind item (一点物) belongs to at most one live order (INT-10); freed when that order is cancelled."""

    __tablename__ = "unique_allocation"

    shop: Mapped[str] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shop_order.id"), index=True)


class RefusedOrder(Base):
    """An order from the broker that could not be accepted: kept with its reasons, since it was taken off the queue.

    ``at`` is the Clock's time.
    """

    __tablename__ = "refused_order"

    id: Mapped[Id]
    content_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    shop: Mapped[str | None]
    number: Mapped[str | None]
    problems: Mapped[Json]
    document: Mapped[Json]
    at: Mapped[Recorded] = mapped_column(index=True)
    recorded_at: Mapped[Recorded]
