"""Card numbers that slipped into free text (INT-17): an order must not carry one and a log must not show one.

A card number (PAN) is told from other long numbers by four things together: its length, how its digits are grouped, an
issuer's real prefix, and the Luhn check. It comes unbroken, digit by digit, or grouped as on a card: in fours, 4-6-5,
4-6-4 or 6-13. Marketplaces group their order numbers otherwise (6-8-10, 3-7-7, a date and a counter), so a run of groups
that happens to add up to sixteen digits is none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, TypeVar

from pipelines.values.registration_number import check as check_registration
from pipelines.values.spelling import INVISIBLE

Value = TypeVar("Value")

_ANY_LENGTH: Final = frozenset(range(12, 20))
_LONG: Final = frozenset({16, 17, 18, 19})

# (first prefix, last prefix, lengths); the prefixes of one row have the same number of digits.
_ISSUERS: Final[tuple[tuple[int, int, frozenset[int]], ...]] = (
    (4, 4, frozenset({16, 18, 19})),  # Visa; not 13 digits, which every tenth JAN code of Japan would be
    (51, 55, frozenset({16})),  # Mastercard
    (2221, 2720, frozenset({16})),
    (3528, 3589, _LONG),  # JCB
    (1800, 1800, frozenset({15})),
    (2131, 2131, frozenset({15})),
    (34, 34, frozenset({15})),  # American Express
    (37, 37, frozenset({15})),
    (300, 305, _LONG | {14}),  # Diners Club
    (3095, 3095, _LONG | {14}),
    (36, 36, _LONG | {14}),
    (38, 39, _LONG | {14}),
    (6011, 6011, _LONG),  # Discover
    (644, 649, _LONG),
    (65, 65, _LONG),
    (62, 62, _LONG),  # UnionPay
    *((prefix, prefix, _ANY_LENGTH) for prefix in (5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763)),  # Maestro
    (50, 50, frozenset({16, 18, 19})),  # Maestro, under prefixes that articles and parcels have too
    (56, 58, frozenset({16, 18, 19})),
    (639, 639, frozenset({16, 18, 19})),
    (67, 67, frozenset({16, 18, 19})),
)

_GROUPINGS: Final[tuple[tuple[int, ...], ...]] = (
    (4, 4, 4, 4),
    *((4, 4, 4, 4, rest) for rest in (1, 2, 3)),
    *((4, 4, 4, rest) for rest in (1, 2, 3)),
    (4, 4, 4),
    (4, 4, 5),
    (4, 6, 5),
    (4, 6, 4),
    (6, 13),
)
"""Digits of each group, as numbers stand on cards and in the forms of payment pages."""

#: Digits of every script; what nobody sees does not part them.
_GROUP: Final = re.compile(rf"\d(?:[{INVISIBLE}]{{0,5}}\d)*")
#: Between two groups: a few characters that are neither letter nor digit, or long vowel marks taken for hyphens.
_SEPARATOR: Final = re.compile(rf"[\W_ーｰ{INVISIBLE}]{{1,5}}")
#: As many digits as the shortest number has, close to one another: most texts have none, and are done with that.
_ENOUGH: Final = re.compile(rf"(?:\d[\W_ーｰ{INVISIBLE}]{{0,5}}){{11}}\d")
#: What counts as a digit to a reader and not to Unicode: circled, raised, lowered and Japanese ones.
_OTHER_DIGITS: Final = {
    **{chr(ord(first) + step): str(1 + step) for first in "①⑴⒈❶➀➊⓵" for step in range(9)},
    **{chr(ord("₀") + digit): str(digit) for digit in range(10)},
    **{character: str(digit) for digit, character in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{character: str(digit) for digit, character in enumerate("〇一二三四五六七八九")},
    **dict.fromkeys("零⓪⓿", "0"),
}
_OTHER_DIGIT: Final = re.compile(f"[{''.join(_OTHER_DIGITS)}]")


_REGISTRATION_DIGITS: Final = 13


class _Group(NamedTuple):
    """Digits with no gap between them, and where they stand; ``joined`` to the group before by a separator."""

    start: int
    stop: int
    digits: str
    joined: bool


def find_card_number(text: str) -> bool:
    """True if ``text`` holds a card number, whatever its script, width and separators.

    A number is made of whole groups of digits, so one inside a longer unbroken run of digits does not count.
    """
    return next(_card_numbers(text), None) is not None


def mask(text: str) -> str:
    """``text`` with as many ``*`` as it had digits in the place of each card number."""
    shown, end = [], 0
    for start, stop, digits in _card_numbers(text):
        shown += [text[end:start], "*" * digits]
        end = stop
    return "".join([*shown, text[end:]])


def masked(value: Value) -> Value:
    """A decoded JSON value like ``value`` that shows no card number, in no text, number or name of a field."""
    shown: object = value
    if isinstance(value, str):
        shown = mask(value)
    elif isinstance(value, dict):
        shown = {masked(name): masked(held) for name, held in value.items()}
    elif isinstance(value, list):
        shown = [masked(held) for held in value]
    elif isinstance(value, int | float) and find_card_number(repr(value)):
        shown = mask(repr(value))
    return shown  # type: ignore[return-value]


def _card_numbers(text: str) -> Iterator[tuple[int, int, int]]:
    """(start, stop, number of digits) of each card number, left to right, never overlapping."""
    plain = text if text.isascii() else _OTHER_DIGIT.sub(lambda found: _OTHER_DIGITS[found[0]], text)
    groups = list(_groups(plain)) if _ENOUGH.search(plain) else []
    here = free = 0
    while here < len(groups):
        count = _card_from(groups, here, free)
        if count == 1 and _is_registration(plain, groups[here]):
            count = 0
        if count:
            found = groups[here : here + count]
            yield found[0].start, found[-1].stop, sum(len(group.digits) for group in found)
            free = here + count
        here += count or 1


def _is_registration(plain: str, group: _Group) -> bool:
    """Whether a group is the digits of a company's registration number (登録番号), whose check digit holds (B.2)."""
    before = plain[group.start - 1 : group.start].upper()
    return (
        before == "T" and len(group.digits) == _REGISTRATION_DIGITS and check_registration(f"T{group.digits}") is None
    )


def _card_from(groups: Sequence[_Group], first: int, free: int) -> int:
    """Groups of the card number that starts with the group ``first``; 0 if none does.

    ``free``: the groups before it belong to an earlier number.
    """
    start = groups[first]
    if _is_card_number(start.digits):
        return 1
    for grouping in _GROUPINGS:
        if len(start.digits) == grouping[0] and _is_grouped(groups, first, grouping):
            return len(grouping)
    if len(start.digits) == 1 and (first == free or not start.joined or len(groups[first - 1].digits) > 1):
        row = _single_digits(groups, first)
        if _is_card_number("".join(group.digits for group in row)):
            return len(row)
    return 0


def _is_grouped(groups: Sequence[_Group], first: int, grouping: Sequence[int]) -> bool:
    """Whether the groups from ``first`` on are a card number grouped so."""
    found = groups[first : first + len(grouping)]
    return (
        all(group.joined for group in found[1:])
        and [len(group.digits) for group in found] == list(grouping)
        and _is_card_number("".join(group.digits for group in found))
    )


def _single_digits(groups: Sequence[_Group], first: int) -> Sequence[_Group]:
    """The whole row of single digits from ``first`` on."""
    last = first + 1
    while last < len(groups) and groups[last].joined and len(groups[last].digits) == 1:
        last += 1
    return groups[first:last]


def _groups(text: str) -> Iterator[_Group]:
    before = -1
    for found in _GROUP.finditer(text):
        start, stop = found.span()
        joined = before >= 0 and _SEPARATOR.fullmatch(text, before, start) is not None
        yield _Group(start, stop, _in_ascii(found[0]), joined)
        before = stop


def _in_ascii(digits: str) -> str:
    if digits.isascii():
        return digits
    return "".join(str(unicodedata.decimal(one)) for one in digits if one.isdecimal())


def _is_card_number(digits: str) -> bool:
    return len(digits) in _ANY_LENGTH and _is_issued(digits) and _passes_luhn(digits)


def _is_issued(digits: str) -> bool:
    return any(
        len(digits) in lengths and low <= int(digits[: len(str(low))]) <= high for low, high, lengths in _ISSUERS
    )


def _passes_luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(doubled) + sum(int(digit) for digit in digits[::-2])) % 10 == 0
