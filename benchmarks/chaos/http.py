"""Injuries between the service and its partners over HTTP: the gateway, one supplier, one storefront's endpoint.

One of many is struck each time, chosen by the run's chance: the others have to go on as if nothing were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from benchmarks.chaos.field import GATEWAY, Field
from benchmarks.chaos.impostor import Impostor, reply
from benchmarks.chaos.injury import Boundary, Count, Inflict, Injury, refuse, wired
from benchmarks.wire import AFTER, ANSWERS, ASKS, BEFORE, HTTP_HEAD_ENDS, Wire
from benchmarks.wire import Injury as Blow
from workers.demo.orders import SHOPS
from workers.demo.world import SUPPLIERS
from workers.enrolment import reach_client

#: What is struck, and who of those that are meant: the warehouse has as much to send as all makers.
PARTNERS: Mapping[str, Sequence[str]] = {
    "gateway": (GATEWAY,),
    "supplier": (*SUPPLIERS, "warehouse", "warehouse"),
    "storefront": SHOPS,
}
#: When they are spoken to: suppliers hear of the day's orders from the morning until the cutoffs.
_HOURS = {"supplier": (9, 15)}
#: Real seconds: longer than an answer is waited for, and for what is over at once.
_BEYOND_AN_ANSWER, _BRIEFLY = 13.0, 3.0
_OTHER_PROTOCOL = b"SSH-2.0-OpenSSH_9.6\r\n"
_BUSY = reply("429 Too Many Requests", "retry-after: 2")


def _one_of(field: Field, partner: str) -> Wire:
    return field.wires[field.chance.choice(PARTNERS[partner])]


def _wired(partner: str, hurt: Callable[[Wire], object]) -> Inflict:
    return wired(lambda field: _one_of(field, partner), hurt)


def _drip(wire: Wire) -> None:
    wire.drip(1.0, ANSWERS)


def _freeze(wire: Wire) -> None:
    wire.freeze(ANSWERS)


def _cut(partner: str, blow: Blow) -> Inflict:
    @contextmanager
    def inflict(field: Field) -> Iterator[Count]:
        wire = _one_of(field, partner)
        strike = wire.strike("chaos", ASKS, HTTP_HEAD_ENDS, blow, every=2, most=5)
        try:
            yield lambda: strike.struck
        finally:
            wire.withdraw(strike)

    return inflict


def _instead(partner: str, answer: bytes) -> Inflict:
    """Somebody else answers in a partner's place."""

    @contextmanager
    def inflict(field: Field) -> Iterator[Count]:
        wire = _one_of(field, partner)
        with Impostor(answer) as impostor:
            wire.divert(impostor.port)
            wire.cut()
            try:
                yield lambda: impostor.answered
            finally:
                wire.heal()
                wire.cut()

    return inflict


def _unencrypted(partner: str) -> Inflict:
    """The URL says https, and nobody speaks TLS there."""

    @contextmanager
    def inflict(field: Field) -> Iterator[Count]:
        name = field.chance.choice(PARTNERS[partner])
        wire, path = field.wires[name], name
        plain = f"http://127.0.0.1:{wire.port}/{path}"
        hello = wire.strike("TLS", ASKS, b"\x16\x03\x01", BEFORE, most=None)
        reach_client(field.trial.engine, name, partner, url=plain.replace("http:", "https:"), mail=None)
        try:
            yield lambda: hello.struck
        finally:
            reach_client(field.trial.engine, name, partner, url=plain, mail=None)
            wire.withdraw(hello)

    return inflict


def _of(partner: str) -> Iterator[Injury]:
    def injury(name: str, does: str, inflict: Inflict, lasts: float = _BRIEFLY, *, is_quick: bool = True) -> Injury:
        return Injury(
            f"{partner} {name}", Boundary.HTTP, does, "it answers as ever", inflict, lasts, is_quick=is_quick,
            patience=25.0, hours=_HOURS.get(partner, (0, 24)),
        )  # fmt: skip

    yield injury("refused", "connections are reset, new ones refused", _wired(partner, refuse))
    yield injury(
        "hanging", "requests arrive, no answer comes", _wired(partner, _freeze), _BEYOND_AN_ANSWER, is_quick=False
    )
    yield injury(
        "dripping", "answers of one byte per second", _wired(partner, _drip), _BEYOND_AN_ANSWER, is_quick=False
    )
    yield injury("slow", "answers 1 s later", _wired(partner, lambda wire: wire.delay(1.0, ANSWERS)), 4.0)
    yield injury("cut before", "the connection is cut before a request has arrived", _cut(partner, BEFORE))
    yield injury("cut after", "a request is executed, and the connection cut before its answer", _cut(partner, AFTER))
    yield injury("failing", "500 to every request", _instead(partner, reply("500 Internal Server Error")))
    yield injury("busy", "429 with Retry-After: 2", _instead(partner, _BUSY))
    yield injury(
        "moved", "302 to somewhere else", _instead(partner, reply("302 Found", "location: http://127.0.0.1:9/"))
    )
    yield injury("of another protocol", "the greeting of an SSH server", _instead(partner, _OTHER_PROTOCOL))


def _gone(partner: str) -> Injury:
    return Injury(
        f"{partner} without TLS", Boundary.HTTP, "its URL says https, and the handshake fails", "its URL is put right",
        _unencrypted(partner), _BRIEFLY, patience=25.0, hours=_HOURS.get(partner, (0, 24)),
    )  # fmt: skip


INJURIES: Sequence[Injury] = (
    *(injury for partner in PARTNERS for injury in _of(partner)),
    _gone("supplier"),
    _gone("storefront"),
)
