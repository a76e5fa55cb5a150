"""Periodic jobs: what each day and month brings to points. Each is caught up to the newest boundary that has passed.

A job is told its period and does its work in steps, each one short transaction that may be repeated: what was written
before a crash is found again by its key and not written twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import NamedTuple, Protocol, TypeVar
from uuid import uuid4

from sqlalchemy import Connection

from models.store import point_jobs, posted_coupons
from models.store.customers import CustomerKey
from models.store.point_jobs import ExpiringRow
from pipelines import ranks
from pipelines.engine import run
from pipelines.engine.ledger import Ledger
from pipelines.orders.mails import member_mail
from pipelines.points import thanks
from pipelines.points.grants import Gift, birthday, give
from pipelines.ports import MailIntent, MailRenderer
from pipelines.rules.dates.periods import end_of, last_day
from pipelines.rules.purse import Cause
from pipelines.shops import Shop
from pipelines.values.calendar import JST, BusinessCalendar

Result = TypeVar("Result")

#: Customers a transaction: some tens of milliseconds of work.
STEP = 1000
#: The last reminder before points expire, whatever the profile's first one is.
LAST_NOTICE_DAYS = 7
NOTICE_AT = time(10)
THE_BEGINNING = datetime(2000, 1, 1, tzinfo=JST)


class Transact(Protocol):
    """Runs one step in a transaction of its own, which commits only while the job is still this runner's."""

    def __call__(self, step: Callable[[Connection], Result]) -> Result: ...


@dataclass(frozen=True, slots=True)
class Period:
    """What a run has to catch up: everything after ``since`` (None: never ran) up to ``until``; ``now`` for grants."""

    since: datetime | None
    until: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Tools:
    """What jobs work with."""

    shops: Mapping[str, Shop]
    renderer: MailRenderer
    transact: Transact


@dataclass(frozen=True, slots=True)
class PeriodicJob:
    """``boundary`` is the newest moment, at ``now``, up to which the job must have been done."""

    name: str
    boundary: Callable[[datetime], datetime]
    work: Callable[[Tools, Period], None]


def midnight(now: datetime) -> datetime:
    """The start of today, Asia/Tokyo."""
    return end_of(now.astimezone(JST).date() - timedelta(days=1))


def morning(now: datetime) -> datetime:
    """Today's time for reminders, or yesterday's while it is still early: nobody wants a mail at midnight."""
    today = datetime.combine(now.astimezone(JST).date(), NOTICE_AT, JST)
    return today if today <= now else today - timedelta(days=1)


def month_start(now: datetime) -> datetime:
    """The start of this month, Asia/Tokyo."""
    return datetime.combine(now.astimezone(JST).date().replace(day=1), time(), JST)


def expire(tools: Tools, period: Period) -> None:
    """Points whose last day is over are lost for good (PTS-05, PTS-11)."""
    while tools.transact(lambda connection: expire_step(connection, period.until, STEP)):
        pass


def expire_step(connection: Connection, until: datetime, customers: int) -> int:
    """Expire what is over at ``until`` of up to so many customers; of how many. Twice expires nothing twice."""
    due = point_jobs.expired(connection, until, customers)
    ledger = Ledger(connection, until, after={order for one in due for order in one.order_ids})
    ledger.lock({CustomerKey(one.shop, one.customer_id) for one in due})
    ledger.read_lots({lot for one in due for lot in one.lot_ids})
    cause = Cause(f"expiry:{uuid4()}", until)
    for one in due:
        ledger.purse(one.shop, one.customer_id).expire(cause)
    ledger.write()
    return len(due)


def give_birthdays(tools: Tools, period: Period) -> None:
    """Points in the birth month for everyone whose birth date is known (PTS-09); months of downtime are made up for."""
    for shop in tools.shops.values():
        if shop.points.birthday_grant:
            for first in _months(period):
                while tools.transact(partial(_birthdays, shop=shop, first=first, period=period)):
                    pass


def _birthdays(connection: Connection, shop: Shop, first: date, period: Period) -> int:
    """What was good on the 1st is extended by them, however late they are given (PTS-11)."""
    due_at = period.now if period.since is None else datetime.combine(first, time(), JST)
    customers = point_jobs.birthdays(connection, shop.key, first.month, first.year, STEP)
    gifts = [replace(birthday(shop, customer, first.year), due_at=due_at) for customer in customers]
    return _give(connection, shop, gifts, period.now)


def _give(connection: Connection, shop: Shop, gifts: Sequence[Gift], now: datetime) -> int:
    """How many of ``gifts`` were looked at; one that somebody gave meanwhile is not given again."""
    ledger = Ledger(connection, now)
    give(ledger, shop, gifts)
    ledger.write()
    return len(gifts)


def _months(period: Period) -> Iterator[date]:
    """First days of the months that began in the period; of a job that never ran, this one's alone."""
    first = period.until.astimezone(JST).date().replace(day=1)
    months = [first]
    while period.since is not None and len(months) < 12:
        first = (first - timedelta(days=1)).replace(day=1)
        if datetime.combine(first, time(), JST) <= period.since:
            break
        months.append(first)
    return reversed(months)


def give_thanks(tools: Tools, period: Period) -> None:
    """The code that follows the first order after some business days, by post or mail (CUT-05)."""
    for shop in tools.shops.values():
        if shop.points.first_order_coupon_points:
            wait, calendar = shop.points.first_order_coupon_business_days, shop.business_calendar
            until = end_of(_ordered_by(period.until, wait, calendar))
            since = end_of(_ordered_by(period.since, wait, calendar)) if period.since else THE_BEGINNING
            window = partial(_thanks, tools=tools, shop=shop, since=since, until=until, now=period.now)
            while tools.transact(window):
                pass
        tools.transact(partial(thanks.mail_instead, renderer=tools.renderer, shop=shop, now=period.now))


def _thanks(connection: Connection, tools: Tools, shop: Shop, since: datetime, until: datetime, now: datetime) -> int:
    customers = posted_coupons.unthanked(connection, shop.key, since, until, STEP)
    thanks.thank(connection, tools.renderer, shop, customers, now)
    return len(customers)


def _ordered_by(moment: datetime, wait: int, calendar: BusinessCalendar) -> date:
    """The last day whose orders have waited ``wait`` business days on the day of ``moment``."""
    today = moment.astimezone(JST).date()
    day = today
    while calendar.add_business_days(day, wait) > today:
        day -= timedelta(days=1)
    return day


class _Window(NamedTuple):
    """Reminders ``days`` before: about points whose expiry is in (since, until]."""

    days: int
    since: datetime
    until: datetime


class _Page(NamedTuple):
    """Where a page of reminders begins: after this customer and expiry."""

    customer: str
    expires_at: datetime


def remind(tools: Tools, period: Period) -> None:
    """Mails about points that expire soon: first so many days before as the profile says, and once more a week before;
    one that was sent is not sent again."""
    for shop in tools.shops.values():
        for window in _windows(shop, period):
            after: _Page | None = _Page("", THE_BEGINNING)
            while after is not None:
                page = partial(_notices, renderer=tools.renderer, shop=shop, window=window, after=after)
                after = tools.transact(partial(page, now=period.now))


def _windows(shop: Shop, period: Period) -> Iterator[_Window]:
    """The reminders that fell due in the period; of a job that never ran, today's alone. Points of both windows, after a
    long downtime, are told of once: in the later one."""
    first = shop.points.expiry_notice_days
    today = period.until.date()
    since = period.since.astimezone(JST).date() if period.since else today - timedelta(days=1)
    later = 0
    for days in sorted({first, min(first, LAST_NOTICE_DAYS)} if first else ()):
        begins = max(since + timedelta(days=days), today + timedelta(days=later - 1))
        yield _Window(days, end_of(begins), end_of(today + timedelta(days=days)))
        later = days + 1


def _notices(
    connection: Connection, renderer: MailRenderer, shop: Shop, window: _Window, after: _Page, now: datetime
) -> _Page | None:
    """Queue a page of reminders; where the next page begins, None after the last."""
    found = point_jobs.expiring(
        connection,
        shop.key,
        window.since,
        window.until,
        after_customer=after.customer,
        after_expiry=after.expires_at,
        limit=STEP,
    )
    due = [run.DueMail(shop.key, _notice(shop, one, window.days, now)) for one in found]
    run.queue_mails(connection, renderer, due, now)
    return next((_Page(last.customer_id, last.expires_at) for last in found[STEP - 1 :]), None)


def _notice(shop: Shop, expiring: ExpiringRow, days: int, now: datetime) -> MailIntent:
    """The mail about points that expire; the same for the same day and reminder."""
    last = last_day(expiring.expires_at)
    left = (last - now.astimezone(JST).date()).days
    points = {"amount": expiring.points, "expires_on": last, "days": left}
    about = f"{expiring.customer_id}:{last.isoformat()}:{days}"
    name, locale = expiring.name, expiring.locale
    return member_mail("points_expiring", shop, expiring.email, name, locale, now, about=about, points=points)


def hour(now: datetime) -> datetime:
    """The start of this hour."""
    return now.replace(minute=0, second=0, microsecond=0)


def raise_ranks(tools: Tools, period: Period) -> None:
    """Customers whose purchases reached the next rank (RNK-03); an hour is looked at twice, since an order may commit
    after the moment that it bears."""
    since = period.since - timedelta(hours=1) if period.since else None
    tools.transact(lambda connection: ranks.evaluate(connection, tools.shops, period.now, since))


def renew_ranks(tools: Tools, period: Period) -> None:
    """Ranks whose period has ended (RNK-04)."""
    tools.transact(lambda connection: ranks.reevaluate(connection, tools.shops, period.now))


JOBS: tuple[PeriodicJob, ...] = (
    PeriodicJob("ranks.renew", midnight, renew_ranks),
    PeriodicJob("ranks.raise", hour, raise_ranks),
    # Before what is over is swept: after downtime they extend what was still good on the 1st.
    PeriodicJob("points.birthday", month_start, give_birthdays),
    PeriodicJob("points.expire", midnight, expire),
    PeriodicJob("points.thanks", midnight, give_thanks),
    PeriodicJob("points.notice", morning, remind),
)
