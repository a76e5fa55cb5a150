"""The qualified-invoice registration number (適格請求書発行事業者登録番号): ``T`` and 13 digits (DOC-04, B.2).

For a corporation the digits are its corporate number (法人番号), whose first digit checks the other twelve. The check
cannot see a 0 taken for a 9: both leave the same remainder.
"""

from __future__ import annotations

import re
import unicodedata

from pipelines.values.spelling import HYPHENS, visible

_HYPHENS_AND_SPACES = re.compile(rf"[\s{re.escape(HYPHENS)}]+")
_REGISTRATION_NUMBER = re.compile(r"T[0-9]{13}")


def normalise(raw: str) -> str:
    """``raw`` under NFKC, in upper case, without spaces and hyphens: ``Ｔ6-1200-0111-3618`` is ``T6120001113618``."""
    return _HYPHENS_AND_SPACES.sub("", unicodedata.normalize("NFKC", visible(raw))).upper()


def check(number: str, *, corporate: bool = True) -> str | None:
    """Why ``number`` is no registration number, in one sentence; None if it can be one (B.2).

    ``corporate=False`` is for a sole proprietor, whose number is issued apart and has no check digit one may rely on.
    """
    normalised = normalise(number)
    if not _REGISTRATION_NUMBER.fullmatch(normalised):
        return "The registration number must be T and 13 digits, as in T6120001113618."
    if corporate and int(normalised[1]) != _check_digit(normalised[2:]):
        return "The check digit of the registration number does not match; compare it with the certificate."
    return None


def _check_digit(base: str) -> int:
    """1 to 9: nine less the remainder by nine of the twelve digits, weighted 1, 2, 1, 2 ... from the right."""
    weighted = (int(digit) * (1 + position % 2) for position, digit in enumerate(reversed(base)))
    return 9 - sum(weighted) % 9
