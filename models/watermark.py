"""How far every invariant was seen to hold (``shukka check``): the watermark from which an incremental check goes on."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, LargeBinary
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json, Recorded


class Watermark(Base):
    """One row at most: every invariant held in a snapshot that saw all transactions before ``horizon``, and nobody has found
    one broken since in what is older.

    ``horizon`` and ``made_by``, the transaction that wrote the row, are whole transaction ids (``xid8``): in a copy of the database made from a
    dump the row is some other transaction's, and says nothing. ``queries`` is the digest of all invariants as they were asked;
    ``under_way`` the orders that were done and for which something still waited; ``floors`` has of each table that only grows an
    id below which no row is younger than ``horizon``.
    """

    __tablename__ = "watermark"

    id: Mapped[bool] = mapped_column(primary_key=True)
    horizon: Mapped[int] = mapped_column(BigInteger)
    made_by: Mapped[int] = mapped_column(BigInteger)
    queries: Mapped[bytes] = mapped_column(LargeBinary)
    under_way: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    floors: Mapped[Json]
    checked_at: Mapped[Recorded]

    __table_args__ = (CheckConstraint("id", name="one"),)
