"""CP932 (Windows-31J) as label programs take it: what can be printed, how wide it is, and where a text may be cut (B.5, B.9.1)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Final

#: Characters that look like one of CP932, and that one.
_LIKE: Final = str.maketrans(
    {
        "〜": "～",
        "−": "－",
        "‖": "∥",
        "—": "―",
        "‐": "-",
        "‑": "-",
        "–": "-",
        "¥": "￥",
        "¢": "￠",
        "£": "￡",
        "¬": "￢",
        "\u00a0": " ",
        "𠮷": "吉",
        "鷗": "鴎",
        "屢": "屡",
    }
)
_VOICED: Final = re.compile("[\u3041-\u30ff][\u3099\u309a]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_HALF_KANA: Final = re.compile("[\uff61-\uff9f]")
#: Two characters of a number, or of a word in Latin letters, that are not to be parted.
_NUMBER: Final = re.compile(r"[0-9０-９\-－ー―/]{2}")
_WORD: Final = re.compile(r"[A-Za-zＡ-Ｚａ-ｚ]{2}")
#: A number or a word that goes on into what follows, as a house's into a room's.
_RUNS_ON: Final = re.compile(r"[0-9０-９A-Za-zＡ-Ｚａ-ｚ\-－―/][0-9０-９A-Za-zＡ-Ｚａ-ｚ\-－―/]")
_NEVER_FIRST: Final = frozenset("ﾞﾟ゛゜ー、。，．）」』ゃゅょっャュョッ々")


def printable(text: str) -> str:
    """``text`` in one line, in the characters that CP932 has for what looks the same; names are not normalised otherwise."""
    text = _CONTROL.sub(" ", text).strip()
    if text.isascii():
        return text
    return _VOICED.sub(lambda found: unicodedata.normalize("NFC", found[0]), text).translate(_LIKE)


def unprintable(text: str) -> list[str]:
    """The characters of ``text`` that CP932 does not have, each once, as ``é U+00E9``."""
    found = dict.fromkeys(one for one in text if encoded(one) is None)
    return [f"{one} U+{ord(one):04X}" for one in found]


def encoded(text: str) -> bytes | None:
    """``text`` in the bytes that Windows writes, which has two places for some characters (髙, 﨑); None where it cannot be."""
    try:
        raw = text.encode("cp932")
    except UnicodeEncodeError:
        return None
    return raw if text.isascii() else b"".join(_as_windows().get(one) or one.encode("cp932") for one in text)


def width(text: str) -> int:
    """Bytes of a printable ``text`` in CP932: one a half-width character, two a full-width one."""
    return len(text.encode("cp932", "replace"))


def full_width(text: str) -> int:
    """Bytes of ``text`` in a program that makes every character a full-width one."""
    return 2 * len(unicodedata.normalize("NFKC", text) if _HALF_KANA.search(text) else text)


@cache
def _as_windows() -> dict[str, bytes]:
    """Characters that Python writes in NEC's selection (rows ED, EE), and IBM's place of them, which Windows writes."""
    found: dict[str, bytes] = {}
    for lead in (0xFA, 0xFB, 0xFC):
        for trail in (*range(0x40, 0x7F), *range(0x80, 0xFD)):
            raw = bytes((lead, trail))
            try:
                character = raw.decode("cp932")
            except UnicodeDecodeError:
                continue
            if character.encode("cp932")[0] in (0xED, 0xEE):
                found[character] = raw
    return found


def joined(parts: Sequence[str]) -> str:
    """``parts`` of an address in one text, with a space where a number or a Latin word would run on into the next: 1-2-3 and 1001号室."""
    text = ""
    for part in parts:
        text += f" {part}" if _RUNS_ON.fullmatch(text[-1:] + part[:1]) else part
    return text


def cut(text: str, widths: Sequence[int], *, converts: bool = False) -> list[str] | None:
    """``text`` in as many pieces as there are ``widths`` (bytes), the last ones perhaps empty; None where it does not go in.

    It is cut by bytes, and where it can be at a space, never within a number or a Latin word, nor before a sign that cannot
    begin a line. ``converts``: the program makes every character full-width.
    """
    measure = full_width if converts else width
    pieces: list[str] = []
    rest = text.strip()
    for most in widths:
        if measure(rest) <= most:
            pieces.append(rest)
            rest = ""
            continue
        at = _place(rest, _reach(rest, most, converts))
        pieces.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    return None if rest else pieces


def _reach(text: str, most: int, converts: bool) -> int:
    """How many characters of ``text`` go into ``most`` bytes."""
    measure = full_width if converts else width
    at = min(len(text), most)
    while at and measure(text[:at]) > most:
        at -= 1
    return at


def _place(text: str, reach: int) -> int:
    """The last place up to ``reach`` at which ``text`` may be cut, a space before any other; 0 for none."""
    for at in range(reach, reach // 2, -1):
        if text[at - 1].isspace() or (at < len(text) and text[at].isspace()):
            return at
    return next((at for at in range(reach, 0, -1) if _may_part(text, at)), 0)


def _may_part(text: str, at: int) -> bool:
    around = text[at - 1 : at + 1]
    return not (_NUMBER.fullmatch(around) or _WORD.fullmatch(around) or text[at : at + 1] in _NEVER_FIRST)
