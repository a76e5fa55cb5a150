"""Card numbers that slipped into free text (INT-17): an order must not carry one and a log must not show one.

A card number (PAN) is 14 to 16 digits, bare or in groups, that starts with an issuer's real prefix and passes the Luhn
check. The prefix matters: a Luhn check alone would refuse every tenth order number of that length.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_HYPHENS = "\\-‐‑‒–—―−ーｰ─"
_SEPARATOR = rf"[ \t\u00a0\u00ad\u200b{_HYPHENS}]{{1,3}}"
_GROUPS = re.compile(rf"[0-9]+(?:{_SEPARATOR}[0-9]+)*")
_GROUP = re.compile(r"[0-9]+")

# (first prefix, last prefix, lengths); the prefixes of one row have the same number of digits.
_ISSUERS: tuple[tuple[int, int, frozenset[int]], ...] = (
    (4, 4, frozenset({16})),  # Visa
    (51, 55, frozenset({16})),  # Mastercard
    (2221, 2720, frozenset({16})),  # Mastercard, since 2017
    (3528, 3589, frozenset({16})),  # JCB
    (34, 34, frozenset({15})),  # American Express
    (37, 37, frozenset({15})),
    (300, 305, frozenset({14, 16})),  # Diners Club
    (3095, 3095, frozenset({14, 16})),
    (36, 36, frozenset({14, 16})),
    (38, 39, frozenset({14, 16})),
    (6011, 6011, frozenset({16})),  # Discover
    (644, 649, frozenset({16})),
    (65, 65, frozenset({16})),
    (62, 62, frozenset({16})),  # UnionPay
)
_SHORTEST, _LONGEST = 14, 16


def find_card_number(text: str) -> bool:
    """True if ``text`` holds a card number; full-width digits and grouping by spaces or hyphens do not hide it.

    A number is made of whole groups of digits, so one inside a longer unbroken run of digits does not count.
    """
    return next(_card_numbers(text), None) is not None


def mask(text: str) -> str:
    """``text`` with as many ``*`` as it had digits in the place of each card number."""
    shown, end = [], 0
    for start, stop, digits in _card_numbers(text):
        shown += [text[end:start], "*" * len(digits)]
        end = stop
    return "".join([*shown, text[end:]])


def _card_numbers(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, stop, digits) of each card number, left to right, never overlapping."""
    plain = _in_plain_digits(text)
    for chain in _GROUPS.finditer(plain):
        if chain.end() - chain.start() >= _SHORTEST:
            yield from _in_chain([match.span() for match in _GROUP.finditer(plain, *chain.span())], plain)


def _in_chain(groups: list[tuple[int, int]], plain: str) -> Iterator[tuple[int, int, str]]:
    first = 0
    while first < len(groups):
        digits = ""
        for last in range(first, len(groups)):
            digits += plain[slice(*groups[last])]
            if len(digits) > _LONGEST:
                break
            if _is_card_number(digits):
                yield groups[first][0], groups[last][1], digits
                first = last
                break
        first += 1


def _is_card_number(digits: str) -> bool:
    return len(digits) >= _SHORTEST and _is_issued(digits) and _passes_luhn(digits)


def _is_issued(digits: str) -> bool:
    return any(
        len(digits) in lengths and low <= int(digits[: len(str(low))]) <= high for low, high, lengths in _ISSUERS
    )


def _passes_luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(doubled) + sum(int(digit) for digit in digits[::-2])) % 10 == 0


def _in_plain_digits(text: str) -> str:
    """``text`` under NFKC, character by character and of the same length, so that positions stay true."""
    if text.isascii():
        return text
    folded = (unicodedata.normalize("NFKC", character) for character in text)
    return "".join(new if len(new) == 1 else old for new, old in zip(folded, text, strict=True))
