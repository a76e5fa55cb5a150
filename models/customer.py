"""Customers (会員): what the shop must know of them between orders. Personal data; the ledger knows ids alone."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Mapped, mapped_column

from models.base import UPDATED_IN_PLACE, Base, Moment


class Customer(Base):
    """One customer of one shop, kept from orders and from what the storefront tells with a grant.

    ``email`` is empty while nobody told it; ``known_since`` is the first order or registration.
    """

    __tablename__ = "customer"

    shop: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    email: Mapped[str]
    name: Mapped[str]
    locale: Mapped[str]
    birth_date: Mapped[date | None]
    registered_at: Mapped[Moment | None]
    known_since: Mapped[Moment]

    __table_args__ = (UPDATED_IN_PLACE,)
