"""Customers (会員): what the shop must know of them between orders. Personal data; the ledger knows ids alone."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import DateTime, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from models.base import UPDATED_IN_PLACE, Base, Id, Moment, one_of

#: What later orders of a customer must know of; the first three are counted.
MARKS = ("undelivered_returns", "customer_returns", "customer_cancels", "same_mailbox", "methods_decided")


class Customer(Base):
    """One customer of one shop, kept from orders and from what the storefront tells of the customer itself.

    ``email`` is empty while nobody told it, and ``mailbox`` is what all spellings of it share (INT-01). ``email_told_at`` is
    when the storefront last told another one: from then on no order changes it. ``known_since`` is the first order or
    registration. ``mail_consent`` is None while nobody was asked (CON-02); ``allowed_methods`` are the payment methods that
    the shop leaves this customer, None for all of them (INT-15).
    """

    __tablename__ = "customer"

    shop: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    email: Mapped[str]
    mailbox: Mapped[str] = mapped_column(server_default="")
    email_told_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    name: Mapped[str]
    locale: Mapped[str]
    birth_date: Mapped[date | None]
    registered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    known_since: Mapped[Moment]
    postal_stop: Mapped[bool] = mapped_column(server_default="false")
    mail_consent: Mapped[bool | None]
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    allowed_methods: Mapped[list[str] | None] = mapped_column(ARRAY(TEXT))

    __table_args__ = (
        Index("ix_customer_mailbox", "shop", "mailbox", postgresql_where="mailbox <> '' AND withdrawn_at IS NULL"),
        UPDATED_IN_PLACE,
    )


class CustomerMark(Base):
    """Something that later orders of a customer must know of: parcels that came back, returns and cancels at the customer's
    wish (INT-14, INT-15), a mailbox that another account had (INT-01), methods that an operator decided; once by source."""

    __tablename__ = "customer_mark"

    id: Mapped[Id]
    shop: Mapped[str]
    customer_id: Mapped[str]
    kind: Mapped[str]
    source: Mapped[str]
    at: Mapped[Moment]

    __table_args__ = (
        UniqueConstraint("source", "kind"),
        one_of("kind", MARKS),
        Index(None, "shop", "customer_id", "at"),
    )
