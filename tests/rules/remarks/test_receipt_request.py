"""DOC-02, INT-16: a receipt asked for, whom it is made out to and what for; or declined."""

from __future__ import annotations

import pytest

from tests.rules.remarks.read import reading, understood


@pytest.mark.parametrize(
    "remarks",
    [
        "領収書希望",
        "領収書をお願いします",
        "領収証を同封してください",
        "領収書が必要です",
        "領収書を商品と一緒に入れてください",
        "要領収書",
        "レシートをお願いします",
        "手書きの領収書をお願いします",
        "領収書の発行をお願いいたします。",
        "Please include a receipt",
        "I need a receipt, thank you",
        "receipt please",
    ],
)
def test_a_receipt_is_asked_for(remarks: str) -> None:
    (one,) = reading(remarks, "reuse").instructions
    assert (one.kind, one.for_, one.value) == ("receipt_request", "accounting", None)


@pytest.mark.parametrize(
    "remarks",
    [
        "領収書不要",
        "領収書不要です。",
        "領収書は不要です",
        "領収書はいりません",
        "領収書は要りません。よろしくお願いします。",
        "領収書は必要ありません",
        "領収書なしで",
        "領収書は結構です",
        "領収書を入れないでください",
        "領収書の同封は不要です",
        "領収書は同封しないでください",
        "レシートは不要です",
        "no receipt needed",
        "No receipt please.",
        "I don't need a receipt",
        "A receipt is not required",
        "receipt not needed",
    ],
)
def test_a_receipt_that_is_declined_is_no_request(remarks: str) -> None:
    """It is read, and asks for nothing."""
    assert understood(remarks, "reuse") == {}


@pytest.mark.parametrize(
    ("remarks", "details"),
    [
        ("領収書希望。宛名は山田商店", {"addressee": "山田商店"}),
        ("領収書希望 宛名株式会社○○ 但し書きお品代として", {"addressee": "株式会社○○", "proviso": "お品代"}),
        ("領収書（宛名：株式会社山田商店　但し書き：時計代）", {"addressee": "株式会社山田商店", "proviso": "時計代"}),
        ("領収書をお願いします。宛名は「髙橋﨑子」でお願いいたします。", {"addressee": "髙橋﨑子"}),
        ("領収書を株式会社山田宛でお願いします", {"addressee": "株式会社山田"}),
        ("領収書希望 宛名 上様", {"addressee": "上様"}),
        ("領収書の宛名：（株）山田商店でお願いします", {"addressee": "（株）山田商店"}),
        ("領収書　宛名：山田太郎　但し：バッグ代として", {"addressee": "山田太郎", "proviso": "バッグ代"}),
        ("領収書お願いします、但し書きは品代で", {"proviso": "品代"}),
        ("Receipt please, made out to ABC Dental Clinic.", {"addressee": "ABC Dental Clinic"}),
        ("Please issue a receipt in the name of Yamada Trading", {"addressee": "Yamada Trading"}),
    ],
)
def test_whom_it_is_made_out_to_and_what_for(remarks: str, details: dict[str, str]) -> None:
    assert understood(remarks, "reuse") == {"receipt_request": details}


def test_names_are_quoted_as_they_were_written() -> None:
    """NFKC would turn one letter of a name into another."""
    (one,) = reading("領収書希望\n宛名は「神谷﨑㈱」", "reuse").instructions
    assert one.says.endswith("宛名は「神谷﨑㈱」")
    assert one.value == {"addressee": "神谷﨑㈱"}


@pytest.mark.parametrize(
    "remarks",
    [
        "領収書希望。やっぱり要りません",
        "領収書希望\n不要",
        "領収書希望。領収書不要",
        "領収書は25日に届けないでください",
        "領収書は本社に別送してください",
        "領収書についてご相談があります",
        "宛名は山田クリニックでお願いします",  # of what?
        "納品書に金額を記載しないでください",
        "請求書を同封してください",
        "Can I get a receipt from your site?",
    ],
)
def test_what_may_mean_something_else_is_left_to_a_person(remarks: str) -> None:
    assert set(understood(remarks, "reuse")) == {"unread"}


@pytest.mark.parametrize(
    ("remarks", "read"),
    [
        ("領収書希望。宛名：\nよろしくお願いします。", {"receipt_request": None, "unread": "宛名："}),
        (
            "領収書希望。但し書きよろしくお願いします。",
            {"receipt_request": None, "unread": "但し書きよろしくお願いします"},
        ),
        (
            "領収書希望。\n宛名：\n但し書き：お品代\nよろしくお願いいたします。",
            {"receipt_request": {"proviso": "お品代"}, "unread": "宛名："},
        ),
        (
            "領収書希望。\n宛名：\n\n但し書き：\n\nよろしくお願いいたします。",
            {"receipt_request": None, "unread": "宛名：\n\n但し書き："},
        ),
        ("領収書の宛名よろしくお願いします。", {"unread": "領収書の宛名よろしくお願いします。"}),
        ("領収書の宛名の記載をお願いします。", {"unread": "領収書の宛名の記載をお願いします。"}),
    ],
)
def test_a_heading_that_was_left_blank_is_shown_and_takes_no_greeting_for_a_name(
    remarks: str, read: dict[str, object]
) -> None:
    """INT-16, DOC-02: a receipt is made out once, and to nobody called よろしく."""
    assert understood(remarks, "reuse") == read


def test_the_one_is_read_and_the_other_shown() -> None:
    assert understood("領収書不要、納品書は必要です", "reuse") == {"unread": "納品書は必要です"}
    assert understood("領収書希望\n納品書不要", "reuse") == {"receipt_request": None, "unread": "納品書不要"}
