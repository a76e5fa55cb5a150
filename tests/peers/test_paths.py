"""Shukka beside its peers: both paths are carried as they are measured, and all of the job is done."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.peers import engine_path, whole_path
from benchmarks.peers.catalogue import PEERS, Peer
from benchmarks.peers.run import Run

pytestmark = pytest.mark.journey


@pytest.mark.parametrize("ours", [engine_path.ours, whole_path.ours], ids=["engine", "whole"])
def test_shukka_does_all_of_the_job(ours: Callable[[int], Run]) -> None:
    assert ours(8).faults == []


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("theirs", [engine_path.theirs, whole_path.theirs], ids=["engine", "whole"])
def test_a_peer_that_needs_nothing_else_does_too(theirs: Callable[[Peer, int], Run]) -> None:
    assert theirs(PEERS["dramatiq"], 8).faults == []
