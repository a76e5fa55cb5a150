"""A machine whose clock is wrong is told of: it makes things due when nobody else thinks so."""

from __future__ import annotations

import time

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from tests.world import World
from workers.lookout import Lookout
from workers.metrics import CLOCK_AHEAD
from workers.right_time import MOST, look_at_clock

GAUGE = "shukka_clock_ahead_seconds"


@pytest.mark.parametrize(("off", "is_told"), [(0.0, False), (3600.0, True), (-3600.0, True)])
def test_a_clock_that_is_off_is_measured_and_told(world: World, off: float, is_told: bool) -> None:
    with capture_logs() as lines, world.house.engine.connect() as connection:
        ahead = look_at_clock(connection, lambda: time.time() + off)
    assert ahead == pytest.approx(off, abs=MOST)
    assert REGISTRY.get_sample_value(GAUGE) == ahead
    assert [line["event"] for line in lines] == ["clock.wrong"] * is_told


def test_whoever_looks_for_work_looks_at_the_clock(world: World) -> None:
    CLOCK_AHEAD.set(86_400.0)
    Lookout(world.house, lambda stage: None, lambda kind: None).look()
    assert abs(REGISTRY.get_sample_value(GAUGE) or 0.0) < MOST
