"""Files that suppliers sent (出荷実績ファイル): each kept once, with what became of it."""

from __future__ import annotations

from sqlalchemy import ARRAY, BigInteger, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Id, Json, Moment


class SupplierFile(Base):
    """One file of tracking numbers, as it came; ``digest`` is the SHA-256 of it.

    ``content`` names people, and is empty once it is no longer kept: an order of ``order_ids`` was erased, or its time is over.
    ``answer`` is what its sender was told, which names nobody.
    """

    __tablename__ = "supplier_file"

    id: Mapped[Id]
    supplier: Mapped[str]
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    order_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    answer: Mapped[Json]
    at: Mapped[Moment]

    __table_args__ = (
        UniqueConstraint("supplier", "digest"),
        Index("ix_supplier_file_order_ids", "order_ids", postgresql_using="gin"),
        Index("ix_supplier_file_kept", "at", postgresql_where="octet_length(content) > 0"),
    )
