"""What orders are found by: one row a term, written when the order comes in and never changed."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Moment

#: Letters of terms that lead to a person (``pipelines.values.search_term``): name, mail address, phone. Erasing takes them away.
PERSONAL = "pmt"


class OrderTerm(Base):
    """A word that leads to an order: a letter for what it is, then the word
    without what spellings differ in.

    The key is in the order in which lists are read, newest first, so that a term that half of all orders have costs no more than a
    rare one. A table of its own: the rows of orders are updated all day and would touch an index of theirs each time.
    """

    __tablename__ = "order_term"

    shop: Mapped[str] = mapped_column(primary_key=True)
    term: Mapped[str] = mapped_column(String(collation="C"), primary_key=True)
    placed_at: Mapped[Moment] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)

    __table_args__ = (
        # Terms lie in the order in which their orders came: those of one that is erased are found by the pages they lie in.
        Index(
            None,
            "order_id",
            postgresql_using="brin",
            postgresql_with={"pages_per_range": 32, "autosummarize": True},
        ),
    )
