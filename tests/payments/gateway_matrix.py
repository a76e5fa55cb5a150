"""Every fault at every operation of a gateway: whatever fails, what was asked for happens once, and is known in the end.

A gateway's test module subclasses ``matrix_of(GATEWAY)`` beside its conformance, with a ``bench`` whose ``fake`` is served and
whose adapter is impatient (``slow`` must be longer than its time-out). The calls are repeated as the effect loop repeats
them: looked up first, then asked again under the same key.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from pipelines.gateway import Answer, Capability, Gateway, LooksUp
from pipelines.ports import Verdict
from tests.payments.gateway_conformance import AMOUNT, PAYER, Bench, new_key, new_order, stands
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


async def _struck(adapter: Any, bench: Bench, operation: str, point: str, how: str) -> tuple[str, list[Answer]]:
    """The order, and every answer to ``operation`` on a payment of it while its first attempts fail."""
    assert bench.fake is not None
    order, key, first = new_order(), new_key(operation), new_key("begin")
    reference: str | None = None
    if operation == "authorize":

        def call() -> Awaitable[Answer]:
            held: Awaitable[Answer] = adapter.authorize(key=key, order=order, amount=AMOUNT, token=bench.token())
            return held

    elif operation == "register":

        def call() -> Awaitable[Answer]:
            slip: Awaitable[Answer] = adapter.register(
                key=key, order=order, method=bench.slip_method, amount=AMOUNT, payer=PAYER, until=bench.until
            )
            return slip

    else:
        begun = stands(await adapter.authorize(key=first, order=order, amount=AMOUNT, token=bench.token()))
        reference = begun.reference
        if operation == "refund":
            stands(await adapter.capture(key=new_key("take"), order=order, reference=reference, amount=AMOUNT))

        def call() -> Awaitable[Answer]:
            asked: dict[str, Any] = {"void": {}, "capture": {"amount": AMOUNT}, "refund": {"amount": 1_000}}[operation]
            done: Awaitable[Answer] = getattr(adapter, operation)(key=key, order=order, reference=reference, **asked)
            return done

    bench.fake.strike(operation, point, how)
    return order, await persist(adapter, call, order=order, key=key, reference=reference)


class FaultMatrix:
    """One test an operation; its faults are struck one after the other, each on an order of its own."""

    def _strikes(self, bench: Bench, operation: str, kind: Kind | None) -> None:
        for point, how in FAULTS:
            order, answers = bench.run(lambda adapter, p=point, h=how: _struck(adapter, bench, operation, p, h))
            name = f"{operation} {point} {how}: {[(one.verdict, one.code) for one in answers]}"
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

            def test(self: FaultMatrix, bench: Bench, operation: str = operation, kind: Kind | None = kind) -> None:
                self._strikes(bench, operation, kind)

            # pytest takes arguments with defaults for no fixtures.
            tests[f"test_whatever_fails_{operation}_happens_once_and_is_known"] = test
    return type("Matrix", (FaultMatrix,), tests)
