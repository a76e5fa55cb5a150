"""Postal codes: INT-08, and B.9.4, by which one of another prefecture is worth a warning and no refusal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.values.postal_code import postal_code, prefectures_of
from pipelines.values.prefecture import prefecture

SPELLINGS = [
    *("460-0008", "4600008", "460 0008", "〒460-0008", "〒 460-0008", "〒4600008", " 460-0008\u3000", "460-0008\u200b"),
    *("４６０－０００８", "４６００００８", "〒４６０ー０００８", "460\u30000008", "460 - 0008"),
    *("460‐0008", "460‑0008", "460–0008", "460—0008", "460―0008", "460−0008", "460ー0008", "460ｰ0008", "460〜0008"),
]

NO_CODES = [
    "",
    "460",
    "460-000",
    "460-00080",
    "46-00080",
    "4600-008",
    "460-OOO8",
    "４６０",
    "460/0008",
    "A460-0008",
    "٤٦٠٠٠٠٨",
]

PREFECTURES = [
    ("100-0001", ["東京都"]),
    ("460-0008", ["愛知県"]),
    ("001-0010", ["北海道"]),
    ("099-9999", ["北海道"]),
    ("010-0001", ["秋田県"]),
    ("900-0001", ["沖縄県"]),
    ("980-0001", ["宮城県"]),
    ("685-0001", ["島根県"]),  # Oki, within the digits of Tottori
    ("817-0001", ["長崎県"]),  # Tsushima, within those of Fukuoka
    ("498-0000", ["愛知県", "三重県"]),  # the code of both
    ("618-0001", ["大阪府", "京都府"]),
    ("811-5133", ["福岡県", "長崎県"]),  # Iki
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_one_code(spelling: str) -> None:
    assert postal_code(spelling) == "460-0008"


@pytest.mark.parametrize("text", NO_CODES)
def test_what_is_no_code(text: str) -> None:
    assert postal_code(text) is None


@given(st.text("0123456789０-－ー〒 ", max_size=14))
def test_a_code_stays_as_it_is(text: str) -> None:
    code = postal_code(text)
    assert code is None or postal_code(code) == code


@pytest.mark.parametrize(("code", "names"), PREFECTURES)
def test_the_prefectures_of_a_code(code: str, names: list[str]) -> None:
    assert list(prefectures_of(code)) == names


def test_every_code_has_a_prefecture_and_every_prefecture_a_code() -> None:
    found = {name for number in range(1000) for name in prefectures_of(f"{number:03}-0000")}
    assert found == {prefecture(f"JP-{number:02}") for number in range(1, 48)}
