"""Operators (担当者) of the console: their accounts, what they are signed in with, and what each of them did.

Their times are the database's own: a Clock that was set, or runs faster, signs nobody out and locks nobody up for longer.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import UPDATED_IN_PLACE, Base, Id, Json, Moment, Recorded, one_of

#: What became of an act: taken and not decided yet, what its stage made of it (as ``inbox_event``), or why it never got there.
ACT_OUTCOMES: Final = ("asked", "applied", "ignored", "refused", "quarantined", "raced", "lost", "done")


class OperatorAccount(Base):
    """One operator.

    ``roles`` is {shop: role}, ``*`` standing for every shop (``pipelines.operators``). ``password_hash`` is Argon2id, null until a
    password was chosen; ``totp_secret`` base32, shown once and never again, ``totp_step`` the last time step whose code counted, so
    that none counts twice. ``mail`` is where samples of mails may be sent. ``failures`` are wrong tries on end, and nobody signs in before ``locked_until``.
    """

    __tablename__ = "operator_account"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)
    roles: Mapped[Json]
    password_hash: Mapped[str | None]
    totp_secret: Mapped[str | None]
    totp_step: Mapped[int] = mapped_column(BigInteger)
    locale: Mapped[str | None]
    mail: Mapped[str | None]
    failures: Mapped[int]
    locked_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_at: Mapped[Recorded]

    __table_args__ = (one_of("locale", ("ja", "en")), UPDATED_IN_PLACE)


class OperatorLink(Base):
    """A link that signs its account in once, before ``ends_at``; of its token only the SHA-256 is kept."""

    __tablename__ = "operator_link"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("operator_account.id"))
    ends_at: Mapped[Moment]


class OperatorSession(Base):
    """An account that is signed in: until ``ends_at``, and while it was ``seen_at`` not long ago. Of its cookie only the SHA-256 is
    kept."""

    __tablename__ = "operator_session"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("operator_account.id"), index=True)
    seen_at: Mapped[Moment]
    ends_at: Mapped[Moment]

    __table_args__ = (UPDATED_IN_PLACE,)


class OperatorAct(Base):
    """What an operator did, and what came of it; ``at`` is the Clock's time.

    An act on an order names the event that it became (``source``, ``event_id``) and the order's ``version`` that its operator had
    seen: of one version one act is under way at a time.
    """

    __tablename__ = "operator_act"

    id: Mapped[Id]
    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("operator_account.id"))
    operator: Mapped[str]
    act: Mapped[str]
    order_id: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[int | None]
    source: Mapped[str | None]
    event_id: Mapped[str | None]
    outcome: Mapped[str]
    at: Mapped[Moment]
    recorded_at: Mapped[Recorded]

    __table_args__ = (
        one_of("outcome", ACT_OUTCOMES),
        UniqueConstraint("source", "event_id"),
        Index(None, "order_id", postgresql_where="order_id IS NOT NULL"),
        Index("uq_operator_act_under_way", "order_id", "version", unique=True, postgresql_where="outcome = 'asked'"),
        UPDATED_IN_PLACE,
    )


class OrderNote(Base):
    """What an operator noted about an order (メモ), for colleagues alone: it may name people, and is erased with them."""

    __tablename__ = "order_note"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shop_order.id"), index=True)
    author: Mapped[str]
    text: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    at: Mapped[Moment]
    recorded_at: Mapped[Recorded]


class OperatorFilter(Base):
    """A list of orders as an operator wants to see it again: the ``query`` behind the question mark, under a name of the own."""

    __tablename__ = "operator_filter"

    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("operator_account.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    query: Mapped[str]
    recorded_at: Mapped[Recorded]
