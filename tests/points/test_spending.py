"""PTS-01 to PTS-12."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.rules.points import EarnBase, earned, expires_on, rate_of, used
from tests.rules.build import SHOPS, a_line, day, plain_shop

ONE_PERCENT = Decimal("0.01")


@pytest.mark.parametrize(
    ("amounts", "scope", "points"),
    [
        ([150, 150, 150], "line", 3),
        ([150, 150, 150], "rate_group", 4),
        ([150, 150, 150], "order", 4),
        ([1_800], "rate_group", 18),
        ([99], "rate_group", 0),
        ([199], "rate_group", 1),
        ([12_345], "rate_group", 123),
    ],
)
def test_earned_points_are_floored_once_a_scope(amounts: list[int], scope: str, points: int) -> None:
    """PTS-03."""
    assert sum(earned([EarnBase(amount, ONE_PERCENT) for amount in amounts], scope)) == points


def test_rates_are_summed_apart_unless_the_scope_is_the_order() -> None:
    bases = [EarnBase(150, ONE_PERCENT), EarnBase(75, Decimal("0.02"))]
    assert earned(bases, "rate_group") == (1, 1)
    assert sum(earned(bases, "order")) == 3


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(["0", "0.01", "0.025"])), max_size=12),
    st.sampled_from(["line", "rate_group", "order"]),
)
def test_no_scope_earns_more_than_the_exact_sum_or_loses_a_point_a_group(
    lines: list[tuple[int, str]], scope: str
) -> None:
    points = earned([EarnBase(amount, Decimal(rate)) for amount, rate in lines], scope)
    exact = sum((amount * Decimal(rate) for amount, rate in lines), Decimal(0))
    groups = {"line": len(lines), "rate_group": 3, "order": 1}[scope]
    assert sum(points) <= exact <= sum(points) + groups
    assert all(point == 0 for point, (_, rate) in zip(points, lines, strict=True) if rate == "0")


@pytest.mark.parametrize(
    ("shop", "flags", "own", "rank", "rate"),
    [
        ("apparel", {"sale"}, None, None, "0.01"),  # sale items earn too
        ("salon", set(), None, None, "0.01"),  # no rank: the lowest
        ("salon", set(), None, "VIP", "0.05"),
        ("salon", {"fixed_points"}, None, "VIP", "0.01"),
        ("salon", {"trial"}, None, "VIP", "0"),
        ("salon", {"container"}, None, "GOLD", "0"),
        ("salon", {"tool"}, None, None, "0"),
        ("salon", {"sale", "fixed_points"}, None, None, "0"),
        ("salon", {"sale"}, "0.1", None, "0.1"),  # the rate frozen on the line (PTS-04)
        ("reuse", set(), None, None, "0"),
        ("clinic", set(), None, "VIP", "0"),  # a rank means nothing where there are none
    ],
)
def test_which_rate_holds(shop: str, flags: set[str], own: str | None, rank: str | None, rate: str) -> None:
    """PTS-01, PTS-04, RNK-05."""
    line = a_line(flags=frozenset(flags), points_rate=Decimal(own) if own else None)
    assert rate_of(line, SHOPS[shop], rank) == Decimal(rate)


@pytest.mark.parametrize(
    ("requested", "balance", "cap", "total", "answer"),
    [
        ("all", 6_000, 5_000, 5_500, 5_000),  # B.8
        (400, 6_000, 5_000, 5_500, 400),
        (6_000, 6_000, 5_000, 9_000, 5_000),  # the cap holds for a chosen number too
        ("all", 300, None, 5_500, 300),
        ("all", 9_999, None, 5_500, 5_500),
        ("all", -20, None, 5_500, 0),  # a negative balance blocks use (PTS-13)
        (0, 6_000, None, 5_500, 0),
    ],
)
def test_points_used(requested: int, balance: int, cap: int | None, total: int, answer: int) -> None:
    """PTS-06, PTS-07."""
    assert used(requested, balance, cap, total) == answer


@pytest.mark.parametrize(("acquired", "last_day"), [("2026-11-22", "2027-11-22"), ("2028-02-29", "2029-02-28")])
def test_points_last_a_year_through_the_same_day(acquired: str, last_day: str) -> None:
    """PTS-11."""
    assert expires_on(day(acquired), SHOPS["apparel"]) == day(last_day)
    assert expires_on(day(acquired), plain_shop()) is None
