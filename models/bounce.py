"""Mails that did not arrive, and the addresses that get no more. No address stands here: a mailbox is known by its digest, and
read, while it is kept, from the mails themselves."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Moment, Recorded, one_of

#: What may be said of a mail; the last is our own word.
BOUNCE_KINDS = ("bounce", "delay", "complaint", "suppressed")
#: Of which mails an address gets no more: of all, or of those that are about no order.
SUPPRESSION_SCOPES = ("all", "advertising")


class MailBounce(Base):
    """One report about one mail, or that it was kept back since its address gets no more.

    ``mailbox`` is the SHA-256 of the address, its domain in small letters; ``diagnostic`` the server's sentence without addresses.
    ``needs_human``: somebody has to look, until ``seen_at``.
    """

    __tablename__ = "mail_bounce"

    id: Mapped[Id]
    mail_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("mail.id"), index=True)
    order_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    shop: Mapped[str]
    mailbox: Mapped[bytes] = mapped_column(LargeBinary)
    kind: Mapped[str]
    reason: Mapped[str]
    status: Mapped[str]
    diagnostic: Mapped[str]
    action: Mapped[str]
    needs_human: Mapped[bool]
    at: Mapped[Moment]
    recorded_at: Mapped[Recorded]
    seen_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    seen_by: Mapped[str | None]

    __table_args__ = (
        one_of("kind", BOUNCE_KINDS),
        Index(None, "shop", "mailbox"),
        Index("ix_mail_bounce_unseen", "id", postgresql_where="needs_human AND seen_at IS NULL"),
    )


class MailSuppression(Base):
    """A mailbox of a shop's that gets no more mail of ``scope``, since ``since`` (the Clock's) and, in the database's own time, until
    ``ends_at`` or its release."""

    __tablename__ = "mail_suppression"

    id: Mapped[Id]
    shop: Mapped[str]
    mailbox: Mapped[bytes] = mapped_column(LargeBinary)
    scope: Mapped[str]
    reason: Mapped[str]
    since: Mapped[Moment]
    recorded_at: Mapped[Recorded]
    ends_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    released_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    released_by: Mapped[str | None]

    __table_args__ = (
        one_of("scope", SUPPRESSION_SCOPES),
        Index("uq_mail_suppression_open", "shop", "mailbox", unique=True, postgresql_where="released_at IS NULL"),
    )
