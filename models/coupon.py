"""Coupons (クーポン): which customer used which code in which order; what makes a code good once; codes that the shop made itself."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import UPDATED_IN_PLACE, Base, Id, Moment, one_of


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


class PostedCoupon(Base):
    """A single-use code of points that the shop made for one customer, and the letter or mail that brings it (CUT-05).

    ``code`` is as printed, ``code_key`` without its spelling. ``order_id`` is the order that it thanks for; a letter goes to that
    order's address, due on ``due_on`` (Asia/Tokyo). ``posted_at`` is when the letter was posted, by ``posted_by``, or the mail queued.
    No points are credited before the code is entered with ``used_order_id``.
    """

    __tablename__ = "posted_coupon"

    id: Mapped[Id]
    shop: Mapped[str]
    customer_id: Mapped[str]
    code: Mapped[str]
    code_key: Mapped[str]
    points: Mapped[int]
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shop_order.id"))
    way: Mapped[str]
    due_on: Mapped[date]
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    made_at: Mapped[Moment]
    posted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    posted_by: Mapped[str | None]
    used_order_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("shop_order.id"))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        UniqueConstraint("shop", "code_key"),
        UniqueConstraint("shop", "customer_id"),
        one_of("way", ("post", "mail")),
        CheckConstraint("points > 0", name="points"),
        CheckConstraint("customer_id <> ''", name="member"),
        CheckConstraint("(posted_at IS NULL) = (posted_by IS NULL)", name="posted"),
        CheckConstraint("way = 'post' OR posted_at IS NOT NULL", name="mailed"),
        CheckConstraint("(used_order_id IS NULL) = (used_at IS NULL)", name="used"),
        Index("ix_posted_coupon_due_on", "due_on", postgresql_where="way = 'post' AND posted_at IS NULL"),
        UPDATED_IN_PLACE,
    )
