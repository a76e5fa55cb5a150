"""Qualified-invoice registration numbers: DOC-04, B.2."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.values.registration_number import check, normalise
from tests.examples import examples

VALID = ["6120001113618", "7123456789012", "4011001098993", "7010705000725", "5835678256246", "2120901007402"]

#: (number, the check digit that would fit its other twelve)
INVALID = [
    ("6120001113619", 5),
    ("6120001113681", 8),  # the last two digits exchanged
    ("0120001113618", 6),  # a check digit is 1 to 9
]

UNDETECTABLE = ["6120901113618", "6129001113618"]

NO_NUMBER = ["", "T", "6120001113618", "T612000111361", "T61200011136180", "T612000111361X", "TT6120001113618", "T６x"]


@pytest.mark.parametrize("digits", VALID)
def test_a_real_number_passes(digits: str) -> None:
    assert check(f"T{digits}") is None


@pytest.mark.parametrize(("digits", "fitting"), INVALID)
def test_a_wrong_check_digit_is_refused(digits: str, fitting: int) -> None:
    refusal = check(f"T{digits}")
    assert refusal is not None
    assert "check digit" in refusal
    assert check(f"T{fitting}{digits[1:]}") is None


@pytest.mark.parametrize(
    ("weighted", "total", "remainder", "digits"),
    [
        ([8 * 1, 1 * 2, 6 * 1, 3 * 2, 1 * 1, 1 * 2, 1 * 1, 0 * 2, 0 * 1, 0 * 2, 2 * 1, 1 * 2], 30, 3, "6120001113618"),
        ([2 * 1, 1 * 2, 0 * 1, 9 * 2, 8 * 1, 7 * 2, 6 * 1, 5 * 2, 4 * 1, 3 * 2, 2 * 1, 1 * 2], 74, 2, "7123456789012"),
    ],
)
def test_the_published_sums_worked_out(weighted: list[int], total: int, remainder: int, digits: str) -> None:
    """B.2: the twelve digits from the right, weighted 1, 2, 1, 2 ...; 9 less the remainder by 9 is the first digit."""
    assert (sum(weighted), sum(weighted) % 9) == (total, remainder)
    fitting = [digit for digit in "0123456789" if check(f"T{digit}{digits[1:]}") is None]
    assert fitting == [str(9 - remainder)] == [digits[0]]


@pytest.mark.parametrize("digits", UNDETECTABLE)
def test_a_zero_read_as_nine_cannot_be_detected(digits: str) -> None:
    """B.2: 9 leaves the remainder 0; both stand for 6120001113618."""
    assert check(f"T{digits}") is None


@pytest.mark.parametrize("raw", NO_NUMBER)
def test_what_is_not_t_and_13_digits_is_refused(raw: str) -> None:
    assert check(raw) == "The registration number must be T and 13 digits, as in T6120001113618."


def test_a_sole_proprietor_s_number_has_no_check_digit_to_rely_on() -> None:
    assert check("T6120001113619", corporate=False) is None
    assert check("T612000111361", corporate=False) is not None


@pytest.mark.parametrize(
    "raw",
    [
        "T6120001113618",
        "t6120001113618",
        "Ｔ６１２０００１１１３６１８",
        "T6-1200-0111-3618",
        " T 6120 0011 13618 ",
        "Ｔ６−１２００ー０１１１－３６１８",
    ],
)
def test_every_usual_spelling_is_one_number(raw: str) -> None:
    assert normalise(raw) == "T6120001113618"
    assert check(raw) is None


@settings(max_examples=examples(2_000), deadline=None)
@given(st.integers(min_value=0, max_value=10**12 - 1))
def test_exactly_one_check_digit_fits_each_base(base: int) -> None:
    fitting = [digit for digit in range(10) if check(f"T{digit}{base:012d}") is None]
    assert len(fitting) == 1
    assert fitting != [0]
