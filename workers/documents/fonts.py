"""The font of documents, Noto Sans CJK JP (OFL 1.1), out of its two packages; and which characters it has."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path
from typing import Final

import noto_cjk_sans_jp_bold
import noto_cjk_sans_jp_regular

FAMILY: Final = "Noto Sans CJK JP"
#: What stands for a character that cannot be printed (ゲタ).
MISSING: Final = "〓"
#: A run of letters without a space that is longer than this is broken, so that it stays within its column.
_LONGEST_RUN: Final = 24
_LONGEST_TEXT: Final = 300


def paths() -> tuple[Path, Path]:
    """The files of the regular and the bold weight."""
    return Path(str(noto_cjk_sans_jp_regular.FONT_PATH)), Path(str(noto_cjk_sans_jp_bold.FONT_PATH))


@cache
def characters() -> frozenset[int]:
    """Code points that both weights have."""
    from fontTools.ttLib import TTFont  # some megabytes that only who prints needs

    found = []
    for path in paths():
        with TTFont(path, lazy=True) as font:
            found.append(frozenset(font.getBestCmap()))
    return frozenset.intersection(*found)


def printable(text: str) -> tuple[str, bool]:
    """``text`` as the font can print it, in one line, and whether a character had to be replaced by 〓.

    What has no shape of its own (directions, joiners, variation selectors) goes; what is far too long is cut with an ellipsis.
    """
    missing = False
    kept: list[str] = []
    run = 0
    for character in unicodedata.normalize("NFC", text[: _LONGEST_TEXT + 1]):
        printed = _printed(character)
        missing = missing or (printed == MISSING and character != MISSING)
        run = run + 1 if character.isascii() and not character.isspace() else 0
        if run > _LONGEST_RUN:
            kept.append("\u200b")
            run = 1
        kept.append(printed)
    said = "".join(kept)
    return (said if len(text) <= _LONGEST_TEXT else f"{said[:_LONGEST_TEXT]}…"), missing


def _printed(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp"):
        return " "
    if category in ("Cf", "Cs") or _is_variation(character):
        return ""
    return character if ord(character) in characters() else MISSING


def _is_variation(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
