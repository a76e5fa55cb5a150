"""Until when (期限): from which day a window of the profile counts, and its last day (B.10, A.16.2, A.16.9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipelines.rules.dates.periods import exclusive, same_day_months_later
from pipelines.rules.dates.transit import arrives_on
from pipelines.rules.explain import Because, says
from pipelines.rules.order import Line
from pipelines.rules.returns.case import Sold, SoldLine
from pipelines.values.calendar import in_japan

if TYPE_CHECKING:
    from pipelines.shops import Shop
    from pipelines.shops.returning import ReturnTerms, ReturnWindow


@dataclass(frozen=True, slots=True)
class Start:
    """The day from which a window counts, itself not counted, and which day that is, as sentences name it."""

    day: date
    clock: str


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last day that still counts, None for no limit, and why: while it is not over, and once it is."""

    until: date | None
    in_time: Because
    too_late: Because


def deadline(sold: Sold, line: Line, where: SoldLine, terms: ReturnTerms, shop: Shop) -> Deadline:
    """Until when a return of ``line`` is to be asked for: the earliest of the terms' windows and of the end of a discontinued
    product."""
    found = [_of_window(sold, where, window, terms, shop) for window in terms.windows]
    if (over := _discontinued(sold, line, terms, shop)) is not None:
        found.append(over)
    if not found:
        never = Because(terms.rule, says("return.no_limit", sold.order.locale))
        return Deadline(None, never, never)
    return min(found, key=lambda one: one.until or date.max)


def goods_by(sold: Sold, where: SoldLine, terms: ReturnTerms, shop: Shop) -> tuple[date, Because] | None:
    """The last day on which the goods may be back, and why; None without a limit (RET-03)."""
    if (window := terms.goods_back) is None:
        return None
    start = _start(sold, where, window, shop)
    until = exclusive(start.day, window.days)
    return until, Because(terms.rule, _said("return.goods_by", sold, start, window, until))


def arrived_on(sold: Sold, where: SoldLine, shop: Shop) -> tuple[date, bool]:
    """The day the customer had the goods, and whether tracking says so; else the planned arrival, or the day of dispatch and those
    of the way, and the profile's days after it (A.16.9)."""
    if where.delivered_on is not None:
        return where.delivered_on, True
    assert where.dispatched_on is not None, "nothing has left"
    planned = where.arrives_on or arrives_on(where.dispatched_on, sold.order.ship_to.region, shop)
    return planned + timedelta(days=shop.delivery.delivered_after_days), False


def _start(sold: Sold, where: SoldLine, window: ReturnWindow, shop: Shop) -> Start:
    if window.since == "purchase":
        return Start(in_japan(sold.purchased_at).date(), "purchase")
    if window.since == "dispatch":
        assert where.dispatched_on is not None, "nothing has left"
        return Start(where.dispatched_on, "dispatch")
    day, told = arrived_on(sold, where, shop)
    return Start(day, "delivered" if told else "assumed")


def _of_window(sold: Sold, where: SoldLine, window: ReturnWindow, terms: ReturnTerms, shop: Shop) -> Deadline:
    start = _start(sold, where, window, shop)
    until = exclusive(start.day, window.days)
    return Deadline(
        until,
        Because(terms.rule, _said("return.in_time", sold, start, window, until)),
        Because(terms.rule, _said("return.too_late", sold, start, window, until)),
    )


def _discontinued(sold: Sold, line: Line, terms: ReturnTerms, shop: Shop) -> Deadline | None:
    """A product that was announced to end comes back for some months more (RET-06)."""
    ends = shop.returns.discontinued
    announced = ends.get(line.sku) or ends.get(line.product or "")
    if terms.discontinued_months is None or announced is None:
        return None
    until = same_day_months_later(announced, terms.discontinued_months)
    said = says("return.discontinued", sold.order.locale, announced=announced, until=until)
    return Deadline(until, Because(terms.rule, said), Because(terms.rule, said))


def _said(key: str, sold: Sold, start: Start, window: ReturnWindow, until: date) -> str:
    locale = sold.order.locale
    clock = says(f"return.clock.{start.clock}", locale)
    return says(key, locale, start=start.day, clock=clock, days=window.days, until=until)
