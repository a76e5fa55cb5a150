"""TAX-01 to TAX-05 and every vector of formats.md B.1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.rules.tax import after_points, rounded, tax_in, tax_on, tax_per_rate

MODES = ("floor", "half_up", "ceil")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([(105, 10)] * 3, ({10: 31}, {10: 32}, {10: 32})),
        ([(333, 10)] * 3, ({10: 99}, {10: 100}, {10: 100})),
        ([(1_234, 10), (987, 8), (55, 8)], ({10: 123, 8: 83}, {10: 123, 8: 83}, {10: 124, 8: 84})),
        ([(995, 10), (9, 10), (1, 10)], ({10: 100}, {10: 101}, {10: 101})),
    ],
)
def test_tax_is_rounded_once_per_rate(lines: list[tuple[int, int]], expected: tuple[dict[int, int], ...]) -> None:
    assert tuple(tax_per_rate(lines, mode) for mode in MODES) == expected


@pytest.mark.parametrize(("amount", "by_order", "by_bill"), [(1_005, 303, 302), (1_004, 300, 301)])
def test_a_monthly_bill_differs_from_the_sum_of_its_orders(amount: int, by_order: int, by_bill: int) -> None:
    """TAX-02, clinic: 10 %, half-up."""
    assert 3 * tax_on(amount, 10, "half_up") == by_order
    assert tax_per_rate([(amount, 10)] * 3, "half_up") == {10: by_bill}


@pytest.mark.parametrize(
    ("gross", "rate", "expected"),
    [
        (1_000, 10, (90, 91, 91)),
        (12_345, 10, (1_122, 1_122, 1_123)),
        (300_000, 10, (27_272, 27_273, 27_273)),
        (999, 8, (74, 74, 74)),
    ],
)
def test_tax_contained_in_a_gross_price(gross: int, rate: int, expected: tuple[int, ...]) -> None:
    """TAX-03."""
    assert tuple(tax_in(gross, rate, mode) for mode in MODES) == expected


def test_the_exchange_fee_with_tax() -> None:
    """TAX-05: 1,500 yen ex tax."""
    assert 1_500 + tax_on(1_500, 10, "floor") == 1_650


def test_points_as_a_discount_or_as_a_payment() -> None:
    """B.1.3, the tax agency's own figures."""
    gross = {8: 540, 10: 550}
    assert after_points(gross, 21, "discount") == {8: 530, 10: 539}
    assert after_points(gross, 21, "payment") == gross


@given(st.integers(0, 10**12), st.integers(1, 10**4), st.sampled_from(MODES))
def test_a_refund_takes_back_what_was_charged(amount: int, divisor: int, mode: str) -> None:
    assert rounded(-amount, divisor, mode) == -rounded(amount, divisor, mode)


def test_an_unknown_rounding_is_refused() -> None:
    with pytest.raises(ValueError, match="bankers"):
        tax_on(105, 10, "bankers")
