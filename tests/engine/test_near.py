"""A worker goes on by itself with what it made due, and lets others know where there is much."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dramatiq.brokers.stub import StubBroker

from workers.broker import WAKE, Bell
from workers.near import FEW, NearBell
from workers.process.child import wait_until

KIND, QUEUE = "mail.send", "mail"


class Process:
    """A worker's process: what it did itself, and what it let others know."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.broker = StubBroker(middleware=[])
        self.bell = NearBell(Bell(self.broker, {KIND: QUEUE}))

    def begin(self, *queues: str) -> None:
        self.bell.begin(self.decide, self.did.append, lambda queue: not queues or queue in queues)

    def decide(self, stage: str) -> None:
        if stage == "broken":
            raise ZeroDivisionError
        self.did.append(stage)

    def told(self) -> dict[str, int]:
        return {name: queue.qsize() for name, queue in self.broker.queues.items() if queue.qsize()}


@pytest.fixture
def process() -> Iterator[Process]:
    process = Process()
    yield process
    process.bell.stop()


def test_little_is_gone_on_with_and_nobody_is_told(process: Process) -> None:
    process.begin()
    process.bell.ring(["accept"], [KIND], about=FEW)
    assert wait_until(lambda: sorted(process.did) == ["accept", KIND], patience=60)
    assert process.told() == {}


def test_of_much_everybody_is_told(process: Process) -> None:
    process.begin()
    process.bell.ring(["accept"], [KIND], about=FEW + 1)
    assert process.told() == {WAKE: 1, QUEUE: 1}
    assert process.did == []


@pytest.mark.parametrize("begun", [False, True], ids=["before it began", "at its end"])
def test_a_process_that_does_nothing_tells_others(process: Process, begun: bool) -> None:
    if begun:
        process.begin()
        process.bell.stop()
    process.bell.ring(["accept"], [KIND], about=1)
    assert process.told() == {WAKE: 1, QUEUE: 1}


@pytest.mark.parametrize(("hears", "told", "did"), [(WAKE, {QUEUE: 1}, ["accept"]), (QUEUE, {WAKE: 1}, [KIND])])
def test_what_it_does_not_listen_to_it_does_not_do(
    process: Process, hears: str, told: dict[str, int], did: list[str]
) -> None:
    """dramatiq runs with ``--queues`` where some workers are to do some things alone."""
    process.begin(hears)
    process.bell.ring(["accept"], [KIND], about=1)
    assert process.told() == told
    assert wait_until(lambda: process.did == did, patience=60)


def test_one_that_fails_stops_nothing(process: Process) -> None:
    process.begin()
    process.bell.ring(["broken"], about=1)
    process.bell.ring(["accept"], about=1)
    assert wait_until(lambda: process.did == ["accept"], patience=60)


def test_a_ring_at_the_moment_of_the_end_is_heard_here_or_there(process: Process) -> None:
    """The process ends between the bell's look at whether it has and its handing on."""

    def ends_meanwhile(queue: str) -> bool:
        process.bell.stop()
        return True

    process.bell.begin(process.decide, process.did.append, ends_meanwhile)
    process.bell.ring(["accept"], about=1)
    assert (process.did, process.told()) == ([], {WAKE: 1})
