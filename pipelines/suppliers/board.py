"""The day's board (出荷盤): one row a shop and supplier, in the order of their cutoffs, with what must, did and cannot leave. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from models.states import ShipmentState
from models.store.today import LeavingRow, LeftRow
from pipelines.shops import Shop
from pipelines.values.calendar import in_japan

_COUNTED = (ShipmentState.PLANNED, ShipmentState.INSTRUCTED, ShipmentState.ACKNOWLEDGED)


@dataclass(slots=True)
class BoardRow:
    """Shipments of one supplier of a shop. ``cutoff`` is the moment of today's, None on a closed day; ``due`` are still to leave today;
    ``figures`` those of them and of late ones by state; ``stuck`` cannot leave, by reason; ``undated`` have no day yet, by reason;
    of what left since Monday ``promised`` had a day, and ``kept`` left by it."""

    shop: str
    supplier: str
    cutoff: datetime | None
    due: int = 0
    late: int = 0
    left: int = 0
    figures: Counter[str] = field(default_factory=Counter)
    stuck: Counter[str] = field(default_factory=Counter)
    undated: Counter[str] = field(default_factory=Counter)
    promised: int = 0
    kept: int = 0

    def is_over(self, now: datetime) -> bool:
        """Whether the last second that is in time has passed (CUT-01)."""
        return self.cutoff is not None and self.cutoff < now.replace(microsecond=0)


def monday(now: datetime) -> datetime:
    """The beginning of the week in Japan."""
    today = midnight(now)
    return today - timedelta(days=today.weekday())


def midnight(now: datetime) -> datetime:
    """The beginning of the day in Japan."""
    return in_japan(now).replace(hour=0, minute=0, second=0, microsecond=0)


def board(
    leaving: Sequence[LeavingRow], left: Sequence[LeftRow], shops: Mapping[str, Shop], now: datetime
) -> list[BoardRow]:
    """The rows of the day, the next cutoff first, then those whose cutoff has passed, then who has none today."""
    today = in_japan(now).date()
    rows: dict[tuple[str, str], BoardRow] = {}

    def row(shop: str, supplier: str) -> BoardRow:
        if (shop, supplier) not in rows:
            rows[shop, supplier] = BoardRow(shop, supplier, _cutoff(shops[shop], supplier, today))
        return rows[shop, supplier]

    for one in leaving:
        _count(row(one.shop, one.supplier), one)
    for gone in left:
        found = row(gone.shop, gone.supplier)
        found.left += gone.number if gone.day == today else 0
        found.promised += gone.promised
        found.kept += gone.kept
    return sorted(
        rows.values(), key=lambda one: (one.cutoff is None, one.is_over(now), one.cutoff or now, one.shop, one.supplier)
    )


def _count(row: BoardRow, one: LeavingRow) -> None:
    if one.day == "undated":
        row.undated[one.reason or ""] += one.number
        return
    row.due += one.number if one.day == "today" else 0
    row.late += one.number if one.day == "late" else 0
    if one.state in _COUNTED:
        row.figures[one.state] += one.number
    if one.reason is not None:
        row.stuck[one.reason] += one.number


def _cutoff(shop: Shop, supplier: str, today: date) -> datetime | None:
    days = shop.dispatch_days(supplier)
    return days.in_time_until(today) if days.calendar.is_open(today) else None
