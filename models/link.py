"""Links that partners were sent, and whether they still count."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from models.base import UPDATED_IN_PLACE, Base


class LinkGeneration(Base):
    """The links of ``purpose`` that ``holder`` is given are of this ``generation``, and those of any before count no longer; 0
    where there is no row."""

    __tablename__ = "link_generation"

    purpose: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str] = mapped_column(primary_key=True)
    generation: Mapped[int]

    __table_args__ = (UPDATED_IN_PLACE,)
