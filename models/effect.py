"""Intents to touch the world, their outcomes, and the leases under which they are performed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Computed, DateTime, ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import QUEUE, UPDATED_IN_PLACE, Base, Id, Json, Moment, Recorded, one_of

EFFECT_STATES = ("pending", "done", "declined", "needs_review")
MAIL_STATES = ("queued", "sent", "failed", "needs_review", "bounced", "suppressed")


class Effect(Base):
    """One intent, committed before it is performed. ``key`` makes it happen once and is the idempotency key outside.

    ``payload`` carries ids and amounts only; ``wakes`` names the stage that waits for the outcome. One that stands for
    several items is of no order itself: ``batch`` is what they have in common, and items join it until ``closed_at``.
    """

    __tablename__ = "effect"

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    order_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    shipment_id: Mapped[str | None]
    payload: Mapped[Json]
    wakes: Mapped[str | None]
    state: Mapped[str]
    outcome: Mapped[Json | None]
    recorded_at: Mapped[Recorded]
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    batch: Mapped[str | None]
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    given_up: Mapped[bool] = mapped_column(Computed("state = 'needs_review'", persisted=True))

    __table_args__ = (
        one_of("state", EFFECT_STATES),
        # Of a column that changes only then: an index of the state would be touched by every outcome.
        Index("ix_effect_given_up", "id", postgresql_where="given_up"),
        # At most one that items may still join.
        Index("uq_effect_open", "batch", unique=True, postgresql_where="batch IS NOT NULL AND closed_at IS NULL"),
        UPDATED_IN_PLACE,
    )


class EffectItem(Base):
    """One of the things that an effect stands for, such as a shipment in a supplier's file: its own key, once for ever,
    and its own outcome, for which ``wakes`` waits."""

    __tablename__ = "effect_item"

    key: Mapped[str] = mapped_column(primary_key=True)
    effect_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("effect.id"), index=True)
    order_id: Mapped[int] = mapped_column(BigInteger, index=True)
    shipment_id: Mapped[str | None]
    wakes: Mapped[str | None]
    state: Mapped[str]
    outcome: Mapped[Json | None]
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (one_of("state", EFFECT_STATES), UPDATED_IN_PLACE)


class EffectOutput(Base):
    """The bytes that an effect yielded, such as a document, kept with its outcome; ``digest`` is their SHA-256."""

    __tablename__ = "effect_output"

    effect_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("effect.id"), primary_key=True)
    media_type: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    recorded_at: Mapped[Recorded]


class Mail(Base):
    """A mail, rendered to bytes once; its Message-ID is its key. ``subject_id`` of its lease is ``id``.

    One that is about a customer's points, not about an order, has no ``order_id``, and a ``shop`` of its own. It is ``bounced`` where it
    did not arrive, ``suppressed`` where its address gets no more (``models.bounce``).

    ``packed`` is the whole message (``models.mail_packing``), small enough to stay in its row; None once it is no longer kept,
    of a mail that has ended. One that repeats another
    (``copy_of``) has its bytes, and as its key the id under which it is sent again.
    """

    __tablename__ = "mail"

    id: Mapped[Id]
    message_id: Mapped[str] = mapped_column(unique=True)
    order_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    shipment_id: Mapped[str | None]
    shop: Mapped[str | None]
    template: Mapped[str]
    envelope_from: Mapped[str]
    envelope_to: Mapped[str]
    packed: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str]
    code: Mapped[str | None]
    at: Mapped[Moment]
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    copy_of: Mapped[int | None] = mapped_column(BigInteger)
    given_up: Mapped[bool] = mapped_column(Computed("state = 'needs_review' OR state = 'failed'", persisted=True))

    __table_args__ = (
        one_of("state", MAIL_STATES),
        Index("ix_mail_given_up", "id", postgresql_where="given_up"),
        CheckConstraint("state <> 'queued' OR packed IS NOT NULL", name="kept"),
        Index("ix_mail_of_no_order", "at", postgresql_where="order_id IS NULL AND packed IS NOT NULL"),
        UPDATED_IN_PLACE,
    )


class EffectLease(Base):
    """The effect loop's queue: one row until the outcome is recorded, in the database's own time.

    Leasing moves ``due_at`` past the lease and raises ``token``; an outcome is recorded only under the current token
    (fencing), so a paused performer that comes back late changes nothing. ``target`` is what slows down together: a gateway,
    a supplier, a storefront, a mail domain; None until a kind of effect that says it only when it is loaded was given back.
    ``unknowns`` are those of the attempts that may have happened. Shops take turns; what is of several has none ("").
    ``opened_at`` is when it was asked for, or asked for again after it was given up.
    """

    __tablename__ = "effect_lease"

    subject_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[Moment]
    attempts: Mapped[int]
    token: Mapped[int] = mapped_column(BigInteger)
    target: Mapped[str | None]
    unknowns: Mapped[int] = mapped_column(server_default="0")
    shop: Mapped[str] = mapped_column(server_default="")
    opened_at: Mapped[Recorded]

    __table_args__ = (
        Index(None, "kind", "shop", "due_at"),
        Index("ix_effect_lease_lane", "kind", "shop", text("coalesce(target, '')"), "due_at"),
        QUEUE,
    )


class Circuit(Base):
    """A target that is not asked for a while, since it failed again and again: what operators see of the circuit breakers.

    Each worker process has its own breaker and writes here what it found last; ``probe_at`` is when it asks again.
    """

    __tablename__ = "circuit"

    kind: Mapped[str] = mapped_column(primary_key=True)
    target: Mapped[str] = mapped_column(primary_key=True)
    opened_at: Mapped[Recorded]
    probe_at: Mapped[Moment]
    failures: Mapped[int]
    code: Mapped[str]
