"""The demo on engines that the environment names: an empty database of its own, or none."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from pipelines.errors import Misconfigured
from tests.conftest import Running
from tests.world import World, document
from workers.clock import TOKYO
from workers.demo.day import plan_for
from workers.demo.trial import opened
from workers.settings import Settings


def test_a_database_that_is_in_use_is_left_alone(
    running: Running, world: World, database_url: str, tmp_path: Path
) -> None:
    """Its orders would be mailed and billed with the demo's."""
    world.take(document("S-1"))
    given = Settings(database_url=database_url, redis_url=running.redis_url, broker_url=None)
    day = datetime(2026, 11, 19, 8, 30, tzinfo=TOKYO)
    with pytest.raises(Misconfigured, match="DATABASE_URL: it holds orders"):  # noqa: SIM117
        with opened(tmp_path, plan_for(1, 1), day, 1.0, lambda line: None, given):
            raise AssertionError("it began")
    assert world.value("SELECT count(*) FROM client") == 0
