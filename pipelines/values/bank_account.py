"""A Japanese bank account as its holder types it (振込先): read leniently, kept in the one form that banks' transfers take."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

KINDS: Final = ("普通", "当座", "貯蓄")
"""Kinds of account that a transfer can go to."""
LONGEST_NAME: Final = 30
"""Letters of a bank's or a branch's name, and of the holder's in a Zengin record."""
_TO_KATAKANA: Final = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}
_HOLDER: Final = re.compile(r"[ァ-ヶー0-9A-Z().,\-/ 「」]+")
_NUMBER: Final = re.compile(r"[0-9]{7}")
_PRINTABLE: Final = re.compile(r"[^\x00-\x1f\x7f<>]+")


@dataclass(frozen=True, slots=True)
class BankAccount:
    """An account: ``number`` of seven digits, ``holder`` in katakana, capitals and digits."""

    bank: str
    branch: str
    kind: str
    number: str
    holder: str


def read_account(typed: Mapping[str, str]) -> tuple[BankAccount | None, tuple[str, ...]]:
    """The account in ``typed`` (bank, branch, kind, number, holder), or None and the names of the fields that are wrong.

    Full-width and half-width letters are the same, hiragana is katakana, hyphens in a number are left out.
    """
    said = {name: _plain(typed.get(name, "")) for name in ("bank", "branch", "kind", "number", "holder")}
    number = re.sub("[ -]", "", said["number"].replace("ー", "-"))
    holder = said["holder"].translate(_TO_KATAKANA).upper()
    wrong = [name for name in ("bank", "branch") if not _is_name(said[name])]
    wrong += ["kind"] * (said["kind"] not in KINDS) + ["number"] * (_NUMBER.fullmatch(number) is None)
    wrong += ["holder"] * (_HOLDER.fullmatch(holder) is None or len(holder) > LONGEST_NAME)
    if wrong:
        return None, tuple(wrong)
    return BankAccount(said["bank"], said["branch"], said["kind"], number, holder), ()


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).replace("−", "-").replace("‐", "-").split())


def _is_name(text: str) -> bool:
    return len(text) <= LONGEST_NAME and _PRINTABLE.fullmatch(text) is not None
