"""TAX-09: proportional splitting by the largest remainder."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.rules.money.allocation import largest_remainder
from tests.examples import examples


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (1_000, (3_300, 3_300, 3_300), (334, 333, 333)),
        (500, (1_980, 2_970, 5_050), (99, 149, 252)),
        (21, (540, 550), (10, 11)),  # the tax agency's receipt example, B.1.3
        (0, (3, 4), (0, 0)),
        (5, (0, 0), (5, 0)),
        (0, (), ()),
    ],
)
def test_vectors(total: int, weights: tuple[int, ...], shares: tuple[int, ...]) -> None:
    assert largest_remainder(total, weights) == shares


@settings(max_examples=examples(2_000), deadline=None)
@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**7), min_size=1, max_size=30))
def test_shares_sum_up_and_stay_within_a_yen_of_their_part(total: int, weights: list[int]) -> None:
    shares = largest_remainder(total, weights)
    assert sum(shares) == total
    if whole := sum(weights):
        for share, weight in zip(shares, weights, strict=True):
            assert abs(share * whole - total * weight) < whole


@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**4), min_size=2, max_size=10))
def test_no_lighter_line_gets_more_than_a_heavier_one(total: int, weights: list[int]) -> None:
    weights[0] += 1
    shares = largest_remainder(total, weights)
    by_weight = sorted(zip(weights, shares, strict=True))
    assert all(earlier[1] <= later[1] for earlier, later in pairwise(by_weight))


@pytest.mark.parametrize(("total", "weights"), [(-1, (1,)), (1, (-1, 2)), (1, ())])
def test_nonsense_is_refused(total: int, weights: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"must not be negative|nothing to split"):
        largest_remainder(total, weights)
