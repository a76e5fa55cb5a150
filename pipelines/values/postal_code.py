"""Postal codes (郵便番号): one form for all spellings, and the prefectures that a code belongs to (INT-08, B.9.4)."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from pipelines.values.spelling import HYPHENS, visible

_POSTAL_CODE: Final = re.compile(rf"[〒〠\s]*(\d{{3}})[\s{re.escape(HYPHENS)}]{{0,3}}(\d{{4}})\s*", re.ASCII)

# The first two digits of Japan Post's list, and the areas of three that are another's too, or another's only.
_BY_TWO: Final = (
    "00 北海道,01 秋田県,02 岩手県,03 青森県,04-09 北海道,10-20 東京都,21-25 神奈川県,26-29 千葉県,30-31 茨城県,32 栃木県,"
    "33-36 埼玉県,37 群馬県,38-39 長野県,40 山梨県,41-43 静岡県,44-49 愛知県,50 岐阜県,51 三重県,52 滋賀県,53-59 大阪府,"
    "60-62 京都府,63 奈良県,64 和歌山県,65-67 兵庫県,68 鳥取県,69 島根県,70-71 岡山県,72-73 広島県,74-75 山口県,76 香川県,"
    "77 徳島県,78 高知県,79 愛媛県,80-83 福岡県,84 佐賀県,85 長崎県,86 熊本県,87 大分県,88 宮崎県,89 鹿児島県,90 沖縄県,"
    "91 福井県,92 石川県,93 富山県,94-95 新潟県,96-97 福島県,98 宮城県,99 山形県"
)
_BY_THREE: Final = (
    "018 秋田県 青森県,311 茨城県 栃木県,349 埼玉県 栃木県,370 群馬県 埼玉県,384 長野県 群馬県,389 長野県 群馬県 新潟県,"
    "431 静岡県 愛知県,498 愛知県 三重県,520 滋賀県 京都府,563 大阪府 兵庫県,618 大阪府 京都府,630 奈良県 大阪府,"
    "647 和歌山県 奈良県 三重県,648 和歌山県 奈良県,684 鳥取県 島根県,685 島根県,811 福岡県 長崎県,817 長崎県,839 福岡県 大分県,"
    "848 佐賀県 長崎県,871 大分県 福岡県,922 石川県 福井県,939 富山県 石川県,949 新潟県 長野県"
)


def postal_code(raw: str) -> str | None:
    """``raw`` as ``460-0008``; None if it is no postal code.

    With and without 〒 and hyphen, in full width, with a space or any of the other hyphens between its parts.
    """
    found = _POSTAL_CODE.fullmatch(unicodedata.normalize("NFKC", visible(raw)))
    return f"{found[1]}-{found[2]}" if found else None


def prefectures_of(code: str) -> tuple[str, ...]:
    """The prefectures in which ``code`` (as ``postal_code`` writes it) may lie, by its first digits; the likeliest first.

    A code belongs to one, but for a few on a border; the digits alone leave two or three where an area crosses it.
    """
    return _AREAS.get(code[:3]) or (_AREAS[code[:2]])


def _areas() -> dict[str, tuple[str, ...]]:
    areas: dict[str, tuple[str, ...]] = {}
    for entry in _BY_TWO.split(","):
        digits, name = entry.split(" ")
        first, _, last = digits.partition("-")
        areas.update((f"{number:02}", (name,)) for number in range(int(first), int(last or first) + 1))
    for entry in _BY_THREE.split(","):
        digits, *names = entry.split(" ")
        areas[digits] = tuple(names)
    return areas


_AREAS: Final = _areas()
