"""Due work: the decide loop's queue, and the leased rows of single-runner jobs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import QUEUE, Base, Moment
from models.subject import ORDER


class Work(Base):
    """A subject (``models.subject``) is due at a stage at ``due_at``, in the Clock's time; removed when decided.

    ``order_id`` is the order that the subject is, or is a part of. A row with ``what`` is a wait: for that, from
    ``counterparty``, until ``due_at``; ``consequence`` is what the stage does then. ``retry_at`` is set only after a failure
    and is in the database's own time. Shops take turns.
    """

    __tablename__ = "work"

    subject_id: Mapped[str] = mapped_column(primary_key=True)
    subject_kind: Mapped[str] = mapped_column(primary_key=True)
    stage: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[int | None] = mapped_column(BigInteger)
    due_at: Mapped[Moment]
    what: Mapped[str | None]
    counterparty: Mapped[str | None]
    consequence: Mapped[str | None]
    attempts: Mapped[int]
    retry_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    error: Mapped[str | None]
    shop: Mapped[str] = mapped_column(server_default="")

    __table_args__ = (
        CheckConstraint(
            f"subject_kind <> '{ORDER}' OR (order_id IS NOT NULL AND subject_id = order_id::text)", name="order"
        ),
        CheckConstraint(
            "(what IS NULL) = (counterparty IS NULL) AND (what IS NULL) = (consequence IS NULL)", name="wait"
        ),
        Index("ix_work_fresh", "stage", "shop", "due_at", postgresql_where="retry_at IS NULL"),
        Index("ix_work_failed", "stage", "shop", "retry_at", postgresql_where="retry_at IS NOT NULL"),
        # What orders wait for; work that is merely due comes and goes too fast to be worth it.
        Index("ix_work_wait", "order_id", postgresql_where="what IS NOT NULL"),
        QUEUE,
    )


class Job(Base):
    """A periodic job's lease and the last moment (Clock's time) it has caught up to, and the one up to which it was last to be done:
    ``due_until``. ``error`` is how it failed last, and since ``failing_since`` it has, until it is done."""

    __tablename__ = "job"

    name: Mapped[str] = mapped_column(primary_key=True)
    done_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    leased_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    token: Mapped[int] = mapped_column(BigInteger)
    due_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    failing_since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    error: Mapped[str | None]
