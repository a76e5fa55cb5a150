"""How tracking numbers (お問い合わせ番号) are cleaned and what their digits can be checked by (B.4.1).

Three carriers share the mod-7 check, so the carrier must be told and is never guessed from the number.
"""

from __future__ import annotations

import re
import unicodedata

from pipelines.values.spelling import HYPHENS, visible

_HYPHENS_AND_SPACES = re.compile(rf"[\s{re.escape(HYPHENS)}]+")
_EXCEL_DAMAGE = re.compile(r"[0-9]+[.,][0-9]+E\+?[0-9]+|[0-9]+E\+[0-9]+|[0-9]+\.[0-9]*")
_S10 = re.compile(r"[A-Z]{2}([0-9]{9})[A-Z]{2}")
_S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
_ANY_NUMBER = re.compile(r"[A-Z0-9./_#]{1,40}")
_WRONG_CHECK_DIGIT = "The check digit of the tracking number does not match; compare the number with the label."


def clean(raw: str) -> str:
    """``raw`` under NFKC, in upper case, without spaces and hyphens of any kind; leading zeros stay (B.4.1)."""
    if raw.isascii() and raw.isalnum():
        return raw.upper()  # as nearly all are
    cleaned = _cleaned(raw)
    while (again := _cleaned(cleaned)) != cleaned:  # a mark composes with what a space kept it from
        cleaned = again
    return cleaned


def _cleaned(raw: str) -> str:
    return _HYPHENS_AND_SPACES.sub("", unicodedata.normalize("NFKC", visible(raw))).upper()


def damage(cleaned: str) -> str | None:
    """Why this is no number of any carrier: nothing is there, a spreadsheet broke it, or it is all zeros."""
    if not cleaned:
        return "The tracking number is empty."
    if _EXCEL_DAMAGE.fullmatch(cleaned):
        return "The tracking number was damaged by a spreadsheet; export its column as text and send it again."
    if not cleaned.strip("0"):
        return "The tracking number is all zeros."
    return None


def any_number(number: str) -> str | None:
    """Why this does not even look like a tracking number: all that can be said where no rule is known."""
    if _ANY_NUMBER.fullmatch(number):
        return None
    return "The tracking number must be 1 to 40 letters, digits, '.', '/', '_' or '#'."


def digits(number: str, length: int, *, or_also: str = "") -> str | None:
    """Why this has not ``length`` digits; ``or_also`` names, for the sentence, what else would be right."""
    if is_digits(number) and len(number) == length:
        return None
    return f"The tracking number must have {length} {or_also}digits; compare it with the label."


def mod7(number: str) -> str | None:
    """7DR: the last digit is what the digits before it leave when divided by seven."""
    return None if int(number[:-1]) % 7 == int(number[-1]) else _WRONG_CHECK_DIGIT


def is_s10(number: str) -> bool:
    """Whether this has the form of an international number of the post (S10)."""
    return _S10.fullmatch(number) is not None


def s10(number: str) -> str | None:
    """Why this is no international number of the post: two letters, eight digits, a check digit, two letters (S10)."""
    match = _S10.fullmatch(number)
    if match is None:
        return "An international tracking number has two letters, nine digits and two letters, as in EE123456785JP."
    *base, given = (int(digit) for digit in match[1])
    expected = 11 - sum(digit * weight for digit, weight in zip(base, _S10_WEIGHTS, strict=True)) % 11
    return None if given == {10: 0, 11: 5}.get(expected, expected) else _WRONG_CHECK_DIGIT


def is_digits(text: str) -> bool:
    """Whether this is nothing but ASCII digits."""
    return text.isascii() and text.isdigit()
