"""Every fault at every operation of a gateway: whatever fails, what was asked for happens once, and is known in the end.

A gateway's test module subclasses ``matrix_of(GATEWAY)`` beside its conformance, with a ``bench`` whose ``fake`` is served and
whose adapter is impatient (``slow`` must be longer than its time-out). The calls are repeated as the effect loop repeats
them: looked up first, then asked again under the same key.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from pipelines.gateway import Answer, Capability, CountsRefunds, Gateway, LooksUp
from pipelines.ports import Verdict
from tests.payments.gateway_bench import AMOUNT, PAYER, Bench, new_key, new_order, stands
from workers.sandbox.gateways.ledger import Kind

#: Where an operation fails, and how. ``slow`` answers are late and whole; the client has hung up.
FAULTS: Final = [
    ("before", "cut"),
    ("before", "500"),
    ("before", "502"),
    ("before", "429"),
    ("before", "empty"),
    ("before", "garbage"),
    ("after", "cut"),
    ("after", "500"),
    ("after", "502"),
    ("after", "empty"),
    ("after", "garbage"),
    ("slow", "cut"),
]
_OPERATIONS: Final[Mapping[Capability, tuple[str, Kind | None]]] = {
    Capability.AUTHORIZES: ("authorize", Kind.HOLD),
    Capability.REGISTERS_SLIPS: ("register", None),
    Capability.CAPTURES: ("capture", Kind.TAKE),
    Capability.VOIDS: ("void", Kind.RELEASE),
    Capability.REFUNDS: ("refund", Kind.GIVE_BACK),
}
#: Attempts after which the effect loop would have put it before a human.
_MOST: Final = 5

#: Until then a key is known by every gateway that has keys: 24 hours, with some to spare (gateways.md 0.3).
_FORGOTTEN: Final = timedelta(hours=26)
_TOLD: Final[Mapping[str, Mapping[str, Any]]] = {"void": {}, "capture": {"amount": AMOUNT}, "refund": {"amount": 1_000}}

Call = Callable[[], Awaitable[Answer]]


async def persist(adapter: Any, call: Call, *, order: str, key: str, reference: str | None) -> list[Answer]:
    """Every answer until it is settled."""
    answers = [await call()]
    while answers[-1].verdict not in (Verdict.OK, Verdict.DECLINED) and len(answers) <= _MOST:
        known = (
            await adapter.lookup(order=order, key=key, reference=reference) if isinstance(adapter, LooksUp) else None
        )
        answers.append(known or await call())
    return answers


@dataclass(frozen=True)
class _Asked:
    """One operation on a payment of its own, as often as ``call`` is called."""

    order: str
    key: str
    reference: str | None
    call: Call


async def _asked(adapter: Any, bench: Bench, operation: str) -> _Asked:
    """``operation``, ready to be asked for."""
    order, key = new_order(), new_key(operation)
    reference: str | None = None
    told: dict[str, Any] = {"amount": AMOUNT, "token": bench.token(), "method": bench.pays_by}
    if operation == "register":
        told = {"method": bench.slip_method, "amount": AMOUNT, "payer": PAYER, "until": bench.until}
    elif operation != "authorize":
        begun = stands(await adapter.authorize(key=new_key("begin"), order=order, **told))
        reference = begun.reference
        if operation == "refund":
            stands(await adapter.capture(key=new_key("take"), order=order, reference=reference, amount=AMOUNT))
        told = {"reference": reference, **_TOLD[operation]}
        if operation == "refund" and isinstance(adapter, CountsRefunds):
            operation, told = "refund_after", {**told, "before": 0}

    def call() -> Awaitable[Answer]:
        done: Awaitable[Answer] = getattr(adapter, operation)(key=key, order=order, **told)
        return done

    return _Asked(order, key, reference, call)


async def _struck(adapter: Any, bench: Bench, operation: str, point: str, how: str) -> tuple[str, list[Answer]]:
    """The order, and every answer to ``operation`` on a payment of it while its first attempt fails."""
    assert bench.fake is not None
    asked = await _asked(adapter, bench, operation)
    bench.fake.strike(operation, point, how)
    answers = await persist(adapter, asked.call, order=asked.order, key=asked.key, reference=asked.reference)
    return asked.order, answers


async def _forgotten(adapter: Any, bench: Bench, operation: str) -> tuple[str, list[Answer]]:
    """The same where we died before an answer that came, and come back when the gateway has forgotten the key."""
    assert bench.fake is not None
    asked = await _asked(adapter, bench, operation)
    assert (await asked.call()).verdict is Verdict.OK
    bench.fake.clock(bench.fake.served.now() + _FORGOTTEN)
    known = await adapter.lookup(order=asked.order, key=asked.key, reference=asked.reference)
    return asked.order, [known or await asked.call()]


class FaultMatrix:
    """Two tests an operation; its faults are struck one after the other, each on an order of its own."""

    def _strikes(self, bench: Bench, operation: str, kind: Kind | None) -> None:
        for point, how in FAULTS:
            order, answers = bench.run(lambda adapter, p=point, h=how: _struck(adapter, bench, operation, p, h))
            self._happened_once(bench, order, kind, answers, f"{operation} {point} {how}")

    def _days_later(self, bench: Bench, operation: str, kind: Kind | None) -> None:
        order, answers = bench.run(lambda adapter: _forgotten(adapter, bench, operation))
        self._happened_once(bench, order, kind, answers, f"{operation}, asked again after its key was forgotten")

    def _happened_once(self, bench: Bench, order: str, kind: Kind | None, answers: list[Answer], what: str) -> None:
        name = f"{what}: {[(one.verdict, one.code) for one in answers]}"
        assert answers[-1].verdict is Verdict.OK, name
        assert bench.fake is not None
        if kind is not None:
            assert len(bench.fake.moves(order, kind)) == 1, f"{name}: {bench.fake.moves(order)}"
        else:
            assert bench.slips(order) == 1, name


def matrix_of(gateway: Gateway[Any]) -> type:
    """The matrix over everything that ``gateway`` can be asked, as one class to subclass."""
    tests: dict[str, Any] = {}
    for capability, (operation, kind) in _OPERATIONS.items():
        if capability in gateway.capabilities:
            # pytest takes arguments with defaults for no fixtures.
            def struck(self: FaultMatrix, bench: Bench, operation: str = operation, kind: Kind | None = kind) -> None:
                self._strikes(bench, operation, kind)

            def forgotten(
                self: FaultMatrix, bench: Bench, operation: str = operation, kind: Kind | None = kind
            ) -> None:
                self._days_later(bench, operation, kind)

            tests[f"test_whatever_fails_{operation}_happens_once_and_is_known"] = struck
            if Capability.LOOKS_UP in gateway.capabilities:
                tests[f"test_{operation}_whose_key_was_forgotten_is_not_done_again"] = forgotten
    return type("Matrix", (FaultMatrix,), tests)
