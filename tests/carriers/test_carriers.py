"""Carriers: their spellings, numbers, pages, slots and words (TRK-03, B.4)."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.states import TrackingState
from pipelines.carriers import CARRIERS, Carrier, Status, carrier
from pipelines.carriers.numbers import clean
from pipelines.carriers.reference import markdown
from pipelines.errors import Misconfigured

DOCUMENT = Path(__file__).parents[2] / "docs" / "carriers.md"
VECTORS = list(csv.DictReader(Path(__file__).with_name("checkdigits.csv").open(encoding="utf-8")))
CARRIER_OF = {
    "yamato-7DR12": "yamato",
    "sagawa-7DR12": "sagawa",
    "japanpost-7DR12": "japan_post",
    "japanpost-7DR11": "japan_post",
    "S10": "ems",
}

VALID = [
    # B.4.1
    ("yamato", "444413758703"),
    ("yamato", "4444-1375-8703"),
    ("yamato", "４４４４－１３７５－８７０３"),
    ("yamato", "123456789013"),
    ("yamato", "348012244355"),
    ("yamato", "400000000002"),
    ("yamato", "399999999991"),
    ("yamato", "999999999994"),
    ("sagawa", "512547514334"),
    ("sagawa", "1234567890"),
    ("japan_post", "405548424886"),
    ("japan_post", "13112383852"),
    ("japan_post", "131-12-38385-2"),
    ("japan_post", "EE471108151FR"),
    ("ems", "EE471108151FR"),
    ("ems", "RR473124829GB"),
    ("ems", "EB000717618HK"),
    ("ems", "EE994353255CN"),
    ("ems", "EF719215461JP"),
    ("ems", "ee 966331020 jp"),
    ("ems", "EE000000005JP"),
    ("seino", "0012345678"),
    ("fukuyama", "12345678"),
    ("fukuyama", "12345678901234"),
    ("maker_van", "R-2026/0042"),
]

INVALID = [
    ("yamato", "444413758713", "check digit"),
    ("yamato", "444413758730", "check digit"),
    ("yamato", "444413758708", "check digit"),
    ("yamato", "444431758703", "check digit"),
    ("sagawa", "512547513434", "check digit"),
    ("japan_post", "13112383853", "check digit"),
    ("ems", "EB900717618HK", "check digit"),
    ("yamato", "44441375870", "12 digits"),
    ("yamato", "4444137587O3", "12 digits"),
    ("yamato", "1234567890", "12 digits"),
    ("japan_post", "1234567890", "12 (registered mail 11) digits"),
    ("ems", "444413758703", "two letters"),
    ("seino", "123456789", "10 digits"),
    ("fukuyama", "1234567", "8 to 14 digits"),
    ("yamato", "000000000000", "all zeros"),
    ("seino", "0000000000", "all zeros"),
    ("maker_van", "000", "all zeros"),
    ("yamato", "4.44E+11", "spreadsheet"),
    ("yamato", "4.44414E+11", "spreadsheet"),
    ("sagawa", "5.12548E+11", "spreadsheet"),
    ("yamato", "444413758703.0", "spreadsheet"),
    ("yamato", "", "empty"),
    ("yamato", " - ", "empty"),
    ("maker_van", "追跡なし", "1 to 40"),
]


@pytest.mark.parametrize("vector", VECTORS, ids=[f"{v['scheme']} {v['number']} {v['why']}" for v in VECTORS])
def test_each_scheme_tells_its_numbers_from_others(vector: dict[str, str]) -> None:
    """B.4.1. Small letters are no fault here: the number is written in capitals before it is checked."""
    expected = vector["verdict"] == "valid" or vector["why"].startswith("lower case")
    assert (carrier(CARRIER_OF[vector["scheme"]]).check(vector["number"]) is None) is expected


@pytest.mark.parametrize(("name", "number"), VALID)
def test_a_real_number_passes(name: str, number: str) -> None:
    assert carrier(name).check(number) is None


@pytest.mark.parametrize(("name", "number", "reason"), INVALID)
def test_a_wrong_number_is_refused_with_the_reason(name: str, number: str, reason: str) -> None:
    refusal = carrier(name).check(number)
    assert refusal is not None
    assert reason in refusal


def test_a_digit_off_by_seven_cannot_be_detected() -> None:
    """B.4.1: 444413058703 is 444413758703 with 7 read as 0."""
    assert carrier("yamato").check("444413058703") is None


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        (" 4444-1375-8703 ", "444413758703"),
        ("４４４４‐１３７５−８７０３", "444413758703"),
        ("4444ー1375―8703", "444413758703"),
        ("0012 3456 78", "0012345678"),
        ("ee471108151fr", "EE471108151FR"),
    ],
)
def test_cleaning_drops_hyphens_and_spaces_and_keeps_leading_zeros(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned


def test_what_a_scanner_reads_around_the_number_is_no_part_of_it() -> None:
    """B.4.1: the bar code of Fukuyama is framed by letters."""
    assert carrier("fukuyama").normalise("A0123-45678A") == "012345678"
    assert carrier("fukuyama").check("A012345678A") is None


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("yamato", "https://jizen.kuronekoyamato.co.jp/jizen/servlet/crjz.b.NQ0010?id=444413758703"),
        ("sagawa", "https://k2k.sagawa-exp.co.jp/p/web/okurijosearch.do?okurijoNo=444413758703"),
        (
            "japan_post",
            "https://trackings.post.japanpost.jp/services/srv/search/direct?locale=ja&reqCodeNo1=444413758703",
        ),
        ("seino", "https://track.seino.co.jp/cgi-bin/gnpquery.pgm?GNPNO1=444413758703"),
        ("fukuyama", "https://corp.fukutsu.co.jp/situation/tracking_no_hunt/444413758703"),
        ("tonami", "https://trc1.tonami.co.jp/trc/search3/excSearch3?id[0]=444413758703"),
        ("own_fleet", None),
        ("maker_van", None),
    ],
)
def test_the_link_is_the_carrier_s_own_page(name: str, link: str | None) -> None:
    """B.4.2."""
    assert carrier(name).url("4444-1375-8703") == link


def test_a_link_never_carries_raw_text() -> None:
    assert carrier("yamato").url('1"><script>') == (
        "https://jizen.kuronekoyamato.co.jp/jizen/servlet/crjz.b.NQ0010?id=1%22%3E%3CSCRIPT%3E"
    )
    assert carrier("yamato").url("") is None


@pytest.mark.parametrize(
    ("name", "locale", "called"),
    [
        ("yamato", "ja", "ヤマト運輸"),
        ("yamato", "en", "Yamato Transport"),
        ("japan_post", "ja-JP", "日本郵便"),
        ("maker_van", "ja", "maker_van"),
    ],
)
def test_a_carrier_is_named_in_the_customer_s_language(name: str, locale: str, called: str) -> None:
    assert carrier(name).called(locale) == called


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("yamato", "yamato"),
        ("Yamato", "yamato"),
        ("ＹＡＭＡＴＯ", "yamato"),
        ("Yamato (JA)", "yamato"),
        ("ヤマト運輸", "yamato"),
        ("ﾔﾏﾄ運輸", "yamato"),
        ("クロネコヤマト", "yamato"),
        ("宅急便", "yamato"),
        ("ネコポス", "yamato"),
        ("佐川急便", "sagawa"),
        ("飛脚宅配便", "sagawa"),
        ("ゆうパック", "japan_post"),
        ("レターパック", "japan_post"),
        ("japanpost", "japan_post"),
        ("Japan-Post", "japan_post"),
        ("EMS", "ems"),
        ("西濃運輸", "seino"),
        ("福山通運", "fukuyama"),
        ("トナミ運輸", "tonami"),
        ("自社便", "own_fleet"),
        # a company as it is called in law
        ("ヤマト運輸株式会社", "yamato"),
        ("㈱ヤマト運輸", "yamato"),
        ("佐川急便(株)", "sagawa"),
        ("日本郵便株式会社", "japan_post"),
        ("Yamato Transport Co., Ltd.", "yamato"),
        ("SAGAWA EXPRESS CO.,LTD", "sagawa"),
        ("Seino Transportation Company, Limited", "seino"),
        # a company and its service in one
        ("ヤマト宅急便", "yamato"),
        ("ヤマト運輸 宅急便コンパクト", "yamato"),
        ("Kuroneko", "yamato"),
        ("佐川急便 飛脚宅配便", "sagawa"),
        ("日本郵便 ゆうパック", "japan_post"),
    ],
)
def test_a_carrier_is_known_by_any_spelling(word: str, name: str) -> None:
    assert carrier(word) is CARRIERS[name]


@pytest.mark.parametrize("word", ["ヤマト佐川", "佐川ヤマト運輸", "株式会社", "Co., Ltd.", "ヤマト" * 1_000])
def test_a_name_that_is_made_of_two_carriers_or_of_none_is_neither(word: str) -> None:
    assert carrier(word).name == word


def test_a_carrier_that_nobody_declared_is_taken_as_it_is_written() -> None:
    unlisted = carrier("Maker Van")
    assert (unlisted.name, unlisted.called("ja"), unlisted.check("R-1"), unlisted.url("R-1")) == (
        "Maker Van",
        "Maker Van",
        None,
        None,
    )


def test_a_spelling_belongs_to_one_carrier(tmp_path: Path, plugins_in: Callable[[Path | str], None]) -> None:
    (tmp_path / "cat.py").write_text(
        "from pipelines.carriers import Carrier\nCARRIER = Carrier('cat', '猫便', 'Cat Express', ('クロネコ',))\n"
    )
    plugins_in(tmp_path)
    with pytest.raises(Misconfigured, match="both spelled 'クロネコ'"):
        carrier("猫便")


@pytest.mark.parametrize(
    ("name", "word", "status"),
    [
        ("yamato", "持戻（ご不在）", Status.ATTEMPT_FAILED),
        ("yamato", "持戻(ご不在)", Status.ATTEMPT_FAILED),
        ("yamato", "配達完了（宅配ボックス）", Status.DELIVERED),
        ("yamato", "ただ今お届けにあがっています。", Status.OUT_FOR_DELIVERY),
        ("sagawa", "営業所保管", Status.HELD),
        ("sagawa", "調査中", Status.ADDRESS_PROBLEM),
        ("japan_post", "差出人に返送", Status.RETURNING),
        ("japan_post", "差出人に返送済み", Status.RETURNED),
        ("ems", "国際交換局", Status.IN_TRANSIT),
        ("seino", "配達済みです", Status.DELIVERED),
        ("seino", "本日、配達済みとなりました", Status.DELIVERED),
        ("fukuyama", "該当データはありません。", Status.UNKNOWN_NUMBER),
        ("yamato", "宇宙へ発送", None),
        ("maker_van", "配達完了", None),
    ],
)
def test_a_carrier_s_words_have_one_meaning(name: str, word: str, status: Status | None) -> None:
    """B.4.3: an unknown word has none, and is never guessed."""
    assert carrier(name).status(word) is status


@pytest.mark.parametrize("one", CARRIERS.values(), ids=CARRIERS)
def test_a_carrier_says_each_word_in_one_sense_only(one: Carrier) -> None:
    said = [(word, status) for status, words in one.words.items() for word in words]
    assert len({word for word, _ in said}) == len(said)
    assert all(one.status(word) is status for word, status in said)


def test_what_a_parcel_can_be_is_what_a_carrier_can_say() -> None:
    """``lost`` and ``damaged`` are suppliers' words, ``at_store`` is a store's: no carrier's page ever says them."""
    assert set(TrackingState) - {TrackingState.LOST, TrackingState.DAMAGED, TrackingState.AT_STORE} <= set(Status)


WINDOWS = {
    "AM": ("0812", "01", "51"),
    "12-14": (None, "12", "52"),  # Yamato dropped it
    "14-16": ("1416", "14", "53"),
    "16-18": ("1618", "16", "54"),
    "18-20": ("1820", "18", "55"),
    "18-21": (None, "04", None),
    "19-21": ("1921", "19", "57"),
    "20-21": (None, None, None),  # given up by all: old tools still send 2021 and 56
}


@pytest.mark.parametrize("window", WINDOWS)
def test_the_windows_of_each_carrier_and_their_codes(window: str) -> None:
    """B.4.4"""
    offered = tuple(carrier(name).slots.get(window) for name in ("yamato", "sagawa", "japan_post"))
    assert offered == WINDOWS[window]


@pytest.mark.parametrize(("name", "days"), [("yamato", 7), ("sagawa", 8), ("japan_post", 7), ("own_fleet", None)])
def test_how_long_a_carrier_keeps_a_parcel(name: str, days: int | None) -> None:
    """B.4.5: the day of the first attempt included."""
    assert carrier(name).storage_days == days


@pytest.mark.parametrize("name", CARRIERS)
def test_a_carrier_is_a_file_of_its_name(name: str) -> None:
    assert (Path(__file__).parents[2] / "pipelines" / "carriers" / f"{name}.py").exists()


def test_the_table_of_carriers_is_up_to_date() -> None:
    assert markdown() == DOCUMENT.read_text(encoding="utf-8"), "run: python -m pipelines.carriers > docs/carriers.md"


@given(st.integers(min_value=1, max_value=10**11 - 1))
def test_one_check_digit_of_ten_fits_each_number(base: int) -> None:
    fitting = [digit for digit in range(10) if carrier("yamato").check(f"{base:011d}{digit}") is None]
    assert fitting == [base % 7]


@given(st.text(), st.sampled_from([*CARRIERS, "maker_van"]))
@example("00000000A\u00b4", "sagawa")  # a space and a mark, which composes once the space is gone
def test_any_text_gets_a_verdict_and_cleaning_changes_none(number: str, name: str) -> None:
    known = carrier(name)
    assert known.check(known.normalise(number)) == known.check(number)
