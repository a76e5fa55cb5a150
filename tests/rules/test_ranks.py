"""RNK-01 to RNK-06: when a customer rises, what counts, and what happens at the start of a period."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.rules.money.pricing import price
from pipelines.rules.ranks import (
    Change,
    Day,
    Next,
    Standing,
    in_force,
    missing_to_next,
    reached,
    reevaluated,
    rises,
    window,
)
from pipelines.shops import Shop
from tests.examples import examples
from tests.rules.build import SHOPS, a_line, an_order, day, shop_with

SALON = SHOPS["salon"]  # REGULAR, SILVER from 100,000, GOLD from 300,000, VIP from 1,000,000; calendar years
ROLLING = shop_with("salon", **{'window = "calendar_year"': 'window = "rolling_365d"'})


def spent(*days: tuple[str, int]) -> list[Day]:
    return [Day(day(on), yen, number) for number, (on, yen) in enumerate(days, start=1)]


@pytest.mark.parametrize(
    ("kind", "on", "first", "last"),
    [
        ("calendar_year", "2026-11-20", "2026-01-01", "2026-12-31"),
        ("calendar_year", "2027-01-01", "2027-01-01", "2027-12-31"),
        ("rolling_365d", "2026-11-20", "2025-11-21", "2026-11-20"),
        ("rolling_365d", "2028-12-31", "2028-01-02", "2028-12-31"),
    ],
)
def test_windows(kind: str, on: str, first: str, last: str) -> None:
    """RNK-02."""
    assert window(kind, day(on)) == (day(first), day(last))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spend", "rank"), [(0, "REGULAR"), (99_999, "REGULAR"), (100_000, "SILVER"), (999_999, "GOLD"), (5_000_000, "VIP")]
)
def test_thresholds(spend: int, rank: str) -> None:
    """RNK-01."""
    assert reached(spend, SALON) == rank


def test_what_is_missing_to_the_next() -> None:
    assert missing_to_next("REGULAR", 60_000, SALON) == Next("SILVER", 40_000)
    assert missing_to_next("SILVER", 20_000, SALON) == Next("GOLD", 280_000)
    assert missing_to_next("VIP", 0, SALON) is None


def test_up_from_the_day_after_the_purchase() -> None:
    """RNK-03."""
    days = spent(("2026-03-01", 60_000), ("2026-03-10", 40_000))
    assert rises(days, [], SALON) == [Change("REGULAR", "SILVER", day("2026-03-11"), "spend", 100_000, 2)]


def test_one_purchase_may_pass_a_rank_and_a_year_may_bring_several() -> None:
    days = spent(("2026-03-01", 300_000), ("2026-05-01", 700_000))
    assert [(c.rank, c.from_on) for c in rises(days, [], SALON)] == [
        ("GOLD", day("2026-03-02")),
        ("VIP", day("2026-05-02")),
    ]


@pytest.mark.parametrize(("shop", "ranks"), [(SALON, []), (ROLLING, ["SILVER"])])
def test_the_turn_of_the_year_parts_calendar_years_only(shop: object, ranks: list[str]) -> None:
    """RNK-02."""
    days = spent(("2026-12-31", 60_000), ("2027-01-01", 60_000))
    assert [c.rank for c in rises(days, [], shop)] == ranks  # type: ignore[arg-type]


def test_what_is_known_does_not_happen_again() -> None:
    days = spent(("2026-03-10", 100_000))
    assert rises(days, [Standing("SILVER", day("2026-03-11"))], SALON) == []
    assert rises(days, [Standing("GOLD", day("2026-01-01"))], SALON) == []


def test_no_down_inside_the_period() -> None:
    """RNK-04, RNK-06: cancelled goods lessen the spend, not the rank."""
    history = [Standing("GOLD", day("2026-03-11"))]
    assert rises(spent(("2026-03-10", 0)), history, SALON) == []
    assert reevaluated(spent(("2026-03-10", 0)), history, SALON, day("2026-12-31")) is None


@pytest.mark.parametrize(
    ("spend", "change"),
    [
        (300_000, Change("GOLD", "GOLD", day("2027-01-01"), "re-evaluated", 300_000)),
        (299_999, Change("GOLD", "SILVER", day("2027-01-01"), "re-evaluated", 299_999)),
        (0, Change("GOLD", "REGULAR", day("2027-01-01"), "re-evaluated", 0)),
    ],
)
def test_the_finished_year_decides_the_next(spend: int, change: Change | None) -> None:
    """RNK-04; also when the job runs days late."""
    history = [Standing("GOLD", day("2026-03-11"))]
    for today in ("2027-01-01", "2027-01-20"):
        assert reevaluated(spent(("2026-03-10", spend)), history, SALON, day(today)) == change


def test_it_is_decided_once() -> None:
    history = [Standing("GOLD", day("2026-03-11")), Standing("SILVER", day("2027-01-01"), renewed=True)]
    for today in ("2027-01-01", "2027-01-02", "2027-12-31"):
        assert reevaluated(spent(("2026-03-10", 0)), history, SALON, day(today)) is None
        late = reevaluated(spent(("2026-12-30", 300_000)), history, SALON, day(today))
        assert late == Change("SILVER", "GOLD", day("2027-01-01"), "re-evaluated", 300_000)


@pytest.mark.parametrize(
    ("today", "spend", "rank"),
    [("2027-01-01", 0, "REGULAR"), ("2027-01-01", 1_000_000, None), ("2027-01-02", 0, None), ("2026-12-31", 0, None)],
)
def test_a_rank_bought_on_the_eve_is_looked_at_on_the_first_day(today: str, spend: int, rank: str | None) -> None:
    """RNK-04, RNK-06: it begins with the period, and yet the period that ended decides."""
    change = reevaluated(spent(("2026-12-31", spend)), [Standing("VIP", day("2027-01-01"))], SALON, day(today))
    assert (change.rank if change else None) == rank


def test_a_rolling_rank_holds_a_year_and_is_granted_anew() -> None:
    history = [Standing("SILVER", day("2026-03-11"))]
    days = spent(("2026-03-10", 100_000), ("2026-09-01", 120_000))
    assert reevaluated(days, history, ROLLING, day("2027-03-10")) is None
    assert reevaluated(days, history, ROLLING, day("2027-03-11")) == Change(
        "SILVER", "SILVER", day("2027-03-11"), "re-evaluated", 120_000
    )


def test_the_rank_in_force() -> None:
    history = [Standing("SILVER", day("2026-03-11")), Standing("GOLD", day("2026-05-02"))]
    assert [in_force(history, day(on), SALON).rank for on in ("2026-03-10", "2026-03-11", "2026-05-02")] == [
        "REGULAR",
        "SILVER",
        "GOLD",
    ]


@pytest.mark.parametrize(
    ("flags", "excludes", "counts"),
    [((), "true", 10_000), (("trial",), "true", 0), (("fixed_points",), "true", 0), (("trial",), "false", 10_000)],
)
def test_lines_outside_the_rank_system_do_not_count(flags: tuple[str, ...], excludes: str, counts: int) -> None:
    """RNK-05: ex tax, after discounts."""
    shop = shop_with("salon", **{"[ranks]": f"[ranks]\nspend_excludes_flagged = {excludes}"})
    order = an_order("salon", a_line(price=10_000, flags=frozenset(flags)))
    assert sum(line.rank_spend for line in price(order, shop).lines) == counts


PURCHASES = st.lists(
    st.tuples(st.integers(0, 1_094), st.sampled_from([1, 40_000, 99_999, 100_000, 300_000, 400_000])), max_size=8
).map(
    lambda drawn: [
        Day(date(2025, 1, 1) + timedelta(days=on), yen, n) for n, (on, yen) in enumerate(sorted(drawn), start=1)
    ]
)


@settings(max_examples=examples(2_000), deadline=None)
@given(PURCHASES, st.sampled_from([SALON, ROLLING]))
def test_a_threshold_reached_is_the_rank_of_the_next_day_and_evaluating_again_changes_nothing(
    days: list[Day], shop: Shop
) -> None:
    """RNK-01, RNK-03: nobody who reached a threshold stands below it, nobody rises without having reached it."""
    levels = {level.name: level.from_spend for level in shop.ranks.levels}
    made = rises(days, [], shop)
    history = [Standing(one.rank, one.from_on) for one in made]
    assert all(one.spend >= levels[one.rank] > levels[one.previous] for one in made)
    for bought_on in {one.on for one in days}:
        first, _ = window(shop.ranks.window, bought_on)
        spend = sum(one.spend for one in days if first <= one.on <= bought_on)
        assert levels[in_force(history, bought_on + timedelta(days=1), shop).rank] >= levels[reached(spend, shop)]
    assert rises(days, history, shop) == []
    assert [one.from_on for one in made] == sorted(one.from_on for one in made)
