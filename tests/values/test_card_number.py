"""Card numbers in free text: INT-17. The numbers in the tables are the card brands' published test numbers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.values.card_number import find_card_number, mask, masked
from pipelines.values.registration_number import check as check_registration
from tests.values.growth import growth

FOUND = [
    "4111111111111111",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "3530111333300000",
    "30569309025904",
    "36227206271667",
    "6011111111111117",
    "180000000000002",  # JCB of 15 digits
    "213100000000001",
    "6759649826438453",  # Maestro, of 12 to 19 digits
    "586824160825533338",
    "6304000000000000",
    "6759411100000008",
    "501800000009",
    "6799990100000000019",
    "6799 9901 0000 0000 019",
    "5018 0000 0009",
    "6250941006528599",  # UnionPay
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
    "4111.1111.1111.1111",
    "4111/1111/1111/1111",
    "4111_1111_1111_1111",
    "4111,1111,1111,1111",
    "4111, 1111, 1111, 1111",
    "4111+1111+1111+1111",
    "4111・1111・1111・1111",
    "4111\n1111\n1111\n1111",
    "4111 \r\n1111 \r\n1111 \r\n1111",
    "4111\u200b1111\u200b1111\u200b1111",
    "4111\u20601111\u200d1111\ufeff1111",
    "41\u200b1111111\u2060111111\u00ad1",  # unseen, so it stands unbroken
    "٤١١١١١١١١١١١١١١١",  # Arabic-Indic
    "४१११ ११११ ११११ ११११",  # Devanagari
    "④①①①①①①①①①①①①①①①",
    "四一一一 一一一一 一一一一 一一一一",
    "4️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣",  # key caps
    "4111-1111-1111-1111 12/29 123",
    "4111-1111-1111-1111-123",
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
    ("4111x1111x1111x1111", "letters part numbers"),
    ("4111------1111------1111------1111", "too far apart"),
    ("41111111 11111111", "no card is grouped 8-8"),
    ("411111-11111111-1111111111", "a marketplace's order number, 6-8-10"),
    ("411-1111111-1111111", "a marketplace's order number, 3-7-7"),
    ("20261120-145930-4111111", "a date, a time and a counter"),
    ("2026-11-20-4111-1111-1111", "a date and a counter"),
    ("20261120145930411111", "a date and a counter, unbroken"),
    ("4111 1111 1111", "half a number"),
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


ISSUED = {
    prefix: lengths
    for prefixes, lengths in {
        "4": (16, 19),
        "51 55 2221 2720": (16,),
        "3528 3589 62 65 6011 644": (16, 17, 18, 19),
        "34 37 1800 2131": (15,),
        "300 305 36 38": (14, 16, 19),
        "5018 5020 5038 6304 6759 6761 6763": (12, 13, 14, 15, 16, 17, 18, 19),
        "50 56 58 639 67": (16, 18, 19),
    }.items()
    for prefix in prefixes.split()
}
"""First digits of an issuer's numbers, and their lengths."""
GROUPED = {12: [(4, 4, 4)], 13: [(4, 4, 5)], 14: [(4, 6, 4)], 15: [(4, 6, 5)], 16: [(4, 4, 4, 4)], 19: [(6, 13)]}
SEPARATORS = [
    " ",
    "-",
    "－",
    "ー",
    ".",
    " / ",
    "_",
    ", ",
    "+",
    "\n",
    "\r\n",
    "\t",
    "\u3000",
    "\u200b",
    "\u2060",
    "・",
    "--",
]
ZEROS = "0٠०０𝟎"
"""The zero of some scripts; their digits follow it."""


def luhn_digit(digits: str) -> str:
    """The digit that makes a number of ``digits``, worked out by doubling from the right."""
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))]
    return str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)


def parted(digits: str, grouping: tuple[int, ...], separator: str) -> str:
    groups, start = [], 0
    for size in grouping:
        groups.append(digits[start : start + size])
        start += size
    assert start == len(digits)
    return separator.join(groups)


@st.composite
def card_numbers(draw: st.DrawFn) -> str:
    """A number that an issuer could have given, in a form that people write."""
    prefix = draw(st.sampled_from(sorted(ISSUED)))
    length = draw(st.sampled_from(ISSUED[prefix]))
    body = prefix + draw(st.text("0123456789", min_size=length - 1 - len(prefix), max_size=length - 1 - len(prefix)))
    number = body + luhn_digit(body)
    fours = (4,) * (length // 4) + ((length % 4,) if length % 4 else ())
    grouping = draw(st.sampled_from([(length,), (1,) * length, fours, *GROUPED.get(length, [])]))
    zero = draw(st.sampled_from(ZEROS))
    script = str.maketrans({str(digit): chr(ord(zero) + digit) for digit in range(10)})
    return parted(number.translate(script), grouping, draw(st.sampled_from(SEPARATORS)))


@given(card_numbers(), st.sampled_from(["", "カードは", "No. ", "(", "052-000-0000 x"]))
def test_every_valid_number_in_every_form_is_found(number: str, before: str) -> None:
    text = f"{before}{number}です。"
    assert find_card_number(text)
    assert not find_card_number(mask(text))


digits = st.text("0123456789", min_size=10, max_size=10)
dates = st.dates(date(2020, 1, 1), date(2039, 12, 31))
times = st.times().map(lambda time: time.strftime("%H%M%S"))
ORDER_NUMBERS = st.one_of(
    st.builds(lambda shop, day, count: f"{shop[:6]}-{day:%Y%m%d}-{count}", digits, dates, digits),
    st.builds(lambda one, two, three: f"{one[:3]}-{two[:7]}-{three[:7]}", digits, digits, digits),
    st.builds(lambda day, time, count: f"{day:%Y%m%d}{time}{count[:5]}", dates, times, digits),
    st.builds(lambda day, time, count: f"{day:%Y%m%d}-{time}-{count[:4]}", dates, times, digits),
    st.builds(lambda day, count: f"{day:%Y-%m-%d}-{count}", dates, digits),
    st.builds(lambda day, count: f"{day:%y%m%d}-{count[:4]}-{count[4:8]}", dates, digits),
    st.builds(lambda count: f"#{count[:8]}", digits),
)


def registration(base: str) -> str:
    """A company's registration number over twelve digits (B.2)."""
    return next(number for check in range(1, 10) if check_registration(number := f"T{check}{base}") is None)


OTHER_NUMBERS = st.one_of(
    st.builds(lambda one: f"0{one[:1]}0-{one[1:5]}-{one[5:9]}", digits),  # telephone
    st.builds(lambda one: f"+81-{one[:2]}-{one[2:6]}-{one[6:]}", digits),
    st.builds(lambda one, two: f"4{one[:3]}-{one[3:7]}-{two[:4]}", digits, digits),  # tracking, 4-4-4
    st.builds(lambda one, two: f"3{one}{two[:1]}", digits, digits),
    st.builds(lambda one, two: f"4{'59'[int(two[0]) % 2]}{one}{two[1]}", digits, digits),  # JAN
    st.builds(lambda one: f"〒{one[:3]}-{one[3:7]}", digits),
    st.builds(lambda one, two: registration(f"{one}{two[:2]}"), digits, digits),
    st.builds(lambda day, time: f"{day:%Y/%m/%d} {time}", dates, times),
)


@given(ORDER_NUMBERS | OTHER_NUMBERS)
def test_no_order_number_and_no_other_number_is_taken_for_one(number: str) -> None:
    assert not find_card_number(number)
    assert not find_card_number(f"注文番号 {number} の追加です")
    assert mask(number) == number


@given(st.text(), st.sampled_from(FOUND), st.text())
def test_a_masked_text_holds_no_card_number(before: str, number: str, after: str) -> None:
    assert not find_card_number(mask(f"{before}。{number}。{after}"))


@given(st.text(alphabet="0123456789- ４－", max_size=80))
def test_masking_leaves_nothing_to_find(text: str) -> None:
    assert not find_card_number(mask(text))


def test_a_document_is_masked_in_every_corner() -> None:
    card = "4111 1111 1111 1111"
    document = {"remarks": f"{card} です", "lines": [{"name": card, "quantity": 2}], card: None, "n": 4111111111111111}
    hidden = "*" * 16
    assert masked(document) == {
        "remarks": f"{hidden} です",
        "lines": [{"name": hidden, "quantity": 2}],
        hidden: None,
        "n": hidden,
    }


@pytest.mark.parametrize(
    "hostile",
    [
        lambda n: "4" * n,
        lambda n: "4 " * n,
        lambda n: "4111 " * n,
        lambda n: "4-----" * n,
        lambda n: "1\u200b" * n,
        lambda n: "\u200b-" * n,
        lambda n: "4111111111111111 " * n,
        lambda n: "1 " * 19 * n + "a",
        lambda n: "四" * n,
    ],
)
def test_a_text_takes_no_more_than_its_length(hostile: Callable[[int], str]) -> None:
    """Eight times the text; three times as much again is left for noise. Squared, it would be 64 times."""
    assert growth(mask, hostile(500), hostile(4_000)) < 3 * 8
