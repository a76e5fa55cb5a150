"""Coupons (クーポン): which customer used which code in which order; what makes a code good once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import UPDATED_IN_PLACE, Base, Moment, one_of


class CouponUse(Base):
    """A member's order used a coupon; ``code_key`` is the code without its spelling (``rules.coupons.coupon_key``).

    ``once`` is what the shop said at that time: the unique index lets a customer use such a code again only after it
    came back. ``returned_because`` is the reason code of the cancel that brought it back (CAN-04), or "repriced" where an
    operator applied others (CPN-03); points of a coupon stay in the customer's balance, so it never comes back (PTS-15).
    """

    __tablename__ = "coupon_use"

    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shop_order.id"), primary_key=True)
    code_key: Mapped[str] = mapped_column(primary_key=True)
    shop: Mapped[str]
    customer_id: Mapped[str]
    kind: Mapped[str]
    once: Mapped[bool]
    at: Mapped[Moment]
    returned_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    returned_because: Mapped[str | None]

    __table_args__ = (
        one_of("kind", ("amount", "percent", "points")),
        CheckConstraint("customer_id <> ''", name="member"),
        CheckConstraint("(returned_at IS NULL) = (returned_because IS NULL)", name="returned"),
        CheckConstraint("kind <> 'points' OR returned_at IS NULL", name="points_stay"),
        Index(None, "shop", "customer_id", "code_key"),
        Index(
            "uq_coupon_use_once",
            "shop",
            "customer_id",
            "code_key",
            unique=True,
            postgresql_where="once AND returned_at IS NULL",
        ),
        UPDATED_IN_PLACE,
    )
