"""The money of an order (決済): three numbers, not one flag."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import CURRENCIES, UPDATED_IN_PLACE, Base, Json, Sum, one_of
from models.states import PaymentState


class PaymentEntry(Base):
    """One change of what is held, taken and given back of an order, in yen, at a moment of the Clock: the books' journal
    (仕訳). The entries of an order add up to its payment; none is ever changed. ``gateway`` is empty where none was asked; it, ``shop`` and
    ``method`` are null of what a version wrote that did not know them."""

    __tablename__ = "payment_entry"

    order_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    authorized: Mapped[Sum]
    captured: Mapped[Sum]
    refunded: Mapped[Sum]
    fee: Mapped[Sum]
    shop: Mapped[str | None]
    gateway: Mapped[str | None]
    method: Mapped[str | None]

    # Entries lie in the order of their time: a day is found by the pages it lies in.
    __table_args__ = (Index("ix_payment_entry_at", "at", postgresql_using="brin"),)


class Payment(Base):
    """Payment of one order: what is due, authorized (仮売上), captured (実売上) and refunded, in the
    smallest unit of ``currency``.

    ``refunded_by_hand`` is the part of ``refunded`` that no gateway gave back: an operator did, and said so. ``gateway`` is
    the one that is asked, null where none is; ``as_of`` the time of its last word. ``fee`` is what the gateway keeps of it,
    where it has said so; ``liability`` who bears a dispute, where it has (``shifted``, ``merchant``). ``instructions`` are what the customer
    was told to do; his term to pay counts from ``terms_from``, null: from the order, which no hold kept from being asked for.
    """

    __tablename__ = "payment"

    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shop_order.id"), primary_key=True)
    method: Mapped[str]
    gateway: Mapped[str | None]
    token: Mapped[str | None]
    state: Mapped[str]
    currency: Mapped[str]
    amount: Mapped[Sum]
    authorized: Mapped[Sum]
    captured: Mapped[Sum]
    refunded: Mapped[Sum]
    refunded_by_hand: Mapped[Sum]
    reference: Mapped[str | None]
    code: Mapped[str | None]
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    instructions: Mapped[Json | None]
    as_of: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    fee: Mapped[Sum] = mapped_column(server_default="0")
    liability: Mapped[str | None]
    terms_from: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        one_of("state", PaymentState),
        one_of("currency", CURRENCIES),
        CheckConstraint("amount >= 0 AND authorized >= 0", name="amount"),
        CheckConstraint("captured >= 0 AND captured <= authorized", name="captured"),
        CheckConstraint("refunded >= 0 AND refunded <= captured", name="refunded"),
        CheckConstraint("refunded_by_hand >= 0 AND refunded_by_hand <= refunded", name="refunded_by_hand"),
        Index("ix_payment_token", "gateway", "token", postgresql_where="token IS NOT NULL"),
        Index("ix_payment_reference", "gateway", "reference", postgresql_where="reference IS NOT NULL"),
        UPDATED_IN_PLACE,
    )
