"""STO-02: work before dispatch goes to whoever does it, in the customer's own words, and takes its time."""

from __future__ import annotations

import pytest

from tests.rules.remarks.read import reading, understood


@pytest.mark.parametrize(
    "remarks",
    [
        "腕時計のバンド調整希望",
        "コマ詰め 手首周り16cm お願いします",
        "手首回り 手首16.5cm",
        "手首周り　１６ｃｍ",
        "ブレスレット調整をお願いします（腕周り17センチ）",
        "時計のベルトを2コマ詰めてください",
        "腕周り 165mm でサイズ調整お願いします",
        "バンド調整希望　手首16.5cm　余裕を持たせてください",
        "Please adjust the band, wrist size 16 cm",
        "My wrist is 16.5cm, please adjust the bracelet",
        "Please remove two links",
    ],
)
def test_work_is_handed_on_in_the_customers_words(remarks: str) -> None:
    read = reading(remarks, "reuse")
    (one,) = read.instructions
    assert (one.kind, one.for_, read.lead_days) == ("work_order", "supplier", 1)
    assert sorted(one.says.replace(" / ", "")) == sorted(remarks.replace(", ", ""))


def test_all_that_is_said_of_the_work_is_handed_on() -> None:
    """Also what says nothing by itself."""
    (one,) = reading(
        "コマ詰めお願いします。手首周り16cm、少しゆるめで。余ったコマは同封してください。", "reuse"
    ).instructions
    assert one.says == "コマ詰めお願いします / 手首周り16cm / 少しゆるめで / 余ったコマは同封してください"


@pytest.mark.parametrize(
    "remarks",
    ["コマ詰め不要です", "コマ調整はしないでください", "ベルト調整なしでお願いします", "No band adjustment needed"],
)
def test_work_that_is_declined_is_none(remarks: str) -> None:
    assert (understood(remarks, "reuse"), reading(remarks, "reuse").lead_days) == ({}, 0)


@pytest.mark.parametrize(
    "remarks",
    [
        "コマ詰め不要です。手首16cm",
        "コマ詰めは自分でするので不要です",
        "コマ詰めは無理でしょうか",
        "時計のベルトの色を変更できますか",
        "ベルトの替えはありますか",
    ],
)
def test_work_in_doubt_is_left_to_a_person(remarks: str) -> None:
    read = reading(remarks, "reuse")
    assert ({one.kind for one in read.instructions}, read.lead_days) == ({"unread"}, 0)


def test_what_stands_beside_the_work_is_shown() -> None:
    assert understood("コマ詰めして裏口に置いてください", "reuse") == {
        "work_order": None,
        "unread": "して裏口に置いてください",
    }


def test_a_shop_without_this_service_has_a_person_read() -> None:
    assert understood("コマ詰め希望", "apparel") == {"unread": "コマ詰め希望"}
