"""Prefectures (都道府県): the 47 names, and the spellings of storefronts that mean one of them (B.9.4)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import product
from typing import Final

from pipelines.values.spelling import HYPHENS, visible

# Name, Hepburn and reading, in the order of their numbers in JIS X 0401 and ISO 3166-2:JP (01 to 47).
_PREFECTURES: Final = (
    "北海道 Hokkaidō ほっかいどう,青森県 Aomori あおもり,岩手県 Iwate いわて,宮城県 Miyagi みやぎ,秋田県 Akita あきた,"
    "山形県 Yamagata やまがた,福島県 Fukushima ふくしま,茨城県 Ibaraki いばらき,栃木県 Tochigi とちぎ,群馬県 Gunma ぐんま,"
    "埼玉県 Saitama さいたま,千葉県 Chiba ちば,東京都 Tōkyō とうきょう,神奈川県 Kanagawa かながわ,新潟県 Niigata にいがた,"
    "富山県 Toyama とやま,石川県 Ishikawa いしかわ,福井県 Fukui ふくい,山梨県 Yamanashi やまなし,長野県 Nagano ながの,"
    "岐阜県 Gifu ぎふ,静岡県 Shizuoka しずおか,愛知県 Aichi あいち,三重県 Mie みえ,滋賀県 Shiga しが,京都府 Kyōto きょうと,"
    "大阪府 Ōsaka おおさか,兵庫県 Hyōgo ひょうご,奈良県 Nara なら,和歌山県 Wakayama わかやま,鳥取県 Tottori とっとり,"
    "島根県 Shimane しまね,岡山県 Okayama おかやま,広島県 Hiroshima ひろしま,山口県 Yamaguchi やまぐち,"
    "徳島県 Tokushima とくしま,香川県 Kagawa かがわ,愛媛県 Ehime えひめ,高知県 Kōchi こうち,福岡県 Fukuoka ふくおか,"
    "佐賀県 Saga さが,長崎県 Nagasaki ながさき,熊本県 Kumamoto くまもと,大分県 Ōita おおいた,宮崎県 Miyazaki みやざき,"
    "鹿児島県 Kagoshima かごしま,沖縄県 Okinawa おきなわ"
)
_LONG_O: Final = ("o", "ou", "oo", "oh")
_LATIN_SUFFIXES: Final = ("", "ken", "fu", "to", "prefecture", "pref", "metropolis")
_KANA_SUFFIX: Final = {"都": "と", "府": "ふ", "県": "けん"}

_MARKS: Final = re.compile("[\u0300-\u036f]")  # macron and circumflex, once taken apart; a kana's mark is none of them
_BETWEEN_WORDS: Final = re.compile(rf"[\s.,'’_{re.escape(HYPHENS)}]+")
_KATAKANA: Final = str.maketrans({code: code - 0x60 for code in range(ord("ァ"), ord("ヶ") + 1)})


def prefecture(region: str) -> str | None:
    """The prefecture ``region`` names, in Japanese (愛知県); None if it names none.

    Names with and without 都, 府 or 県 (愛知), readings (あいち, アイチケン), Latin letters of any case with or without
    long vowels and suffix (Tōkyō, TOKYO-TO, Ohsaka, Aichi Prefecture, Hyogo-ken), and codes (JP-13, JP13).
    """
    return _NAMES.get(region) or _SPELLINGS.get(_plain(region))


def prefecture_in(region: str, locale: str) -> str:
    """What people who read ``locale`` call the prefecture that ``region`` names: 愛知県, else Aichi; what names none as it is written."""
    name = prefecture(region)
    if name is None:
        return region
    return name if locale == "ja" else _ENGLISH[name]


def _plain(region: str) -> str:
    """What all spellings of a name share: no width, case, vowel marks, katakana, spaces, hyphens, dots."""
    composed = unicodedata.normalize("NFKC", visible(region)).casefold().translate(_KATAKANA)
    latin = unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFD", composed)))
    return _BETWEEN_WORDS.sub("", latin)


def _spellings() -> Iterator[tuple[str, str]]:
    """(plain spelling, name) of all there are."""
    for number, entry in enumerate(_PREFECTURES.split(","), start=1):
        name, hepburn, reading = entry.split(" ")
        yield f"jp{number:02}", name
        yield name, name
        for latin in _romanised(hepburn.lower()):
            yield from ((latin + suffix, name) for suffix in _LATIN_SUFFIXES)
        yield reading, name
        if name != "北海道":  # whose 道 is part of the name
            yield name[:-1], name
            yield reading + _KANA_SUFFIX[name[-1]], name


def _latin_names() -> Iterator[tuple[str, str]]:
    for entry in _PREFECTURES.split(","):
        name, hepburn, _ = entry.split(" ")
        yield name, hepburn


def _romanised(hepburn: str) -> Iterator[str]:
    """Hepburn and Kunrei (Tiba, Hukuoka), older Gumma, and each long o in every way that it is written."""
    kunrei = hepburn
    for one, other in (("shi", "si"), ("chi", "ti"), ("fu", "hu")):
        kunrei = kunrei.replace(one, other)
    for spelling in {hepburn, kunrei, hepburn.replace("nm", "mm")}:
        parts = spelling.split("ō")
        for vowels in product(_LONG_O, repeat=len(parts) - 1):
            yield parts[0] + "".join(vowel + part for vowel, part in zip(vowels, parts[1:], strict=True))


_SPELLINGS: Final = dict(_spellings())
_NAMES: Final = {name: name for name in _SPELLINGS.values()}
#: Without the marks of long vowels, as English writes them: Tokyo.
_ENGLISH: Final = {name: _MARKS.sub("", unicodedata.normalize("NFD", latin)) for name, latin in _latin_names()}
