"""A bench for the conformance of gateways: how to connect, the provider's test tokens, and what its tests ask."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from models.states import PaymentState
from pipelines.gateway import Answer, Gateway, Payer, Snapshot
from pipelines.ports import Verdict
from tests.payments.providers import Fake

Result = TypeVar("Result")

AMOUNT = 13_970
PAYER = Payer("山田 花子", "hanako@example.jp", "052-000-0000")
_orders = itertools.count(1)


@dataclass(frozen=True)
class Signed:
    """A notice as it travels, about the payment ``reference`` that ``order`` made."""

    order: str
    headers: Mapping[str, str]
    body: bytes
    secret: str
    reference: str = ""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A provider's test system. ``passing_faults`` are tokens whose first answer gets lost or fails."""

    gateway: Gateway[Any]
    connect: Callable[[], Any]
    accepted: str = ""
    declined: Mapping[str, str] | None = None
    """token -> the code it is declined with"""
    debit: str = ""
    passing_faults: tuple[str, ...] = ()
    notice: Callable[[], Signed] | None = None
    """A notice that the provider really sent, or made as it makes them."""
    fake: Fake | None = None
    """The fake gateway behind it, where it is served by ``tests.payments.providers``."""
    until: datetime = field(default_factory=lambda: datetime.now(UTC) + timedelta(days=3))
    """Until when slips are to be paid."""
    slip_method: str = "konbini"
    """The payment method for which the suites register slips."""
    slips: Callable[[str], int] = lambda order: 0
    """How many slips the provider has of an order."""
    tells_funding: bool = True
    """Whether it says of what kind a card is (PAY-02)."""
    tells_age: bool = True
    """Whether its notices carry the time of their signature, so that an old one is refused."""
    signs: bool = True
    """Whether its notices are signed; one that is not is only a reason to look."""
    tells_order: bool = True
    """Whether its notices name the order; else they name the payment."""
    forged: Callable[[Signed], Mapping[str, Any]] = lambda notice: {"body": notice.body + b" "}
    """What is changed of a notice so that its proof does not hold any more."""
    is_proven_by_headers: bool = True
    """Whether the proof of a notice is in its headers."""
    finds_by: frozenset[str] = frozenset({"key", "order", "reference"})
    """By what it finds a payment. One that finds none by a key has the call repeated under it, and answers as the first time."""
    to_another_amount: Verdict = Verdict.DECLINED
    """What it makes of a key that it knows, with another amount."""

    mint: Callable[[], str] | None = None
    """Makes a new accepted token, where the provider takes each only once."""

    @property
    def pays_by(self) -> str:
        """The payment method of what is authorized."""
        return "card" if self.gateway.serves("card") else min(self.gateway.methods or ())

    def token(self) -> str:
        """A token that is accepted."""
        return self.mint() if self.mint else self.accepted

    def run(self, scenario: Callable[[Any], Awaitable[Result]]) -> Result:
        """Run ``scenario`` on a fresh connection."""

        async def connected() -> Result:
            adapter = self.connect()
            try:
                return await scenario(adapter)
            finally:
                await adapter.aclose()

        return asyncio.run(connected())


def new_key(operation: str) -> str:
    """An idempotency key as the pipeline makes them, with the characters that need care in a URL."""
    return f"{operation}:salon/S-{uuid.uuid4()}:1"


def new_order() -> str:
    """An order of its own."""
    return f"salon/S-{next(_orders)}-{uuid.uuid4().hex[:6]}"


def stands(answer: Answer) -> Snapshot:
    """The snapshot of an answer that must have one; what is stored of it is the same."""
    assert answer.verdict is Verdict.OK, answer
    assert answer.snapshot is not None
    assert Snapshot.from_json(answer.snapshot.to_json()) == answer.snapshot
    assert answer.snapshot.as_of.tzinfo is not None
    return answer.snapshot


def sums(snapshot: Snapshot) -> tuple[PaymentState, int, int, int]:
    return snapshot.state, snapshot.authorized, snapshot.captured, snapshot.refunded


def apart_from_when(answer: Answer | None) -> Answer | None:
    """An answer as if it had been given at another time: a gateway says the same again later."""
    if answer is None or answer.snapshot is None:
        return answer
    return replace(answer, snapshot=replace(answer.snapshot, as_of=datetime.min.replace(tzinfo=UTC)))


async def authorize(
    adapter: Any, bench: Bench, *, token: str = "", key: str = "", amount: int = AMOUNT, order: str = ""
) -> Answer:
    answer: Answer = await adapter.authorize(
        key=key or new_key("auth"),
        order=order or new_order(),
        amount=amount,
        token=token or bench.token(),
        method=bench.pays_by,
    )
    return answer


async def authorized(adapter: Any, bench: Bench, amount: int = AMOUNT) -> str:
    """The reference of a fresh authorization."""
    return stands(await authorize(adapter, bench, amount=amount)).reference


async def change(adapter: Any, operation: str, reference: str, amount: int | None = None, key: str = "") -> Answer:
    """Capture, void or refund."""
    asked = {} if amount is None else {"amount": amount}
    call = getattr(adapter, operation)
    answer: Answer = await call(key=key or new_key(operation), order="salon/S-1", reference=reference, **asked)
    return answer


async def captured(adapter: Any, bench: Bench) -> str:
    """The reference of an authorization that was captured whole."""
    reference = await authorized(adapter, bench)
    stands(await change(adapter, "capture", reference, AMOUNT))
    return reference
