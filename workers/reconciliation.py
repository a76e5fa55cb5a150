"""Reconciliation with the gateways' own lists: by command, and every night (PAY-05).

What a gateway lists is compared with the books, a page at a time; what is certain is settled at once and what is not is kept
for the operator as a received event, once for what it says. One gateway that cannot be asked keeps no other waiting.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Engine

from models.database import glance
from models.states import PaymentState
from models.store import payments
from models.store.payments import BookedRow
from pipelines.engine.inbox import notice_event, receive
from pipelines.errors import Unreachable
from pipelines.gateway import STANDS, Adapter, Listed, Lists, Notice, Voids
from pipelines.points.jobs import Period, PeriodicJob, Tools
from pipelines.ports import Clock, Verdict
from pipelines.rules.reconciliation import Booked, Fate, Finding, compare, missing
from pipelines.shops import Shop
from pipelines.values.calendar import JST
from workers.effects.again import ask_again
from workers.wiring import House

log = structlog.get_logger(__name__)

#: The job that does it every night.
NAME: Final = "reconciliation"
#: Payments compared in one look at the books.
PAGE: Final = 200
#: How far back a look goes: longer than any authorization lasts.
SINCE: Final = timedelta(days=92)
#: What an order was begun at the gateway before it came in here, and after.
_MARGIN: Final = timedelta(days=2)
#: What may have been left without an answer.
_ASKED: Final = (
    "payment.authorize",
    "payment.register",
    "payment.capture",
    "payment.void",
    "payment.refund",
    "payment.renew",
    "payment.report",
)
#: What is let go of.
_OVER: Final = (PaymentState.VOIDED, PaymentState.EXPIRED, PaymentState.FAILED)
NIGHTLY: Final = time(3, 30)


@dataclass(frozen=True, slots=True)
class Difference:
    """A payment that the gateway and the books do not agree on; ``settled``: what was done about it, empty where nothing could."""

    gateway: str
    order: str
    reference: str
    says: str
    settled: str = ""
    choices: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """As the command prints it."""
        return {
            "gateway": self.gateway,
            "order": self.order,
            "reference": self.reference,
            "says": self.says,
            **({"settled": self.settled} if self.settled else {"choices": list(self.choices)}),
        }


@dataclass
class Reconciled:
    """What came of one gateway: payments ``listed`` and how many of them agree, wait or are others', and the differences.

    ``retried`` attempts of unknown outcome were put to it again; ``unreachable`` says why there is nothing.
    """

    gateway: str
    listed: int = 0
    agreed: int = 0
    waiting: int = 0
    others: int = 0
    retried: int = 0
    differences: list[Difference] = field(default_factory=list)
    unreachable: str = ""

    def to_json(self) -> dict[str, Any]:
        """As the command prints it."""
        return {
            "gateway": self.gateway,
            "listed": self.listed,
            "agreed": self.agreed,
            "waiting": self.waiting,
            "others": self.others,
            "retried": self.retried,
            "settled": [one.to_json() for one in self.differences if one.settled],
            "left": [one.to_json() for one in self.left],
            "unreachable": self.unreachable or None,
        }

    @property
    def left(self) -> list[Difference]:
        """What only a human can settle."""
        return [one for one in self.differences if not one.settled]


@dataclass(frozen=True)
class Reconciler:
    """Compares and settles; ``shops`` are ours, by key."""

    engine: Engine
    clock: Clock
    shops: Mapping[str, Shop]

    async def reconcile(self, name: str, adapter: Adapter) -> Reconciled:
        """Compare with the list of the gateway ``name``, which must be able to tell it (``Lists``)."""
        assert isinstance(adapter, Lists)
        found, now = Reconciled(name), self.clock.now()
        since, seen = now - SINCE, set[str]()
        try:
            async for page in _pages(adapter.payments(since=since, until=now + _MARGIN)):
                seen |= {one.snapshot.reference for one in page}
                await self._compare(found, adapter, page, now)
        except Unreachable as error:
            found.unreachable = str(error)
            return found
        self._look_for_missing(found, seen, since, now)
        found.retried = ask_again(self.engine, _ASKED, name)
        return found

    async def _compare(self, found: Reconciled, adapter: Adapter, page: Sequence[Listed], now: datetime) -> None:
        found.listed += len(page)
        books = self._books(found.gateway, page)
        for listed in page:
            row = books.get(listed.order) if listed.order else books.get(listed.snapshot.reference)
            shop, _ = listed.order or ("", "")
            known_shop = shop in self.shops
            finding = compare(listed, _booked(row), now, known_shop=known_shop)
            if finding.fate is Fate.AGREES:
                found.agreed += 1
            elif finding.fate is Fate.WAIT:
                found.waiting += 1
            elif finding.fate is Fate.NOT_OURS:
                found.others += 1
            else:
                found.differences.append(await self._settle(found.gateway, adapter, listed, row, finding, now))

    def _books(self, gateway: str, page: Sequence[Listed]) -> Mapping[object, BookedRow]:
        """Payments by order, and by reference where the gateway names no order."""
        orders = sorted({one.order for one in page if one.order})
        references = [one.snapshot.reference for one in page if not one.order]
        with glance(self.engine) as connection:
            by_order = payments.booked(connection, orders)
            by_reference = payments.by_reference(connection, gateway, references) if references else []
        return {
            **{(row.shop, row.number): row for row in by_order},
            **{row.reference: row for row in by_reference},
        }

    async def _settle(
        self, gateway: str, adapter: Adapter, listed: Listed, row: BookedRow | None, finding: Finding, now: datetime
    ) -> Difference:
        order = listed.order or ((row.shop, row.number) if row is not None else None)
        name = "/".join(order) if order else ""
        difference = Difference(gateway, name, listed.snapshot.reference, finding.says, choices=finding.choices)
        if finding.fate is Fate.VOID and isinstance(adapter, Voids):
            key = f"reconcile:{listed.snapshot.reference}:void"
            answer = await adapter.void(key=key, order=name, reference=listed.snapshot.reference)
            is_over = answer.snapshot is None or answer.snapshot.state in _OVER
            if answer.verdict is Verdict.OK and is_over:
                log.info("reconciliation.voided", gateway=gateway, reference=listed.snapshot.reference)
                return replace(difference, settled="released", choices=())
            now_is = f"the gateway has it {answer.snapshot.state}" if answer.snapshot else answer.says
            says = f"{finding.says}; it could not be released: {answer.code or now_is}"
            difference = replace(difference, says=says, choices=("release it in the gateway's dashboard",))
        if finding.fate is Fate.TELL and order is not None:
            self._tell(gateway, listed, order, now)
            return replace(difference, settled="the books were told", choices=())
        self._keep(difference, listed, now)
        return difference

    def _tell(self, gateway: str, listed: Listed, order: tuple[str, str], now: datetime) -> None:
        """The stage hears it as any notice: it follows, or holds the order with both sides."""
        notice = Notice(_identity(listed), STANDS, order, listed.snapshot.reference, listed.snapshot, at=now)
        receive(self.engine, self.clock, [notice_event(notice, gateway=gateway, shops=(), now=now)])

    def _keep(self, difference: Difference, listed: Listed, now: datetime) -> None:
        """It waits for the operator beside all other events that nobody could place."""
        raw = {**difference.to_json(), "type": "payment.unreconciled"}
        fault = f"{difference.says}; {' or '.join(difference.choices)}"
        notice = Notice(_identity(listed), STANDS, fault=fault, raw=raw, at=now)
        receive(self.engine, self.clock, [notice_event(notice, gateway=difference.gateway, shops=(), now=now)])

    def _look_for_missing(self, found: Reconciled, seen: set[str], since: datetime, now: datetime) -> None:
        with glance(self.engine) as connection:
            ours = payments.at_gateway(connection, found.gateway, since + _MARGIN, now - _MARGIN)
        for row in ours:
            if row.reference in seen:
                continue
            with glance(self.engine) as connection:
                (whole,) = payments.booked(connection, [(row.shop, row.number)])
            booked = _booked(whole)
            assert booked is not None
            finding = missing(booked)
            if finding.fate is Fate.HUMAN:
                name = f"{row.shop}/{row.number}"
                found.differences.append(
                    Difference(found.gateway, name, row.reference, finding.says, choices=finding.choices)
                )


def job(house: House) -> PeriodicJob:
    """The nightly reconciliation of every gateway that lists its payments."""

    def work(tools: Tools, period: Period) -> None:
        for found in asyncio.run(reconcile_all(house)):
            tools.transact(lambda connection: None)  # the job stays ours
            log.info(
                "reconciliation.done",
                gateway=found.gateway,
                listed=found.listed,
                settled=len(found.differences) - len(found.left),
                left=len(found.left),
                retried=found.retried,
                unreachable=bool(found.unreachable),
            )

    return PeriodicJob(NAME, _boundary, work)


async def reconcile_all(house: House, only: str | None = None) -> list[Reconciled]:
    """Reconcile with every gateway that lists its payments, or with one; connections are given back."""
    reconciler = Reconciler(house.engine, house.clock, house.shops)
    adapters = {name: one for name, one in house.gateways().items() if only in (None, name)}
    try:
        able = {name: one for name, one in adapters.items() if isinstance(one, Lists)}
        return list(await asyncio.gather(*(reconciler.reconcile(name, one) for name, one in able.items())))
    finally:
        for adapter in adapters.values():
            await adapter.aclose()


def _boundary(now: datetime) -> datetime:
    """The newest night's hour that has come, in Japan."""
    here = now.astimezone(JST)
    tonight = datetime.combine(here.date(), NIGHTLY, JST)
    return tonight if here >= tonight else tonight - timedelta(days=1)


def _booked(row: BookedRow | None) -> Booked | None:
    if row is None:
        return None
    return Booked(
        row.reference,
        PaymentState(row.state),
        row.authorized,
        row.captured,
        row.refunded,
        row.refunded_by_hand,
        row.fee,
        row.open,
    )


def _identity(listed: Listed) -> str:
    """The same while the gateway says the same of a payment."""
    told = listed.snapshot
    said = f"{told.reference}\x00{told.state}\x00{told.authorized}\x00{told.captured}\x00{told.refunded}\x00{told.fee}"
    return f"reconciled:{hashlib.blake2s(said.encode(), digest_size=20).hexdigest()}"


async def _pages(payments_: AsyncIterator[Listed]) -> AsyncIterator[list[Listed]]:
    page: list[Listed] = []
    async for one in payments_:
        page.append(one)
        if len(page) >= PAGE:
            yield page
            page = []
    if page:
        yield page
