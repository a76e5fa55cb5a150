"""Due work: the decide loop's queue, and the leased rows of single-runner jobs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import QUEUE, Base, Moment


class Work(Base):
    """One order is due at one stage at ``due_at``, in the Clock's time; removed when decided.

    ``retry_at`` is set only after a failure and is in the database's own time.
    """

    __tablename__ = "work"

    stage: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    due_at: Mapped[Moment]
    attempts: Mapped[int]
    retry_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    error: Mapped[str | None]

    __table_args__ = (Index(None, "stage", "due_at"), QUEUE)


class Job(Base):
    """A periodic job's lease and the last moment (Clock's time) it has caught up to."""

    __tablename__ = "job"

    name: Mapped[str] = mapped_column(primary_key=True)
    done_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    leased_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    token: Mapped[int] = mapped_column(BigInteger)
