"""What a supplier (出荷元) owes of a shipment it was told of, until when, and what happens then.

Pure: from the profile, when it was told, and the day on which the goods are to leave. Three things may be owed at once: its
answer, a day for goods that have none, and the goods on their day. Each is asked for again by mail, as often as the profile
says, and then put before a human; goods that did not leave on their day get another one, and the customer hears of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from pipelines.rules.dates.capacity import Load
from pipelines.values.calendar import JST, in_japan

if TYPE_CHECKING:
    from pipelines.shops import Shop

INSTRUCTION: Final = "supplier.instruction"
ANSWER: Final = "supplier.acknowledgement"
DAY: Final = "supplier.date"
GOODS: Final = "supplier.ship"
REMIND: Final = "remind"
OPERATOR: Final = "operator"
#: How long an instruction is tried to be told where no answer is expected, and at least, however late it is.
_TRIED_FOR: Final = timedelta(hours=24)
_TRIED_AT_LEAST: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """At ``at`` (aware) ``what`` is still owed: it is asked for the ``number``-th time, or a human has it."""

    at: datetime
    what: str
    then: str
    number: int


def steps(shop: Shop, supplier: str, *, told_at: datetime, answered: bool, dispatch_on: date | None) -> Sequence[Step]:
    """All that will happen of a shipment of which nothing more is heard, the first first."""
    owed = [*_goods(shop, supplier, dispatch_on)] if dispatch_on is not None else [*_day(shop, supplier, told_at)]
    if not answered:
        owed += _answer(shop, supplier, told_at)
    return sorted(owed)


def told_by(shop: Shop, supplier: str, *, asked_at: datetime, dispatch_on: date | None) -> datetime:
    """Until when an instruction may be on its way before a person hears that it does not arrive: as long as its answer would be waited
    for, but not beyond the hour at which goods that leave on ``dispatch_on`` are asked after."""
    profile = shop.supplier(supplier)
    tried = asked_at + (timedelta(hours=profile.acknowledge_within_hours) or _TRIED_FOR)
    if dispatch_on is None:
        return tried
    asked_after = datetime.combine(dispatch_on, profile.report_by, JST)
    return tried if asked_after <= asked_at else max(min(tried, asked_after), asked_at + _TRIED_AT_LEAST)


def _answer(shop: Shop, supplier: str, told_at: datetime) -> Iterator[Step]:
    """Its answer, where the profile expects one."""
    profile = shop.supplier(supplier)
    if hours := profile.acknowledge_within_hours:
        yield from _again_and_again(ANSWER, told_at, timedelta(hours=hours), profile.reminders)


def _day(shop: Shop, supplier: str, told_at: datetime) -> Iterator[Step]:
    profile = shop.supplier(supplier)
    return _again_and_again(DAY, told_at, timedelta(days=profile.ask_date_days), profile.reminders)


def _again_and_again(what: str, since: datetime, pause: timedelta, reminders: int) -> Iterator[Step]:
    for number in range(1, reminders + 1):
        yield Step(since + number * pause, what, REMIND, number)
    yield Step(since + (reminders + 1) * pause, what, OPERATOR, reminders + 1)


def _goods(shop: Shop, supplier: str, dispatch_on: date) -> Iterator[Step]:
    profile = shop.supplier(supplier)
    yield Step(datetime.combine(dispatch_on, profile.report_by, JST), GOODS, REMIND, 1)
    yield Step(datetime.combine(_next_open(shop, supplier, dispatch_on), profile.late_at, JST), GOODS, OPERATOR, 2)


def next_day(shop: Shop, supplier: str, now: datetime, load: Load) -> date:
    """The day on which goods that did not leave on theirs should leave: the first open one whose cutoff has not passed (CUT-01) and that
    is not full; ``load`` is what leaves already."""
    leaves = shop.dispatch_days(supplier)
    return load.first_free(supplier, leaves, leaves.first_for(in_japan(now)))


def _next_open(shop: Shop, supplier: str, day: date) -> date:
    return shop.dispatch_days(supplier).calendar.next_open(day + timedelta(days=1))
