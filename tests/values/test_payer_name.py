"""Names as banks write them (B.6.7, gateways.md 7.2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.values.payer_name import is_same_payer, payer_name


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("ﾔﾏﾀﾞ ﾊﾅｺ", "ﾔﾏﾀﾞﾊﾅｺ"),
        ("ヤマダ　ハナコ", "ﾔﾏﾀﾞﾊﾅｺ"),
        ("やまだ はなこ", "ﾔﾏﾀﾞﾊﾅｺ"),
        ("ヤマダ\u200bハナコ", "ﾔﾏﾀﾞﾊﾅｺ"),
        ("ヤマタ\u3099ハナコ", "ﾔﾏﾀﾞﾊﾅｺ"),
        ("ヤマタ゛ハナコ", "ﾔﾏﾀﾞﾊﾅｺ"),
        ("ハ゜ン", "ﾊﾟﾝ"),
        ("ﾊﾟﾝ", "ﾊﾟﾝ"),
        ("ハットリ", "ﾊﾂﾄﾘ"),
        ("ﾊｯﾄﾘ", "ﾊﾂﾄﾘ"),
        ("データ", "ﾃﾞ-ﾀ"),
        ("ﾃﾞｰﾀ", "ﾃﾞ-ﾀ"),
        ("ﾃﾞ‐ﾀ", "ﾃﾞ-ﾀ"),
        ("ﾃﾞ―ﾀ", "ﾃﾞ-ﾀ"),
        ("ヲノ ヰヱ ヵヶ", "ｵﾉｲｴｶｹ"),
        ("yamada", "YAMADA"),
        ("ＹＡＭＡＤＡ", "YAMADA"),
        ("株式会社ヤマダ", "ｶ)ﾔﾏﾀﾞ"),
        ("㈱ヤマダ", "ｶ)ﾔﾏﾀﾞ"),
        ("ヤマダ株式会社", "ﾔﾏﾀﾞ(ｶ"),
        ("ヤマダ（株）", "ﾔﾏﾀﾞ(ｶ"),
        ("ヤマダ(株)ナゴヤ", "ﾔﾏﾀﾞ(ｶ)ﾅｺﾞﾔ"),
        ("有限会社ヤマダ", "ﾕ)ﾔﾏﾀﾞ"),
        ("合同会社ヤマダ", "ﾄﾞ)ﾔﾏﾀﾞ"),
        ("合資会社ヤマダ", "ｼ)ﾔﾏﾀﾞ"),
        ("ヤマダ合名会社", "ﾔﾏﾀﾞ(ﾒ"),
        ("一般社団法人ヤマダ", "ｼﾔ)ﾔﾏﾀﾞ"),
        ("医療法人ヤマダ", "ｲ)ﾔﾏﾀﾞ"),
        ("髙橋 﨑子", "髙橋﨑子"),
        ("", ""),
    ],
)
def test_a_name_as_it_is_compared(written: str, compared: str) -> None:
    assert payer_name(written) == compared


@given(st.text(alphabet="ァアイガパヴーッゃがｶﾞﾊﾟ゛゜ 　-()株式会社㈱AaＡ1１山田", max_size=24))
def test_what_is_written_that_way_stays_so(text: str) -> None:
    """A bank's own spelling is compared as it stands."""
    once = payer_name(text)
    assert payer_name(once) == once


@pytest.mark.parametrize(
    ("told", "name", "same"),
    [
        ("ﾔﾏﾀﾞﾊﾅｺ", "ﾔﾏﾀﾞﾊﾅｺ", True),
        ("ﾔﾏﾀﾞ", "ﾔﾏﾀﾞﾊﾅｺ", False),  # a surname is many people's
        ("ﾔﾏﾀﾞﾊﾅｺ", "ﾔﾏﾀﾞ", False),
        ("ｶ)" + "ｱ" * 28, "ｶ)" + "ｱ" * 40, True),  # cut: a request has room for 30
        ("ｶ)" + "ｱ" * 27, "ｶ)" + "ｱ" * 40, False),
        ("", "", False),
    ],
)
def test_the_whole_name_counts_or_as_much_as_there_is_room_for(told: str, name: str, same: bool) -> None:
    assert is_same_payer(told, name) is same
