"""The outside world of a simulated quarter, in one process: time by hand, and partners that keep what they promise real ones do.

The gateway has the sandbox's own books, suppliers follow the sandbox's plans, and everybody keeps the journal that his process
would keep, so that the same judges (``workers.audit``) hear of a quarter.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from itertools import count
from typing import Any, Final

from sqlalchemy import Engine

from pipelines.engine.inbox import Received, notice_event, receive
from pipelines.gateway import DEPOSIT, STANDS, Answer, Listed, Notice, Payer
from pipelines.ports import Outcome, Verdict
from pipelines.suppliers.news import supplier_event
from workers.audit.journals import Journals, Record
from workers.effects.mail import ReadyMail
from workers.http.poster import Message
from workers.payments import bank
from workers.payments.sandbox import settled, stands
from workers.sandbox.faults import Faults, seeded
from workers.sandbox.payment_ledger import PaymentLedger
from workers.sandbox.shipping_plan import FAULTS, Habits, Sending, plan

#: How a quarter's suppliers fail; that goods arrive takes them a day or two.
SUPPLIER_FAULTS: Final[Mapping[str, float]] = {
    "duplicate_rate": 0.03,
    "reorder_rate": 0.03,
    "late_rate": 0.02,
    "silent_rate": 0.015,
    "refuse_rate": 0.01,
    "delay_rate": 0.02,
    "overdue_rate": 0.02,
    "short_rate": 0.015,
    "contradict_rate": 0.05,
    "unclaimed_rate": 0.12,
    "lost_rate": 0.006,
    "return_rate": 0.01,
}
_DELIVERY_HOURS = (18.0, 50.0)

Deed = Callable[[datetime], object]


class HandClock:
    """A clock that shows what it is told, and never goes back."""

    def __init__(self, at: datetime) -> None:
        self._now = at

    def now(self) -> datetime:
        return self._now

    def set(self, at: datetime) -> None:
        self._now = max(self._now, at)


class Agenda:
    """What the world means to do, each at its time; deeds of one time in the order they were planned."""

    def __init__(self) -> None:
        self._planned: list[tuple[datetime, int, Deed]] = []
        self._order = count()

    def plan(self, at: datetime, deed: Deed) -> None:
        heapq.heappush(self._planned, (at, next(self._order), deed))

    @property
    def next_at(self) -> datetime | None:
        at, _, _ = next(iter(self._planned), (None, 0, None))  # of a heap the first is the least
        return at

    def do(self, until: datetime) -> None:
        """Do what is planned up to ``until``."""
        while (at := self.next_at) is not None and at <= until:
            _, _, deed = heapq.heappop(self._planned)
            deed(at)


@dataclass
class Diary:
    """The journals of everybody outside, as their processes would write them."""

    storefront: list[Record] = field(default_factory=list)
    gateway: list[Record] = field(default_factory=list)
    suppliers: list[Record] = field(default_factory=list)
    bank: list[Record] = field(default_factory=list)
    sink: list[Record] = field(default_factory=list)
    events: list[Record] = field(default_factory=list)

    def journals(self) -> Journals:
        """All of them, closed."""
        storefront = [*self.storefront, {"kind": "finished"}]
        return Journals(storefront, self.gateway, self.suppliers, self.bank, self.sink, self.events)


class Inbox:
    """What partners say, handed in together as webhooks that share a commit."""

    def __init__(self, engine: Engine, clock: HandClock) -> None:
        self._engine = engine
        self._clock = clock
        self._said: list[Received] = []

    def say(self, event: Received) -> None:
        self._said.append(event)

    def hand_in(self) -> int:
        said, self._said = self._said, []
        if said:
            receive(self._engine, self._clock, said)
        return len(said)


_URL = "http://127.0.0.1:9"


class LedgerGateway:
    """The sandbox's books behind the adapter's interface: a key is one request for ever; authorizations end after 30 days.

    What buyers do on its pages is told by notice."""

    def __init__(self, clock: HandClock, inbox: Inbox, diary: Diary) -> None:
        self.ledger = PaymentLedger()
        self._clock = clock
        self._inbox = inbox
        self._diary = diary

    def _do(self, key: str, operation: str, subject: str, request: Mapping[str, Any]) -> Answer:
        known = self.ledger.operations.get(key)
        if known is None:
            known = self.ledger.perform(
                operation, subject, request, key=key, fingerprint=repr((operation, subject, request)),
                now=self._clock.now(),
            )  # fmt: skip
            self._diary.gateway.append(known.record())
        answer = settled(known.status, known.answer, _URL)
        assert answer is not None, f"{key} has no answer of this gateway"
        return answer

    async def authorize(self, *, key: str, order: str, amount: int, token: str, method: str) -> Answer:
        return self._do(key, "authorize", "", {"order": order, "amount": amount, "token": token})

    async def register(
        self, *, key: str, order: str, method: str, amount: int, payer: Payer, until: datetime | None, choice: str = ""
    ) -> Answer:
        asked = {"order": order, "amount": amount, "method": method}
        return self._do(key, "register", "", asked | ({"until": until.isoformat()} if until else {}))

    async def payments(self, *, since: datetime, until: datetime) -> AsyncIterator[Listed]:
        for shown in self.ledger.payments(since, until, self._clock.now()):
            told = stands(shown, _URL)
            assert told is not None
            assert told.snapshot is not None
            shop, _, number = shown["order"].partition("/")
            yield Listed(told.snapshot, (shop, number), datetime.fromisoformat(shown["begun_at"]))

    def visit(self, order: str, *acts: str) -> None:
        """The buyer, or his lender, does the first of ``acts`` that is possible about the order's last payment."""
        now = self._clock.now()
        *_, reference = ["", *(one["id"] for one in self.ledger.payments_of(order, now))]
        possible = self.ledger.acts(reference, now)
        act = next((one for one in acts if one in possible), None)
        if act is not None:
            done = self.ledger.perform(
                "act", reference, {"act": act}, key=f"act:{reference}:{act}", fingerprint=act, now=now
            )
            self._diary.gateway.append(done.record())
            told, (shop, _, number) = settled(done.status, done.answer, _URL), order.partition("/")
            assert told is not None
            notice = Notice(f"notice:{reference}:{act}", STANDS, (shop, number), reference, told.snapshot, at=now)
            self._inbox.say(notice_event(notice, gateway="sandbox", shops=(), now=now))

    async def capture(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        return self._do(key, "capture", reference, {"amount": amount})

    async def void(self, *, key: str, order: str, reference: str) -> Answer:
        return self._do(key, "void", reference, {})

    async def refund(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        return self._do(key, "refund", reference, {"amount": amount})

    async def lookup(self, *, order: str, key: str | None = None, reference: str | None = None) -> Answer | None:
        if key is not None:
            known = self.ledger.operations.get(key)
            return settled(known.status, known.answer, _URL) if known else None
        now = self._clock.now()
        shown = [self.ledger.payment(reference, now)] if reference else [*self.ledger.payments_of(order, now)]
        last = next(reversed(shown), None)
        return stands(last, _URL) if last else None

    async def aclose(self) -> None:
        return None


class Desk:
    """All suppliers: each instruction is played out as the sandbox's suppliers do, calls off by mail are heeded until the goods
    have left, and who was silent may find the instruction when reminded."""

    def __init__(self, clock: HandClock, agenda: Agenda, inbox: Inbox, diary: Diary, seed: int) -> None:
        self._clock = clock
        self._agenda = agenda
        self._inbox = inbox
        self._diary = diary
        self._seed = seed
        self._usual = self._failing(SUPPLIER_FAULTS)
        self._known: set[str] = set()
        self._asked: Counter[str] = Counter()
        self._silent: dict[str, tuple[str, Mapping[str, Any]]] = {}
        self._called_off: set[str] = set()
        self._refused: set[str] = set()
        self._given_to: dict[str, tuple[str, datetime]] = {}
        self._of_order: dict[str, Faults] = {}
        self.on_delivery: Callable[[Mapping[str, Any], datetime], None] = lambda data, at: None

    def _failing(self, rates: Mapping[str, float]) -> Faults:
        faults = Faults(FAULTS, seed=self._seed)
        faults.set(rates)
        return faults

    def fail(self, number: str, **rates: float) -> None:
        """How whoever has goods of the order ``number`` fails at them, in place of the usual: 0 to 1 by kind (``FAULTS``), and
        not at all where nothing is said."""
        self._of_order[number] = self._failing({**dict.fromkeys(SUPPLIER_FAULTS, 0.0), "split_rate": 0.0, **rates})

    async def post(self, message: Message, *, url: str, secrets: Sequence[str]) -> Outcome:
        if message.key not in self._known:
            self._known.add(message.key)
            self._take(message.to, message.key, message.data)
        return Outcome(Verdict.OK)

    async def aclose(self) -> None:
        return None

    def remind(self, shipment: str) -> None:
        """Asked again by mail: half of those who were silent find the instruction now."""
        if shipment in self._silent and seeded(self._seed, shipment, self._clock.now()).random() < 0.5:
            supplier, data = self._silent.pop(shipment)
            self._given_to.pop(shipment, None)  # it comes to him as if for the first time
            self._take(supplier, f"{shipment}:reminded:{self._asked[shipment]}", data, reminded=True)

    def call_off(self, shipment: str) -> None:
        """Told by mail that nothing of it is wanted any more; not what was given to another one at this moment."""
        _, since = self._given_to.get(shipment, ("", None))
        if since != self._clock.now():
            self._called_off.add(shipment)

    def say_returned(self, shipment: str, supplier: str) -> None:
        """A parcel that was sent back is with its supplier again."""
        now, id_ = self._clock.now(), f"{shipment}:shipment.returned:from-store"
        raw = {"type": "shipment.returned", "timestamp": now.isoformat(), "data": {"shipment": shipment}}
        self._inbox.say(supplier_event(raw, supplier=supplier, shops=(), event_id=id_, now=now))
        self._diary.suppliers.append({"kind": "delivered", "id": id_, "type": "shipment.returned"})

    def _take(self, supplier: str, key: str, data: Mapping[str, Any], *, reminded: bool = False) -> None:
        shipment, now = data["shipment"], self._clock.now()
        self._asked[shipment] += 1
        before, _ = self._given_to.get(shipment, ("", now))
        is_under_way = before == supplier and shipment not in self._called_off | self._refused
        is_instead = shipment in self._called_off or before not in ("", supplier)
        self._given_to[shipment] = supplier, now
        self._called_off.discard(shipment)
        habits = Habits(
            delivery_hours=_DELIVERY_HOURS,
            carrier="sagawa" if supplier == "maker-b" else "yamato",
            no_tracking=supplier == "maker-c",
        )
        sendings = [] if is_under_way else plan(
            {**data, "supplier": supplier}, attempt=self._asked[shipment], now=now, seed=self._seed, habits=habits,
            faults=self._of_order.get(data["order"], self._usual),
        )  # fmt: skip
        self._refused.discard(shipment)
        if any(one.event.type == "shipment.refused" for one in sendings):
            self._refused.add(shipment)
        if not sendings and not is_under_way:
            self._silent[shipment] = (supplier, data)
        self._diary.suppliers.append(
            {
                "kind": "instruction", "supplier": supplier, "id": key, "shipment": shipment, "at": now.isoformat(),
                "instead": is_instead, "reminded": reminded,
                **{name: data[name] for name in ("shop", "order", "dispatch_on", "lines")},
                "collect": data.get("collect"), "plan": [one.record() for one in sendings],
            }
        )  # fmt: skip
        for one in sendings:
            self._agenda.plan(one.at, lambda at, one=one: self._say(supplier, one, data))  # type: ignore[misc]

    def _say(self, supplier: str, sending: Sending, data: Mapping[str, Any]) -> None:
        event = sending.event
        given_to, _ = self._given_to[data["shipment"]]
        if data["shipment"] in self._called_off or given_to != supplier:
            return
        raw = {"type": event.type, "timestamp": event.timestamp, "data": dict(event.data)}
        for _ in range(sending.copies):
            self._inbox.say(supplier_event(raw, supplier=supplier, shops=(), event_id=event.id, now=self._clock.now()))
        self._diary.suppliers.append({"kind": "delivered", "id": event.id, "type": event.type})
        if event.type == "shipment.delivered":
            self.on_delivery(data, sending.at)


class Listener:
    """Every storefront's end of the events: hears all that is posted to it."""

    def __init__(self, diary: Diary) -> None:
        self._diary = diary

    async def post(self, message: Message, *, url: str, secrets: Sequence[str]) -> Outcome:
        heard = {"kind": "event", "id": message.key, "type": message.type, "data": message.data, "to": url}
        self._diary.events.append(heard)
        return Outcome(Verdict.OK)

    async def aclose(self) -> None:
        return None


class Postbox:
    """Every mail server: takes everything; suppliers read what is theirs."""

    def __init__(self, diary: Diary, desk: Desk) -> None:
        self._diary = diary
        self._desk = desk

    async def deliver(self, mail: ReadyMail, held: Callable[[], bool]) -> Outcome:
        head = message_from_bytes(mail.raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", policy=policy.default)
        template, shipment = str(head["X-Shukka-Template"]), head["X-Shukka-Shipment"]
        order = str(head["X-Shukka-Order"] or "")
        self._diary.sink.append(
            {
                "kind": "mail", "message_id": str(head["Message-ID"]), "template": template, "order": order,
                "shipment": None if shipment is None else str(shipment), "to": [mail.envelope_to],
            }
        )  # fmt: skip
        if template == "supplier_overdue" and shipment is not None:
            self._desk.remind(str(shipment))
        elif template == "supplier_cancel" and shipment is not None:
            self._desk.call_off(str(shipment))
        return Outcome(Verdict.OK)


class Bank:
    """Transfers, told at once, some under two webhook-ids."""

    def __init__(self, clock: HandClock, inbox: Inbox, diary: Diary, seed: int) -> None:
        self._clock = clock
        self._inbox = inbox
        self._diary = diary
        self._seed = seed
        self._transfers = 0

    def pay(self, shop: str, number: str, amount: int) -> None:
        self._transfers += 1
        reference, at = f"FT{self._transfers:08d}", self._clock.now().isoformat()
        transfer = {"shop": shop, "number": number, "amount": amount}
        self._diary.bank.append({"kind": "transfer", "reference": reference, "transfer": transfer})
        raw = {"type": DEPOSIT, "timestamp": at, "data": {**transfer, "reference": reference, "at": at}}
        again = seeded(self._seed, reference).random() < 0.1
        for id_ in (f"deposit:{reference}", *([f"deposit:{reference}:again"] if again else [])):
            notice = bank.deposit(raw, id_)
            self._inbox.say(notice_event(notice, gateway="bank", shops=(), now=self._clock.now()))
        self._diary.bank.append({"kind": "delivered", "id": f"deposit:{reference}", "type": DEPOSIT})


@dataclass
class Outside:
    """Everybody outside."""

    clock: HandClock
    agenda: Agenda
    diary: Diary
    inbox: Inbox
    gateway: LedgerGateway
    desk: Desk
    postbox: Postbox
    bank: Bank
    listener: Listener

    @classmethod
    def of(cls, engine: Engine, start: datetime, seed: int) -> Outside:
        clock, agenda, diary = HandClock(start), Agenda(), Diary()
        inbox = Inbox(engine, clock)
        desk = Desk(clock, agenda, inbox, diary, seed)
        return cls(
            clock, agenda, diary, inbox, LedgerGateway(clock, inbox, diary), desk, Postbox(diary, desk),
            Bank(clock, inbox, diary, seed), Listener(diary),
        )  # fmt: skip
