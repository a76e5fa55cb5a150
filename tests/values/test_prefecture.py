"""Prefectures in the spellings of real storefronts: INT-08, B.9.4."""

from __future__ import annotations

import unicodedata

import pytest

from pipelines.values.prefecture import prefecture

TOKYO = [
    *("東京都", "東京", " 東京都\u3000", "東京都\u200b", "とうきょうと", "トウキョウ", "ﾄｳｷｮｳﾄ"),
    *("Tokyo", "TOKYO", "tokyo", "Ｔｏｋｙｏ", "Tokyo-to", "TOKYO-TO", "Tokyo To", "Tokyo Prefecture", "Tokyo pref."),
    *("Tōkyō", "TŌKYŌ", "Tôkyô", "Tōkyō-to", "Toukyou", "Tohkyoh", "Tokyo Metropolis", "Tokyo‐to"),
    *("JP-13", "JP13", "jp-13", "JP 13", "ＪＰ－１３", "jp_13"),
]

OTHERS = [
    ("北海道", ["Hokkaidō", "HOKKAIDO", "Hokkai-do", "Hokkaido Prefecture", "ほっかいどう", "JP-01", "JP01"]),
    ("京都府", ["Kyōto", "Kyoto-fu", "KYOTO", "Kyouto", "京都", "きょうとふ", "JP-26"]),
    ("大阪府", ["Ōsaka", "Osaka-fu", "Oosaka", "Ohsaka", "OSAKA PREFECTURE", "大阪", "JP27"]),
    ("愛知県", ["Aichi", "Aichi-ken", "AICHI PREF.", "愛知", "アイチケン", "JP-23"]),
    ("群馬県", ["Gunma", "Gumma", "グンマ", "JP-10"]),
    ("兵庫県", ["Hyōgo", "Hyogo-ken", "Hyougo", "ヒョウゴ", "JP-28"]),
    ("高知県", ["Kōchi", "Kochi", "Kouchi", "JP-39"]),
    ("大分県", ["Ōita", "Oita", "Ohita", "Ooita", "JP-44"]),
    ("千葉県", ["Chiba", "Tiba"]),
    ("福岡県", ["Fukuoka", "Hukuoka"]),
    ("静岡県", ["Shizuoka", "Sizuoka"]),
    ("沖縄県", ["Okinawa Prefecture", "JP-47"]),
    ("神奈川県", ["神奈川", "\ufa19奈川県"]),  # the compatibility ideograph that CP932 files carry (B.9.2)
    ("岐阜県", ["Gifu", "岐阜", unicodedata.normalize("NFD", "ぎふけん")]),  # as file names of a Macintosh are written
]

NONE = [
    "",
    " ",
    "-",
    "California",
    "JP-00",
    "JP-48",
    "JP-1",
    "13",
    "県",
    "ken",
    "都",
    "名古屋市",
    "愛知県名古屋市",
    "Kyo",
]


@pytest.mark.parametrize("spelling", TOKYO)
def test_every_spelling_of_tokyo(spelling: str) -> None:
    assert prefecture(spelling) == "東京都"


@pytest.mark.parametrize(
    ("name", "spelling"), [(name, one) for name, spellings in OTHERS for one in [name, *spellings]]
)
def test_every_spelling_of_the_others(name: str, spelling: str) -> None:
    assert prefecture(spelling) == name


@pytest.mark.parametrize("region", NONE)
def test_what_names_none(region: str) -> None:
    assert prefecture(region) is None


def test_there_are_47_and_the_numbers_are_those_of_iso_3166() -> None:
    names = [prefecture(f"JP-{number:02}") for number in range(1, 48)]
    assert len({*names, None}) == 48
    assert [names[number - 1] for number in (1, 2, 13, 23, 26, 27, 40, 46, 47)] == [
        *("北海道", "青森県", "東京都", "愛知県", "京都府", "大阪府", "福岡県", "鹿児島県", "沖縄県")
    ]


def test_a_name_is_one_prefecture_s_with_and_without_its_last_letter() -> None:
    for number in range(1, 48):
        name = prefecture(f"JP{number:02}")
        assert name is not None
        assert prefecture(name) == name
        if name != "北海道":
            assert prefecture(name[:-1]) == name
