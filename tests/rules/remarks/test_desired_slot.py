"""DLV-01, DLV-02: times of day. A shop with slots gets one of them or nothing; where slots are free text, words are handed on."""

from __future__ import annotations

import pytest

from pipelines.rules.remarks import read
from tests.rules.build import an_order, plain_shop, shop_with
from tests.rules.remarks.read import understood


@pytest.mark.parametrize(
    ("remarks", "slot"),
    [
        ("午前中着希望", "AM"),
        ("午前中", "AM"),
        ("AM希望", "AM"),
        ("ＡＭ着でお願いします", "AM"),
        ("時間指定：午前中", "AM"),
        ("12時までに届けてください", "AM"),
        ("8時〜12時着希望", "AM"),
        ("14-16時", "14-16"),
        ("14時~16時着希望", "14-16"),
        ("14時から16時の間に配達をお願いします", "14-16"),
        ("１４：００～１６：００希望", "14-16"),
        ("14:00-16:00でお願いします", "14-16"),
        ("14-16希望", "14-16"),
        ("午後2時から4時の間に届けてください", "14-16"),
        ("夕方にお願いします", "16-18"),
        ("19時以降に配達希望", "19-21"),
        ("Please deliver in the morning", "AM"),
        ("Please deliver between 2pm and 4pm", "14-16"),
        ("delivery time: 6-8 pm", "18-20"),
        ("Please deliver after 7 pm", "19-21"),
    ],
)
def test_a_time_that_is_one_of_the_shops_slots(remarks: str, slot: str) -> None:
    """DLV-02: exactly Yamato's."""
    assert understood(remarks, "reuse") == {"desired_slot": slot}


@pytest.mark.parametrize(
    "remarks",
    [
        "18時以降",  # 18-20 or 19-21
        "夜間希望",
        "午後着希望",
        "12-14時着希望",  # no slot of this shop
        "お昼にお届けください",
        "15時-17時",
        "14時半から16時着希望",
        "17時に届けて",
        "20時以降に配達希望",
        "2時から4時に届けてください",  # in the night, or in the afternoon
        "午前中か夕方に",
        "14時〜16時または18時以降",
        "午前中着希望、14-16時着希望",
        "午前中は不在です",
        "14時以降は外出しています",
        "午前中に届きますか？",
        "？９時以降",
        "Good morning! Ring twice",
        "Please call between 2pm and 4pm",
    ],
)
def test_a_time_that_is_none_of_them_or_two_is_left_to_a_person(remarks: str) -> None:
    assert set(understood(remarks, "reuse")) == {"unread"}


@pytest.mark.parametrize(
    ("remarks", "words"),
    [
        ("午前中着希望", "AM"),
        ("14-16時着希望", "14-16"),
        ("午後2時から4時に届けてください", "14-16"),
        ("18時以降の配達を希望します", "18時以降"),
        ("夕方にお願いします", "夕方"),
        ("午後着希望", "午後"),
        ("14時頃に届けてください", "14時頃"),
        ("午後3時半に届けてください", "午後3時半"),
        ("Please deliver after 6pm", "after 6pm"),
        ("時間帯：14-16", "14-16"),
    ],
)
def test_where_slots_are_free_text_the_words_are_handed_on(remarks: str, words: str) -> None:
    """DLV-01: best effort."""
    assert understood(remarks, "clinic") == {"desired_slot": words}


@pytest.mark.parametrize(
    ("remarks", "slot"), [("18時以降着希望", "18-21"), ("12-14時着希望", "12-14"), ("お昼着希望", "12-14")]
)
def test_a_slot_that_holds_the_others_is_the_one_meant(remarks: str, slot: str) -> None:
    """Where nobody says which carrier comes there are 18-20, 18-21 and 19-21."""
    shop = plain_shop('[[remarks]]\nrecognisers = ["desired_slot"]')
    assert read(an_order("plain", remarks=remarks), shop).slot == slot


def test_a_shop_without_a_morning_has_none() -> None:
    shop = shop_with("reuse", **{'slots = ["AM", ': "slots = ["})
    assert "AM" not in (shop.slots or ())


@pytest.mark.parametrize(
    ("remarks", "date", "slot"),
    [
        ("11/25午前中着希望", "2026-11-25", "AM"),
        ("11月25日（水）の午前中に届けてください", "2026-11-25", "AM"),
        ("11/25 14-16", "2026-11-25", "14-16"),
        ("日時指定：11月28日 午前中", "2026-11-28", "AM"),
        ("納品希望日：11/25　時間：14時〜16時", "2026-11-25", "14-16"),
        ("25日14時から16時着でお願いします", "2026-11-25", "14-16"),
        ("Please deliver on Wednesday, Nov 25 in the morning", "2026-11-25", "AM"),
        ("Please deliver tomorrow morning", "2026-11-21", "AM"),
    ],
)
def test_a_day_and_a_time_in_one_breath(remarks: str, date: str, slot: str) -> None:
    assert understood(remarks, "reuse") == {"desired_date": date, "desired_slot": slot}


@pytest.mark.parametrize(("field", "found"), [("AM", {"desired_slot": "AM"}), ("14-16", {"unread": "午前中着希望"})])
def test_remarks_and_field_must_agree(field: str, found: dict[str, str]) -> None:
    """DLV-02: no change after the order; a person asks which."""
    assert understood("午前中着希望", "reuse", delivery_slot=field) == found
