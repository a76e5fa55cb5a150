"""What comes in at a trickle rings together: the first bell at once, those that follow soon when its time is up."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from dramatiq.brokers.stub import StubBroker

from workers.broker import WAKE, Bell
from workers.pacing import PacedBell
from workers.process.child import wait_until

A_DAY = 86_400.0
A_MOMENT = 0.05


class Door:
    """A process that takes things in, and the bells that workers hear of it."""

    def __init__(self, apart: float) -> None:
        self.broker = StubBroker(middleware=[])
        self.broker.declare_queue(WAKE)
        self.bell = PacedBell(Bell(self.broker, {}), apart)

    def heard(self) -> int:
        return self.broker.queues[WAKE].qsize()


@pytest.fixture
def door() -> Iterator[Callable[[float], Door]]:
    doors: list[Door] = []

    def opened(apart: float) -> Door:
        doors.append(Door(apart))
        return doors[-1]

    yield opened
    for one in doors:
        one.bell.close()


def test_what_comes_after_a_silence_rings_at_once(door: Callable[[float], Door]) -> None:
    one = door(A_DAY)
    one.bell.ring(["accept"])
    assert wait_until(lambda: one.heard() == 1, patience=60)


def test_what_follows_waits_and_another_stage_does_not(door: Callable[[float], Door]) -> None:
    one = door(A_DAY)
    for _ in range(5):
        one.bell.ring(["accept"])
        assert wait_until(lambda: one.heard() == 1, patience=60)
    one.bell.ring(["notify"])
    assert wait_until(lambda: one.heard() == 2, patience=60)


def test_what_waits_rings_once_when_its_time_is_up(door: Callable[[float], Door]) -> None:
    one = door(A_MOMENT)
    one.bell.ring(["accept"])
    assert wait_until(lambda: one.heard() == 1, patience=60)
    for _ in range(5):
        one.bell.ring(["accept"])
    assert wait_until(lambda: one.heard() >= 2, patience=60)


def test_at_the_end_what_waits_rings_once(door: Callable[[float], Door]) -> None:
    one = door(A_DAY)
    one.bell.ring(["accept"])
    assert wait_until(lambda: one.heard() == 1, patience=60)
    for _ in range(5):
        one.bell.ring(["accept", "notify", "accept"])
    one.bell.close()
    assert one.heard() == 3
