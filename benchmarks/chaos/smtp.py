"""Injuries between the service and the mail server, and of the mail server itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from benchmarks.chaos.field import SMTP, Field
from benchmarks.chaos.injury import Boundary, Count, Inflict, Injury, Unhealed, refuse, since, wired
from benchmarks.wire import AFTER, ANSWERS, ASKS, BEFORE, Wire, smtp_verb
from benchmarks.wire import Injury as Blow

_HEALED = "the wire is whole again"
#: Verb -> where it stands. Commands with an argument are known by what follows them.
VERBS = {"EHLO": "EHLO", "MAIL": "MAIL", "RCPT": "RCPT", "DATA": "DATA", "the final dot": "."}


def _cut_at(verb: str, blow: Blow, every: int = 3) -> Inflict:
    @contextmanager
    def inflict(field: Field) -> Iterator[Count]:
        wire = field.wires[SMTP]
        strike = wire.strike("chaos", ASKS, smtp_verb(verb), blow, every=every, most=4)
        if verb == "EHLO":
            wire.cut()  # it is said at the beginning alone
        try:
            yield lambda: strike.struck
        finally:
            wire.withdraw(strike)

    return inflict


def _wired(hurt: Callable[[Wire], object]) -> Inflict:
    return wired(lambda field: field.wires[SMTP], hurt)


def _switched(counter: str, **switches: float) -> Inflict:
    """The server itself behaves otherwise, and counts how often it did."""

    @contextmanager
    def inflict(field: Field) -> Iterator[Count]:
        before = field.counters().get(counter, 0)
        field.switch(SMTP, **switches)
        try:
            yield lambda: field.counters().get(counter, 0) - before
        finally:
            field.switch(SMTP, **dict.fromkeys(switches, 0.0))

    return inflict


def _unencrypted(field: Field) -> Iterator[Count]:
    """The worker comes back with an SMTP_URL that asks for STARTTLS, which the server does not offer."""
    wire = field.wires[SMTP]
    with field.told(SMTP_URL=f"smtp+starttls://127.0.0.1:{wire.port}"):
        _restart(field)
        yield since(lambda: wire.connections)
    _restart(field)


def _restart(field: Field) -> None:
    pid = field.pid("worker")
    os.kill(pid, signal.SIGTERM)
    if not field.came_back("worker", pid):
        raise Unhealed("worker did not come back")


def _at_verbs() -> Iterator[Injury]:
    for said, verb in VERBS.items():
        for when, blow in (("before", BEFORE), ("after", AFTER)):
            yield Injury(
                f"mail cut {when} {said}", Boundary.SMTP, f"the connection is cut {when} {said} has arrived", _HEALED,
                _cut_at(verb, blow), 1.0,
            )  # fmt: skip


INJURIES: Sequence[Injury] = (
    *_at_verbs(),
    Injury("mail cut at QUIT", Boundary.SMTP, "a connection that carried its hundred mails takes leave and is cut",
           _HEALED, _cut_at("QUIT", BEFORE, every=1), 1.0, 60.0, is_quick=False),
    Injury("mail server refused", Boundary.SMTP, "connections are reset, new ones refused", "they are taken", _wired(refuse),
           4.0),
    Injury("mail server hanging", Boundary.SMTP, "commands arrive, no answer comes", "they come",
           _wired(lambda wire: wire.freeze(ANSWERS)), 22.0, is_quick=False),
    Injury("mail server slow", Boundary.SMTP, "each answer 500 ms later", "no delay",
           _wired(lambda wire: wire.delay(0.5, ANSWERS)), 4.0),
    Injury("some recipients deferred", Boundary.SMTP, "451 for one recipient in ten, again and again", "they are taken",
           _switched("deferred", defer_rate=0.1), 12.0, is_quick=False),
    Injury("greylisting", Boundary.SMTP, "451 to each recipient for 3 s after it was first seen", "no more",
           _switched("greylisted", greylist=3.0), 6.0),
    Injury("mails refused", Boundary.SMTP, "451 to every recipient", "they are taken", _switched("refused", refuse_rate=1.0),
           3.0),
    Injury("STARTTLS not offered", Boundary.SMTP, "SMTP_URL asks for STARTTLS, the server does not know it",
           "SMTP_URL is put right", contextmanager(_unencrypted), 4.0, 40.0, is_quick=False),
)  # fmt: skip
