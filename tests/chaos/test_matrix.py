"""The short form of the chaos run, whole: real engines, real processes, a wire between the service and everything else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.chaos import report
from benchmarks.chaos.run import run
from benchmarks.chaos.storm import Storm
from workers.demo.trial import remove, scratch

SEED = 1


@pytest.fixture
def root() -> Iterator[Path]:
    """A directory that the engines can reach."""
    root = scratch("test")
    yield root
    remove(root)


@pytest.mark.long
@pytest.mark.journey
@pytest.mark.timeout(400)
def test_one_injury_of_each_boundary_strikes_heals_and_leaves_nothing_lost_or_doubled(root: Path) -> None:
    """Every order is in the end where it belongs or waits for somebody until a date, and the judges are content."""
    said: list[str] = []
    outcome = run(root, Storm.short(SEED), said.append, threading.Event())
    assert outcome.verdict is not None
    assert sum(outcome.verdict.by_state.values()) > 20
    assert outcome.is_good, [*said, *report.sentences([outcome])]
