"""Card numbers in free text: INT-17. All numbers are the card brands' published test numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.values.card_number import find_card_number, mask

FOUND = [
    "4111111111111111",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "3530111333300000",
    "30569309025904",
    "36227206271667",
    "6011111111111117",
    "6200000000000005",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "4111 - 1111 - 1111 - 1111",
    "3782-822463-10005",
    "3056 930902 5904",
    "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
    "４１１１１１１１１１１１１１１１",
    "４１１１－１１１１－１１１１－１１１１",
    "４１１１\u3000１１１１\u3000１１１１\u3000１１１１",
    "4111‐1111‑1111–1111",
    "4111ー1111−1111―1111",
    "カードは4242-4242-4242-4242です",
    "card:4111111111111111,exp 12/29",
    "TEL 052-000-0000 4111 1111 1111 1111",
]

PASSED_OVER = [
    ("", "nothing"),
    ("4111111111111112", "Luhn fails"),
    ("9111111111111112", "no issuer starts with 91"),
    ("1234567812345670", "Luhn passes, no issuer starts with 1"),
    ("0000000000000000", "Luhn passes, no issuer starts with 0"),
    ("41111111111111111", "17 digits in one run"),
    ("123456784111111111111111", "inside a longer run"),
    ("4222222222222", "13 digits"),
    ("444413758703", "a tracking number"),
    ("6120001113618", "a corporate number"),
    ("4901234567894", "a JAN code"),
    ("460-0008 052-000-0000", "a postal code and a telephone number"),
    ("03-1234-5678 / 090-1234-5678", "two telephone numbers"),
    ("2026-11-20 2026-11-21", "two dates"),
    ("4111.1111.1111.1111", "dots do not group a card number"),
    ("4111\n1111\n1111\n1111", "four lines"),
]


@pytest.mark.parametrize("text", FOUND)
def test_a_card_number_is_found_however_it_is_written(text: str) -> None:
    assert find_card_number(text)


@pytest.mark.parametrize(("text", "why"), PASSED_OVER)
def test_other_numbers_are_passed_over(text: str, why: str) -> None:
    assert not find_card_number(text), why
    assert mask(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("4111 1111 1111 1111", "****************"),
        ("カードは４２４２－４２４２－４２４２－４２４２です", "カードは****************です"),
        ("378282246310005 と 4111111111111111。", "*************** と ****************。"),
        ("052-000-0000", "052-000-0000"),
    ],
)
def test_a_masked_text_keeps_all_else(text: str, masked: str) -> None:
    assert mask(text) == masked


@given(st.text(), st.sampled_from(FOUND), st.text())
def test_a_masked_text_holds_no_card_number(before: str, number: str, after: str) -> None:
    assert not find_card_number(mask(f"{before}。{number}。{after}"))


@given(st.text(alphabet="0123456789- ４－", max_size=80))
def test_masking_leaves_nothing_to_find(text: str) -> None:
    assert not find_card_number(mask(text))
