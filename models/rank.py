"""Member ranks (会員ランク): the history of every customer's rank; the newest entry that has begun is in force."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Moment, Recorded, one_of

RANK_CAUSES = ("spend", "re-evaluated", "order cancelled")


class CustomerRank(Base):
    """A customer has ``rank`` from the day ``from_on`` (the shop's time zone) until the next entry's.

    ``spend`` yen in the window decided it; ``order_id`` is the order that reached the threshold, if one did.
    """

    __tablename__ = "customer_rank"

    id: Mapped[Id]
    shop: Mapped[str]
    customer_id: Mapped[str]
    rank: Mapped[str]
    previous: Mapped[str]
    from_on: Mapped[date]
    cause: Mapped[str]
    spend: Mapped[int]
    order_id: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[Moment]
    recorded_at: Mapped[Recorded]

    __table_args__ = (
        UniqueConstraint("shop", "customer_id", "from_on", "rank"),
        one_of("cause", RANK_CAUSES),
        Index(None, "order_id", postgresql_where="order_id IS NOT NULL"),
    )
