"""Loyalty points (ポイント): lots, an append-only double-entry ledger, and balances that are checked against its sum."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import UPDATED_IN_PLACE, Base, Id, Moment, Recorded, one_of
from models.states import LotState

#: Accounts a transfer may name: the customer's three, and the shop's counter-accounts.
CUSTOMER_ACCOUNTS = ("pending", "valid", "held")
SHOP_ACCOUNTS = ("granted", "used", "expired", "void", "clawed_back")


class PointLot(Base):
    """Points that came together and expire together. ``source`` names what granted them, once."""

    __tablename__ = "point_lot"

    id: Mapped[Id]
    shop: Mapped[str]
    customer_id: Mapped[str]
    order_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    source: Mapped[str]
    kind: Mapped[str]
    amount: Mapped[int]
    remaining: Mapped[int]
    state: Mapped[str]
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    at: Mapped[Moment]

    __table_args__ = (
        UniqueConstraint("shop", "source"),
        one_of("state", LotState),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("remaining >= 0 AND remaining <= amount", name="remaining"),
        Index("ix_point_lot_spendable", "shop", "customer_id", postgresql_where="state = 'valid'"),
        UPDATED_IN_PLACE,
    )


class PointTransfer(Base):
    """One move of points between two accounts: balanced by construction, never changed, unique per source and kind."""

    __tablename__ = "point_transfer"

    id: Mapped[Id]
    shop: Mapped[str]
    customer_id: Mapped[str]
    lot_id: Mapped[int] = mapped_column(BigInteger)
    order_id: Mapped[int | None] = mapped_column(BigInteger)
    source: Mapped[str]
    kind: Mapped[str]
    debit: Mapped[str]
    credit: Mapped[str]
    amount: Mapped[int]
    at: Mapped[Moment]
    recorded_at: Mapped[Recorded]

    __table_args__ = (
        UniqueConstraint("source", "kind", "lot_id"),
        one_of("debit", (*CUSTOMER_ACCOUNTS, *SHOP_ACCOUNTS)),
        one_of("credit", (*CUSTOMER_ACCOUNTS, *SHOP_ACCOUNTS)),
        CheckConstraint("amount > 0 AND debit <> credit", name="amount"),
        Index(None, "shop", "customer_id", "id"),
    )


class PointBalance(Base):
    """A customer's points by account: kept with every transfer, checked against their sum by ``shukka check``."""

    __tablename__ = "point_balance"

    shop: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(primary_key=True)
    pending: Mapped[int]
    valid: Mapped[int]
    held: Mapped[int]

    __table_args__ = (
        CheckConstraint("pending >= 0 AND held >= 0", name="not_negative"),
        UPDATED_IN_PLACE,
    )
