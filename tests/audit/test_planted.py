"""The judges catch what is planted for them (``make planted`` plants every fault), and can still be planted for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks.planted import Caught, check, nursery, planted, without_fault
from benchmarks.planted_faults import FAULTS, Fault
from models.invariants import INVARIANTS
from workers.audit import standing
from workers.audit.registry import JUDGES, names

#: One for each way to judge: by a partner's journal, by what storefronts were told, by what stands still.
SHORT = ("capture-short-by-one-yen", "event-twice", "hold-never-ends")


@pytest.fixture(scope="module")
def told() -> Mapping[str, Caught]:
    """What the judges found, by fault; by "" of the tree as it is."""
    asked = [None, *(one for one in FAULTS if one.name in SHORT)]
    with nursery(2) as garden:
        return {one.fault.name if one.fault else "": one for one in garden.run_all(asked)}


@pytest.mark.journey
@pytest.mark.timeout(900)
def test_the_tree_as_it_is_raises_nothing(told: Mapping[str, Caught]) -> None:
    assert told[""].is_right, told[""]


@pytest.mark.journey
@pytest.mark.parametrize("name", SHORT)
def test_a_planted_fault_is_caught_by_the_judge_named_for_it(told: Mapping[str, Caught], name: str) -> None:
    assert told[name].is_right, told[name]


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
    judges = [(one.name, one.claims, one.excuses) for one in JUDGES]
    for name, claims, excuses in [*judges, *((one.name, one.claims, one.excuses) for one in standing.JUDGES)]:
        assert f"| `{name}` | {claims} | {excuses or '-'} |" in said, name
    assert f"{len(INVARIANTS)} invariants" in said
