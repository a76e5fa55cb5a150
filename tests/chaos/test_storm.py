"""What a chaos run strikes and how it is reported: by name, by seed, and never silently not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.chaos import report
from benchmarks.chaos.catalogue import INJURIES, named
from benchmarks.chaos.injury import Boundary, since
from benchmarks.chaos.run import Outcome, Wound, due
from benchmarks.chaos.storm import Blow, Storm
from workers.clock import TOKYO
from workers.demo.verdict import Verdict

GOOD = Verdict(by_state={"delivered": 3}, reasons={}, mails={}, repeated=0, slowest=[], stuck=[], violations=[])
FLUSH, SLOW = named(["FLUSHALL", "Redis slow"])


def outcome(*wounds: Wound, verdict: Verdict | None = GOOD) -> Outcome:
    return Outcome(Storm([FLUSH, SLOW], rounds=1), list(wounds), verdict)


FELT = (Wound("FLUSHALL", 1, 0.5, 4), Wound("Redis slow", 40, 2.5, 7))


def test_every_injury_has_a_name_of_its_own_and_every_boundary_has_injuries() -> None:
    assert len({one.name for one in INJURIES}) == len(INJURIES)
    assert {one.boundary for one in INJURIES} == set(Boundary)


def test_the_same_seed_orders_the_same_injuries_alone_and_mixed() -> None:
    one, same, other = Storm(seed=7), Storm(seed=7), Storm(seed=8)
    assert one.alone() == same.alone() != other.alone()
    assert list(islice(one.mixed(), 50)) == list(islice(same.mixed(), 50)) != list(islice(other.mixed(), 50))
    assert Storm.short(3) == Storm.short(3)


def test_each_injury_is_ordered_alone_as_often_as_there_are_rounds() -> None:
    storm = Storm(rounds=2)
    ordered = [one.name for (one,) in storm.alone()]
    assert sorted(ordered) == sorted([one.name for one in INJURIES] * 2)


@pytest.mark.parametrize("seed", range(5))
def test_what_leaves_a_days_wait_strikes_in_the_first_half_and_in_no_mixture(seed: int) -> None:
    """What a clock that is ahead made due at once is due a day later: it has to be over when the run is."""
    storm = Storm(seed=seed)
    ordered = [one for (one,) in storm.alone()]
    lasting = [place for place, one in enumerate(ordered) if one.leaves > 3600]
    assert len(lasting) == storm.rounds
    assert max(lasting) < len(ordered) / 2
    assert not any(one.leaves > 3600 for blow in islice(storm.mixed(), 200) for one in blow)


def test_suppliers_are_struck_while_they_are_spoken_to() -> None:
    gateway, supplier = named(["gateway busy", "supplier busy"])
    evening = datetime(2026, 11, 16, 21, tzinfo=TOKYO)
    pending: list[Blow] = [(supplier,), (gateway,)]
    assert due(pending, evening) == (gateway,)
    assert due(pending, evening) is None
    assert due(pending, evening.replace(hour=9)) == (supplier,)
    assert pending == []


def test_a_mixture_is_of_several_boundaries() -> None:
    for blow in islice(Storm().mixed(), 200):
        assert 2 <= len({one.boundary for one in blow}) == len(blow) <= 3


@pytest.mark.parametrize("seed", range(20))
def test_the_short_form_strikes_one_quick_injury_of_each_boundary_that_has_one(seed: int) -> None:
    chosen = Storm.short(seed).injuries
    assert [one.boundary for one in chosen] == sorted({one.boundary for one in INJURIES if one.is_quick})
    assert all(one.is_quick for one in chosen)


def test_injuries_are_chosen_by_name_or_boundary_and_strange_names_refused() -> None:
    assert {one.boundary for one in named(["smtp"])} == {Boundary.SMTP}
    with pytest.raises(KeyError, match="earthquake"):
        named(["FLUSHALL", "earthquake"])


def test_a_run_is_good_only_if_all_struck_all_healed_and_the_judges_are_content() -> None:
    assert outcome(*FELT).is_good
    assert not outcome(*FELT, verdict=None).is_good
    assert not outcome(*FELT, verdict=replace(GOOD, violations=["a promise"])).is_good
    assert not outcome(FELT[0], replace(FELT[1], resumed=None)).is_good


@pytest.mark.parametrize(
    "wounds",
    [
        pytest.param(FELT[:1], id="it was never ordered"),
        pytest.param((FELT[0], replace(FELT[1], struck=0)), id="it met nothing"),
        pytest.param((FELT[0], replace(FELT[1], is_mixed=True)), id="it struck in a mixture alone"),
    ],
)
def test_what_never_struck_fails_the_run_by_its_name(wounds: tuple[Wound, ...]) -> None:
    told = outcome(*wounds)
    assert not told.is_good
    assert any("Redis slow struck 0 times of 1" in says for says in report.sentences([told]))


def test_the_table_counts_what_struck_and_knows_the_longest(tmp_path: Path) -> None:
    runs = [outcome(*FELT, Wound("FLUSHALL", 0, 9.0, 1)), outcome(replace(FELT[0], resumed=1.5), FELT[1])]
    flush, slow = report.rows(runs)
    assert (flush.times, flush.strikes, flush.p50, flush.p99, flush.orders) == (2, 2, 0.5, 1.5, 8)
    assert (slow.times, slow.strikes) == (2, 80)
    file = tmp_path / "run.md"
    report.write(runs, file)
    assert "| FLUSHALL | redis | 2 | 2 | 0.5 | 1.5 | 8 |" in file.read_text()


def test_a_count_is_of_what_happened_since() -> None:
    total = [5]
    count = since(lambda: total[0])
    total[0] = 8
    assert count() == 3
