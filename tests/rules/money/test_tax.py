"""TAX-01 to TAX-05 and every vector of formats.md B.1."""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.rules.money.tax import after_points, needs_return_invoice, rounded, tax_in, tax_on, tax_per_rate
from tests.examples import examples

MODES = ("floor", "half_up", "ceil")


@pytest.mark.parametrize(
    ("lines", "by_line", "once"),
    [
        ([(105, 10)] * 3, (30, 33, 33), ({10: 31}, {10: 32}, {10: 32})),
        ([(333, 10)] * 3, (99, 99, 102), ({10: 99}, {10: 100}, {10: 100})),
        (
            [(1_234, 10), (987, 8), (55, 8)],
            (205, 206, 208),
            ({10: 123, 8: 83}, {10: 123, 8: 83}, {10: 124, 8: 84}),
        ),
        ([(995, 10), (9, 10), (1, 10)], (99, 101, 102), ({10: 100}, {10: 101}, {10: 101})),
    ],
)
def test_tax_is_rounded_once_per_rate(
    lines: list[tuple[int, int]], by_line: tuple[int, ...], once: tuple[dict[int, int], ...]
) -> None:
    """B.1.2: the wrong sums of lines rounded one by one stand beside the right ones."""
    assert tuple(tax_per_rate(lines, mode) for mode in MODES) == once
    assert tuple(sum(tax_on(amount, rate, mode) for amount, rate in lines) for mode in MODES) == by_line


@pytest.mark.parametrize(
    ("halves", "up"), [(1, 1), (3, 2), (5, 3), (7, 4), (-1, -1), (-3, -2), (-5, -3)], ids=lambda value: f"{value}"
)
def test_half_a_yen_goes_up_and_not_to_the_even_one(halves: int, up: int) -> None:
    """B.1.2: ``round`` gives 0, 2 and 2 for 0.5, 1.5 and 2.5; of a refund the absolute value is rounded."""
    assert rounded(halves, 2, "half_up") == up


def test_no_binary_fraction_comes_in() -> None:
    """B.1.2: 110 * 1.1 is 121.00000000000001, whose ceiling is 122."""
    assert 110 + tax_on(110, 10, "ceil") == 121
    assert 105 + tax_on(105, 10, "ceil") == 116


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


DECIMAL_MODES = {"floor": ROUND_FLOOR, "half_up": ROUND_HALF_UP, "ceil": ROUND_CEILING}


@settings(max_examples=examples(2_000), deadline=None)
@given(st.integers(0, 10**12), st.sampled_from([0, 8, 10]), st.sampled_from(MODES))
def test_every_amount_is_rounded_as_decimal_rounds_it_and_a_refund_takes_back_what_was_charged(
    amount: int, rate: int, mode: str
) -> None:
    """B.1.2: integers all the way; half-up is also ``(amount * rate * 2 + 100) // 200``."""
    exact = Decimal(amount * rate) / 100
    assert tax_on(amount, rate, mode) == exact.quantize(Decimal(1), DECIMAL_MODES[mode])
    assert mode != "half_up" or tax_on(amount, rate, mode) == (amount * rate * 2 + 100) // 200
    for compute in (tax_on, tax_in):
        assert compute(-amount, rate, mode) == -compute(amount, rate, mode)


def test_an_unknown_rounding_is_refused() -> None:
    with pytest.raises(ValueError, match="bankers"):
        tax_on(105, 10, "bankers")


@pytest.mark.parametrize(
    ("reduction", "needed"),
    [(440, False), (9_999, False), (10_000, True), (20_000, True)],
    ids=["440 off a bill of 500,000", "just below", "the limit", "a later rebate"],
)
def test_a_small_reduction_needs_no_return_invoice(reduction: int, needed: bool) -> None:
    """B.1.4."""
    assert needs_return_invoice(reduction) is needed
