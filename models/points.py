"""Loyalty points (ポイント): lots, an append-only double-entry ledger, and balances that are checked against its sum."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import UPDATED_IN_PLACE, Base, Id, Json, Moment, Recorded, Sum, one_of
from models.states import LotState

#: Accounts a transfer may name: the customer's three, and the shop's counter-accounts.
CUSTOMER_ACCOUNTS = ("pending", "valid", "held")
SHOP_ACCOUNTS = ("granted", "used", "expired", "void", "clawed_back")


class PointLot(Base):
    """Points that came together and expire together. ``source`` names what granted them, once.

    ``remaining`` points stand in the account of the lot's state (pending or valid), ``held`` ones in the held account.
    ``owed`` were clawed back after they had been spent (PTS-13): they make the balance negative until the customer's
    next points settle them. ``gone`` is what the customer lost of the lot without spending it: expired, void, or taken
    back on its account, wherever it was taken from. ``limited`` points keep their own expiry; all others roll with each
    acquisition (PTS-11).

    The lot of an order has its ``order_id``; of one line alone (SPL-05), its ``line``; of what the order earned more when
    it was priced again for the n-th time, n as ``repriced``. ``replaces`` is the expired lot whose points these are,
    granted anew (PTS-12).
    """

    __tablename__ = "point_lot"

    id: Mapped[Id]
    shop: Mapped[str]
    customer_id: Mapped[str]
    order_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    source: Mapped[str]
    kind: Mapped[str]
    line: Mapped[str | None]
    repriced: Mapped[int] = mapped_column(server_default="0")
    replaces: Mapped[int | None] = mapped_column(BigInteger)
    limited: Mapped[bool]
    amount: Mapped[int]
    remaining: Mapped[int]
    held: Mapped[int]
    owed: Mapped[int]
    gone: Mapped[int] = mapped_column(server_default="0")
    state: Mapped[str]
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    at: Mapped[Moment]

    __table_args__ = (
        UniqueConstraint("shop", "source"),
        one_of("state", LotState),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("remaining >= 0 AND held >= 0 AND remaining + held <= amount", name="remaining"),
        CheckConstraint("owed >= 0 AND owed <= amount", name="owed"),
        CheckConstraint("gone >= 0 AND repriced >= 0", name="gone"),
        CheckConstraint("(remaining > 0) = (state IN ('pending', 'valid'))", name="standing"),
        CheckConstraint("(remaining = 0 AND held > 0) = (state = 'held')", name="held"),
        Index("ix_point_lot_open", "shop", "customer_id", postgresql_where="remaining > 0 OR held > 0 OR owed > 0"),
        Index("ix_point_lot_expiry", "expires_at", postgresql_where="state = 'valid' AND expires_at IS NOT NULL"),
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
    """A customer's points by account: kept with every transfer, checked against their sum by ``shukka check``. A ``closed`` one
    is a withdrawn customer's: whatever comes is void at once (CON-06)."""

    __tablename__ = "point_balance"

    shop: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(primary_key=True)
    pending: Mapped[Sum]
    valid: Mapped[Sum]
    held: Mapped[Sum]
    closed: Mapped[bool] = mapped_column(server_default="false")

    __table_args__ = (
        CheckConstraint("pending >= 0 AND held >= 0", name="not_negative"),
        UPDATED_IN_PLACE,
    )


class PointHold(Base):
    """Points taken aside while something is looked into, by the key of whoever asked; its parts are in the ledger."""

    __tablename__ = "point_hold"

    shop: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    amount: Mapped[int]
    reason: Mapped[str]
    outcome: Mapped[str | None]
    at: Mapped[Moment]

    __table_args__ = (
        one_of("outcome", ("valid", "void")),
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_point_hold_key", "key"),
    )


class PointRequest(Base):
    """A storefront's grant by its key: what it asked, as a hash, and what it was answered."""

    __tablename__ = "point_request"

    shop: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    answer: Mapped[Json]
    recorded_at: Mapped[Recorded]
