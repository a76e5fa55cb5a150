"""Documents of orders (帳票): each is stored once, as it was issued, and is the same bytes ever after."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Moment, Recorded, one_of


class DocumentCounter(Base):
    """The last number that a shop's documents of a kind have: taken with the document it is printed on, so that none is missing."""

    __tablename__ = "document_counter"

    shop: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int]


class StoredDocument(Base):
    """One issued document. ``subject`` is what of the order it is about (a parcel, a change, the pieces of a shipment), empty for
    all of it; of no single order, a customer's month or what is quoted. ``copy`` is 1 for the first and counts re-issues, which
    share its ``sequence``.

    ``content`` is all that is printed, as data: a re-issue changes nothing of it but number, day and mark. ``digest`` is the
    SHA-256 of ``file``. ``transaction_on``, ``amount`` (yen, null where none is shown) and the addressee in ``content`` are what
    it is searched by (電子帳簿保存法). ``public_id`` is its name in URLs, ``key`` names the request that asked for it, once. After ``documents_days`` content and file are let go.
    """

    __tablename__ = "document"

    id: Mapped[Id]
    public_id: Mapped[str] = mapped_column(unique=True)
    key: Mapped[str] = mapped_column(unique=True)
    shop: Mapped[str]
    kind: Mapped[str]
    sequence: Mapped[int]
    copy: Mapped[int]
    number: Mapped[str]
    order_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("shop_order.id"), index=True)
    subject: Mapped[str]
    content: Mapped[Any] = mapped_column(JSON)
    file: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    transaction_on: Mapped[date]
    amount: Mapped[int | None]
    issued_by: Mapped[str]
    issued_at: Mapped[Moment]
    recorded_at: Mapped[Recorded]

    __table_args__ = (
        UniqueConstraint("shop", "kind", "sequence", "copy"),
        UniqueConstraint("order_id", "kind", "subject", "copy"),
        one_of(
            "kind",
            ("receipt", "invoice", "return_invoice", "delivery_note", "pick_list", "statement", "quotation"),
        ),
        CheckConstraint("(order_id IS NULL) = (kind IN ('statement', 'quotation'))", name="of_an_order"),
        CheckConstraint("sequence > 0 AND copy > 0", name="numbered"),
        Index(None, "shop", "issued_at"),
        Index(
            "uq_document_of_no_order",
            "shop",
            "kind",
            "subject",
            "copy",
            unique=True,
            postgresql_where="order_id IS NULL",
        ),
    )
