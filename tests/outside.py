"""The outside world, in memory and by hand, with the semantics that count: idempotency keys, durable once answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

from models.states import PaymentState
from pipelines.gateway import Answer, CodeClass, Snapshot
from pipelines.ports import Outcome, Verdict
from workers.http.poster import Message

EXPIRES = datetime(2027, 1, 31, tzinfo=ZoneInfo("Asia/Tokyo"))
DECLINED = Answer(Verdict.DECLINED, code="E11", says="not allowed")


class SetClock:
    """A clock that shows what it is told."""

    def __init__(self, at: datetime) -> None:
        self._now = at

    def now(self) -> datetime:
        return self._now

    def set(self, at: datetime) -> None:
        self._now = at

    def advance(self, **span: float) -> None:
        self._now += timedelta(**span)


@dataclass
class Card:
    """What the gateway knows of one authorization, in yen."""

    amount: int
    funding: str
    captured: int = 0
    refunded: int = 0
    voided: bool = False
    method: str = "card"

    def answer(self, reference: str, at: datetime) -> Answer:
        """How it stands at ``at``."""
        state = PaymentState.VOIDED if self.voided else PaymentState.AUTHORIZED
        if self.captured:
            state = PaymentState.CAPTURED
        if self.refunded:
            state = PaymentState.PARTLY_REFUNDED if self.refunded < self.captured else PaymentState.REFUNDED
        stands = Snapshot(
            reference, state, self.amount, self.captured, self.refunded, at, EXPIRES, funding=self.funding
        )
        return Answer(Verdict.OK, stands)


@dataclass
class Gateway:
    """A card gateway: a key stands for one request for ever. ``faults`` are what its next answers become.

    ``lost``: it acts, and the answer never arrives.  ``down``: it does not act.
    """

    clock: SetClock
    cards: dict[str, Card] = field(default_factory=dict)
    orders: dict[str, str] = field(default_factory=dict)
    done: dict[str, tuple[tuple[Any, ...], Answer]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def _once(self, key: str, request: tuple[Any, ...], act: Callable[[], Answer]) -> Answer:
        self.calls[key] += 1
        fault = self.faults.pop(0) if self.faults else None
        if fault == "down":
            return Answer(Verdict.RETRY, code="http_503")
        if key not in self.done:
            self.done[key] = (request, act())
        known, answer = self.done[key]
        if known != request:
            return DECLINED
        return Answer(Verdict.UNKNOWN, code="timeout") if fault == "lost" else answer

    def _stands(self, reference: str) -> Answer:
        return self.cards[reference].answer(reference, self.clock.now())

    async def authorize(self, *, key: str, order: str, amount: int, token: str, method: str) -> Answer:
        def act() -> Answer:
            if token == "tok_declined":
                return Answer(Verdict.DECLINED, code="G12", code_class=CodeClass.ISSUER_DECLINE)
            if amount < 50:
                return DECLINED
            reference = f"auth_{len(self.cards) + 1}"
            self.cards[reference] = Card(amount, "debit" if token == "tok_debit" else "credit", method=method)
            self.orders[order] = reference
            return self._stands(reference)

        return self._once(key, ("authorize", order, amount, token), act)

    async def capture(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        def act() -> Answer:
            card = self.cards.get(reference)
            if card is None or card.voided or card.captured or amount > card.amount or card.method == "deferred":
                return DECLINED
            card.captured = amount
            return self._stands(reference)

        return self._once(key, ("capture", reference, amount), act)

    async def report(
        self, *, key: str, order: str, reference: str, carrier: str | None, tracking_number: str, shipped_at: datetime
    ) -> Answer:
        def act() -> Answer:
            card = self.cards.get(reference)
            if card is None or card.voided or card.method != "deferred":
                return DECLINED
            card.captured = card.amount
            return self._stands(reference)

        return self._once(key, ("report", reference, carrier, tracking_number, shipped_at), act)

    async def void(self, *, key: str, order: str, reference: str) -> Answer:
        def act() -> Answer:
            card = self.cards.get(reference)
            if card is None or card.captured:
                return DECLINED
            card.voided = True
            return self._stands(reference)

        return self._once(key, ("void", reference), act)

    async def refund(self, *, key: str, order: str, reference: str, amount: int) -> Answer:
        def act() -> Answer:
            card = self.cards.get(reference)
            if card is None or amount > card.captured - card.refunded:
                return DECLINED
            card.refunded += amount
            return self._stands(reference)

        return self._once(key, ("refund", reference, amount), act)

    async def lookup(self, *, order: str, key: str | None = None, reference: str | None = None) -> Answer | None:
        if key is not None:
            return self.done[key][1] if key in self.done else None
        found = reference or self.orders.get(order)
        return self._stands(found) if found in self.cards else None

    async def aclose(self) -> None:
        return None


@dataclass
class Partners:
    """Suppliers or storefronts that take webhooks: a webhook-id known already is taken again and changes nothing."""

    messages: dict[str, Message] = field(default_factory=dict)
    deliveries: Counter[str] = field(default_factory=Counter)
    answers: list[Verdict] = field(default_factory=list)
    """What the next deliveries are answered; taken when used up."""
    code: str = "http_500"
    """The code of what is not taken."""
    signed_by: list[Sequence[str]] = field(default_factory=list)
    """The secrets of each delivery."""

    async def post(self, message: Message, *, url: str, secrets: Sequence[str]) -> Outcome:
        self.deliveries[message.key] += 1
        self.signed_by.append(secrets)
        verdict = self.answers.pop(0) if self.answers else Verdict.OK
        if verdict == Verdict.OK:
            self.messages.setdefault(message.key, message)
        return Outcome(verdict, code=None if verdict == Verdict.OK else self.code)

    async def aclose(self) -> None:
        return None


@dataclass
class Postbox:
    """An SMTP server that takes everything; what arrived, in order."""

    taken: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    answers: list[Verdict] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    """What it says of recipients that it refuses, by address, the SMTP code first."""

    async def deliver(self, mail: Any, held: Callable[[], bool] = lambda: True) -> Outcome:
        if said := self.refused.get(mail.envelope_to):
            return Outcome(Verdict.DECLINED, code=said[:3], data={"recipient": said})
        verdict = self.answers.pop(0) if self.answers else Verdict.OK
        if verdict == Verdict.OK:
            self.taken.append(mail.raw)
            self.recipients.append(mail.envelope_to)
        return Outcome(verdict, code=None if verdict == Verdict.OK else "450")

    @property
    def mails(self) -> list[EmailMessage]:
        """What arrived, read as a mail program reads it."""
        return [message_from_bytes(raw, policy=policy.default) for raw in self.taken]

    def templates(self, order: str | None = None) -> list[str]:
        """Templates of the mails about ``order`` (``shop/number``), sorted."""
        return sorted(m["X-Shukka-Template"] for m in self.mails if order is None or m["X-Shukka-Order"] == order)
