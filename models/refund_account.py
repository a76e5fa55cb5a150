"""Bank accounts that customers named for money that no gateway can give back (返金先口座): personal data, erased with the order."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Moment


class RefundAccount(Base):
    """Where an order's money goes back to, as its customer typed it last; ``kind`` is 普通, 当座 or 貯蓄, ``holder`` in katakana."""

    __tablename__ = "refund_account"

    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shop_order.id"), primary_key=True)
    bank: Mapped[str]
    branch: Mapped[str]
    kind: Mapped[str]
    number: Mapped[str]
    holder: Mapped[str]
    given_at: Mapped[Moment]
