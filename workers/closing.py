"""The closing of a day or a month (日次・月次締め): what was held, taken and given back, by shop, gateway and method, as an
accountant imports it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from models.store.payments import ClosingRow
from pipelines.rules.dates.periods import same_day_months_later
from pipelines.values.calendar import JST

COLUMNS: Final = (
    "date", "shop", "gateway", "method", "orders", "authorized", "captured", "refunded", "fees", "payout",
)  # fmt: skip


def day_of(day: date) -> tuple[datetime, datetime]:
    """When a day begins and ends in Japan."""
    begins = datetime.combine(day, time(), JST)
    return begins, begins + timedelta(days=1)


def month_of(day: date) -> tuple[datetime, datetime]:
    """When the month of a day begins and ends in Japan."""
    first = day.replace(day=1)
    (begins, _), (ends, _) = day_of(first), day_of(same_day_months_later(first, 1))
    return begins, ends


def payouts(rows: Sequence[ClosingRow], period: str) -> list[dict[str, Any]]:
    """A row a shop, gateway and method, in yen; ``period`` is the day or the month that stands as its date; ``payout`` is what remains to the shop in the end: taken, less given back, less fees that
    the gateway has told of. What the shop gave back by hand is among what was given back, and its gateway pays it out all the same."""
    return [
        {
            "date": period,
            "shop": row.shop,
            "gateway": row.gateway,
            "method": row.method,
            "orders": row.orders,
            "authorized": row.authorized,
            "captured": row.captured,
            "refunded": row.refunded,
            "fees": row.fee,
            "payout": row.captured - row.refunded - row.fee,
        }
        for row in rows
    ]


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """RFC 4180 with a heading; no cell can begin a formula, since names are a profile's and the rest numbers."""
    written = io.StringIO()
    writer = csv.DictWriter(written, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()
