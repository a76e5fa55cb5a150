"""Tracking numbers (お問い合わせ番号) of the carriers: cleaning, check digits, links (TRK-03, B.4.1, B.4.2).

A pass is a typo filter, not proof: a digit replaced by one that differs by seven is undetectable under the mod-7 check,
and three carriers share that check, so the carrier must be told and is never guessed from the number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from urllib.parse import quote

_HYPHENS_AND_SPACES = re.compile(r"[\s\u00ad\u200b\ufeff\-‐‑‒–—―−ーｰ─]+")
_EXCEL_DAMAGE = re.compile(r"[0-9]+[.,][0-9]+E\+?[0-9]+|[0-9]+E\+[0-9]+|[0-9]+\.[0-9]*")
_S10 = re.compile(r"[A-Z]{2}([0-9]{9})[A-Z]{2}")
_S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
_ANY_NUMBER = re.compile(r"[A-Z0-9./_#]{1,40}")

_NAMES: Mapping[str, tuple[str, str]] = {
    "yamato": ("ヤマト運輸", "Yamato Transport"),
    "sagawa": ("佐川急便", "Sagawa Express"),
    "japan_post": ("日本郵便", "Japan Post"),
    "ems": ("日本郵便（EMS）", "Japan Post EMS"),
    "seino": ("西濃運輸", "Seino Transportation"),
    "fukuyama": ("福山通運", "Fukuyama Transporting"),
    "tonami": ("トナミ運輸", "Tonami Transportation"),
}

_JAPAN_POST_URL = "https://trackings.post.japanpost.jp/services/srv/search/direct?locale=ja&reqCodeNo1={n}"

URLS: Mapping[str, str] = {
    "yamato": "https://jizen.kuronekoyamato.co.jp/jizen/servlet/crjz.b.NQ0010?id={n}",
    "sagawa": "https://k2k.sagawa-exp.co.jp/p/web/okurijosearch.do?okurijoNo={n}",
    "japan_post": _JAPAN_POST_URL,
    "ems": _JAPAN_POST_URL,
    "seino": "https://track.seino.co.jp/cgi-bin/gnpquery.pgm?GNPNO1={n}",
    "fukuyama": "https://corp.fukutsu.co.jp/situation/tracking_no_hunt/{n}",
    "tonami": "https://trc1.tonami.co.jp/trc/search3/excSearch3?id[0]={n}",
}
"""Where a parcel can be followed; ``{n}`` stands for the cleaned number (B.4.2)."""


def clean(raw: str) -> str:
    """``raw`` under NFKC, in upper case, without spaces and hyphens of any kind; leading zeros stay (B.4.1)."""
    return _HYPHENS_AND_SPACES.sub("", unicodedata.normalize("NFKC", raw)).upper()


def check(carrier: str, number: str) -> str | None:
    """Why ``number`` cannot be a tracking number of ``carrier``, in one sentence; None if it can (TRK-03).

    ``carrier`` is a name such as ``yamato``; a number of a carrier without known rules only has to look like one.
    ``number`` may still carry hyphens and spaces.
    """
    cleaned = clean(number)
    if not cleaned:
        return "The tracking number is empty."
    if _EXCEL_DAMAGE.fullmatch(cleaned):
        return "The tracking number was damaged by a spreadsheet; export its column as text and send it again."
    if not cleaned.strip("0"):
        return "The tracking number is all zeros."
    return _CHECKS.get(carrier, _check_any)(cleaned)


def url(carrier: str, number: str, *, templates: Mapping[str, str] = URLS) -> str | None:
    """The page where the parcel can be followed; None for a carrier without one or an empty number (B.4.2).

    ``templates`` replaces the built-in table: the carriers have changed their addresses before.
    """
    template = templates.get(carrier)
    cleaned = clean(number)
    return template.replace("{n}", quote(cleaned, safe="")) if template and cleaned else None


def carrier_name(carrier: str, locale: str) -> str:
    """The name a customer knows the carrier by, Japanese for ``ja``, else English; an unknown carrier as it is."""
    japanese, english = _NAMES.get(carrier, (carrier, carrier))
    return japanese if locale.startswith("ja") else english


def _check_yamato(number: str) -> str | None:
    return _check_digits(number, 12) or _check_mod7(number)


def _check_sagawa(number: str) -> str | None:
    """Twelve digits with a check digit, or the older ten, whose rule is not known."""
    if len(number) == 10:
        return _check_digits(number, 10)
    return _check_digits(number, 12, or_also="or, in the older form, 10 ") or _check_mod7(number)


def _check_japan_post(number: str) -> str | None:
    """Parcels and Letter Pack have 12 digits, registered mail 11, international mail the S10 form."""
    if _S10.fullmatch(number):
        return _check_s10(number)
    if len(number) == 11:
        return _check_digits(number, 11) or _check_mod7(number)
    return _check_digits(number, 12, or_also="(registered mail 11) ") or _check_mod7(number)


def _check_s10(number: str) -> str | None:
    match = _S10.fullmatch(number)
    if match is None:
        return "An international tracking number has two letters, nine digits and two letters, as in EE123456785JP."
    *base, given = (int(digit) for digit in match[1])
    expected = 11 - sum(digit * weight for digit, weight in zip(base, _S10_WEIGHTS, strict=True)) % 11
    return None if given == {10: 0, 11: 5}.get(expected, expected) else _WRONG_CHECK_DIGIT


def _check_seino(number: str) -> str | None:
    return _check_digits(number, 10)


def _check_fukuyama(number: str) -> str | None:
    if _is_digits(number) and 8 <= len(number) <= 14:
        return None
    return "The tracking number must have 8 to 14 digits; compare it with the label."


def _check_any(number: str) -> str | None:
    if _ANY_NUMBER.fullmatch(number):
        return None
    return "The tracking number must be 1 to 40 letters, digits, '.', '/', '_' or '#'."


_CHECKS: Mapping[str, Callable[[str], str | None]] = {
    "yamato": _check_yamato,
    "sagawa": _check_sagawa,
    "japan_post": _check_japan_post,
    "ems": _check_s10,
    "seino": _check_seino,
    "fukuyama": _check_fukuyama,
}

_WRONG_CHECK_DIGIT = "The check digit of the tracking number does not match; compare the number with the label."


def _check_digits(number: str, length: int, *, or_also: str = "") -> str | None:
    if _is_digits(number) and len(number) == length:
        return None
    return f"The tracking number must have {length} {or_also}digits; compare it with the label."


def _check_mod7(number: str) -> str | None:
    """7DR: the last digit is what the digits before it leave when divided by seven."""
    return None if int(number[:-1]) % 7 == int(number[-1]) else _WRONG_CHECK_DIGIT


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
