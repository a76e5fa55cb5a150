"""Received events: stored before they are acknowledged, unique by source and event id."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import UPDATED_IN_PLACE, Base, Id, Json, Moment, Recorded, one_of

INBOX_STATES = ("pending", "applied", "ignored", "refused", "quarantined")


class InboxEvent(Base):
    """One event from outside: a supplier's news, a payment notice, a cancel, an operator's word.

    ``order_id`` is null where the event names nothing that its sender may touch: quarantined for the operator.
    """

    __tablename__ = "inbox_event"

    id: Mapped[Id]
    source: Mapped[str]
    event_id: Mapped[str]
    type: Mapped[str]
    order_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    shipment_id: Mapped[str | None]
    body: Mapped[Json]
    at: Mapped[Moment]
    state: Mapped[str]
    reason: Mapped[str | None]
    recorded_at: Mapped[Recorded]

    __table_args__ = (
        UniqueConstraint("source", "event_id"),
        one_of("state", INBOX_STATES),
        Index("ix_inbox_event_pending", "order_id", postgresql_where="state = 'pending'"),
        Index("ix_inbox_event_quarantined", "id", postgresql_where="state = 'quarantined'"),
        UPDATED_IN_PLACE,
    )


class IdempotencyKey(Base):
    """A client's Idempotency-Key and the request it stands for."""

    __tablename__ = "idempotency_key"

    client_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    shop: Mapped[str]
    number: Mapped[str]
    recorded_at: Mapped[Recorded]
