"""The judges catch what is planted for them (``make planted`` plants every fault), and can still be planted for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.planted import Nursery, check, nursery, planted, without_fault
from benchmarks.planted_faults import FAULTS, Fault
from models.invariants import INVARIANTS
from workers.audit import standing
from workers.audit.registry import JUDGES, names

#: Those by which each subject is shown: money, suppliers, mails, storefronts, points, what stands still.
SHORT = ("capture-short-by-one-yen", "event-twice", "hold-never-ends")


@pytest.fixture(scope="module")
def garden() -> Iterator[Nursery]:
    with nursery() as garden:
        yield garden


@pytest.mark.journey
@pytest.mark.timeout(300)
def test_the_tree_as_it_is_raises_nothing(garden: Nursery) -> None:
    told = garden.run(None)
    assert told.is_right, told


@pytest.mark.journey
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", SHORT)
def test_a_planted_fault_is_caught_by_the_judge_named_for_it(garden: Nursery, name: str) -> None:
    told = garden.run(next(one for one in FAULTS if one.name == name))
    assert told.is_right, told


def test_every_fault_can_still_be_planted_and_every_judge_has_one() -> None:
    check(FAULTS)
    assert without_fault(FAULTS) == []
    assert {one.judge for one in FAULTS} <= set(names())
    assert len({one.name for one in FAULTS}) == len(FAULTS) >= 25


def test_a_fault_whose_place_is_gone_is_said_loudly() -> None:
    with pytest.raises(LookupError, match="0 times, not once"):
        planted("x = 1\n", Fault("gone", "orders_kept", "models/order.py", "y = 2", "y = 3"))


def test_the_document_says_of_every_judge_what_it_claims() -> None:
    said = Path("docs/judges.md").read_text("utf-8")
    for judge in (*JUDGES, *standing.JUDGES):
        assert f"| `{judge.name}` | {judge.claims} | {judge.excuses or '-'} |" in said, judge.name
    assert f"{len(INVARIANTS)} invariants" in said
