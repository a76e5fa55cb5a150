"""Tracking numbers: TRK-03, B.4.1, B.4.2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.rules.tracking import carrier_name, check, clean, url

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


@pytest.mark.parametrize(("carrier", "number"), VALID)
def test_a_real_number_passes(carrier: str, number: str) -> None:
    assert check(carrier, number) is None


@pytest.mark.parametrize(("carrier", "number", "reason"), INVALID)
def test_a_wrong_number_is_refused_with_the_reason(carrier: str, number: str, reason: str) -> None:
    refusal = check(carrier, number)
    assert refusal is not None
    assert reason in refusal


def test_a_digit_off_by_seven_cannot_be_detected() -> None:
    """B.4.1: 444413058703 is 444413758703 with 7 read as 0."""
    assert check("yamato", "444413058703") is None


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


@pytest.mark.parametrize(
    ("carrier", "link"),
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
        ("maker_van", None),
    ],
)
def test_the_link_is_the_carrier_s_own_page(carrier: str, link: str | None) -> None:
    """B.4.2."""
    assert url(carrier, "4444-1375-8703") == link


def test_a_link_never_carries_raw_text() -> None:
    assert url("yamato", '1"><script>') == (
        "https://jizen.kuronekoyamato.co.jp/jizen/servlet/crjz.b.NQ0010?id=1%22%3E%3CSCRIPT%3E"
    )
    assert url("yamato", "") is None


def test_links_can_be_replaced_by_configuration() -> None:
    assert url("yamato", "444413758703", templates={"yamato": "https://t.example/{n}"}) == (
        "https://t.example/444413758703"
    )


@pytest.mark.parametrize(
    ("carrier", "locale", "name"),
    [
        ("yamato", "ja", "ヤマト運輸"),
        ("yamato", "en", "Yamato Transport"),
        ("japan_post", "ja-JP", "日本郵便"),
        ("maker_van", "ja", "maker_van"),
    ],
)
def test_a_carrier_is_named_in_the_customer_s_language(carrier: str, locale: str, name: str) -> None:
    assert carrier_name(carrier, locale) == name


@given(st.integers(min_value=1, max_value=10**11 - 1), st.integers(min_value=0, max_value=10))
def test_one_check_digit_of_ten_fits_each_number(base: int, offset: int) -> None:
    fitting = [digit for digit in range(10) if check("yamato", f"{base:011d}{digit}") is None]
    assert fitting == [base % 7]


@given(st.text(), st.sampled_from(["yamato", "sagawa", "japan_post", "ems", "seino", "fukuyama", "maker_van"]))
def test_any_text_gets_a_verdict_and_cleaning_changes_none(number: str, carrier: str) -> None:
    assert check(carrier, clean(number)) == check(carrier, number)
