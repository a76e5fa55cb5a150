"""Clients of the interface: storefronts, suppliers, gateways, operators."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import DateTime, Index, LargeBinary
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Recorded, one_of

CLIENT_KINDS = ("storefront", "supplier", "gateway", "operator")


class Client(Base):
    """A partner with a key (only its SHA-256 is kept) and webhook secrets (newest first).

    When both are replaced, the key and the secret before count until ``old_until``, in the Clock's time. ``shops`` empty
    means every shop. ``url`` is where events or instructions go; ``mail`` where instructions go if there is no URL. One
    that is revoked counts for nothing any more, and its name may be given again. How much it may ask is None where it may as much as
    every client of the installation.
    """

    __tablename__ = "client"

    id: Mapped[Id]
    kind: Mapped[str]
    name: Mapped[str]
    shops: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    key_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    old_key_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    old_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    webhook_secrets: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    url: Mapped[str | None]
    mail: Mapped[str | None]
    requests_per_minute: Mapped[int | None]
    orders_per_minute: Mapped[int | None]
    burst_seconds: Mapped[int | None]
    recorded_at: Mapped[Recorded]
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    __table_args__ = (
        Index("uq_client_kind_name", "kind", "name", unique=True, postgresql_where="revoked_at IS NULL"),
        one_of("kind", CLIENT_KINDS),
    )
