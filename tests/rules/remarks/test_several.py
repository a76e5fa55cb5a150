"""INT-16: several things in one remark; none eats another's words, and each goes to whom it concerns."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.rules.remarks import RECOGNISERS, read
from pipelines.rules.remarks.own_words import MEANS
from pipelines.shops.trading import RemarkRule
from tests.rules.build import an_order, plain_shop
from tests.rules.remarks.read import reading, understood

MIXED: list[tuple[str, str, dict[str, Any]]] = [
    ("clinic", "please deliver on Nov 25, no receipt needed", {"desired_date": "2026-11-25"}),
    ("clinic", "領収書は不要です。11/25着でお願いします。", {"desired_date": "2026-11-25"}),
    ("clinic", "領収書不要 11/25着希望", {"desired_date": "2026-11-25"}),
    (
        "clinic",
        "いつもお世話になっております。11/25午前中着でお願いします。よろしくお願いいたします。",
        {"desired_date": "2026-11-25", "desired_slot": "AM"},
    ),
    (
        "clinic",
        "・11月25日着希望\n・領収書希望（宛名：山田クリニック）\n・特になし",
        {"desired_date": "2026-11-25", "receipt_request": {"addressee": "山田クリニック"}},
    ),
    (
        "reuse",
        "領収書不要、コマ詰めをお願いします。手首周りは16cmです。11/25の14-16時着希望",
        {"work_order": None, "desired_date": "2026-11-25", "desired_slot": "14-16"},
    ),
    (
        "reuse",
        "11/25着希望、領収書も同封お願いします、裏口へ",
        {"desired_date": "2026-11-25", "receipt_request": None, "unread": "裏口へ"},
    ),
    (
        "reuse",
        "バンド調整（手首16cm）。領収書の宛名は株式会社ＡＢＣ。ラッピングお願いします。",
        {"work_order": None, "receipt_request": {"addressee": "株式会社ＡＢＣ"}, "not_offered": "gift_wrapping"},
    ),
    ("reuse", "Please gift wrap and deliver on Nov 27", {"not_offered": "gift_wrapping", "desired_date": "2026-11-27"}),
    (
        "salon",
        "coupons AUTUMN,WINTER. Deliver on Nov 25. No receipt needed.",
        {"coupon_codes": ("AUTUMN", "WINTER"), "desired_date": "2026-11-25"},
    ),
    (
        "salon",
        "クーポンAUTUMNとWINTERを使って11/25に届けてください",
        {"coupon_codes": ("AUTUMN", "WINTER"), "desired_date": "2026-11-25"},
    ),
    (
        "salon",
        "クーポン「秋割」、11/25午前中着希望、領収書希望、門の前に",
        {
            "coupon_codes": ("秋割",),
            "desired_date": "2026-11-25",
            "desired_slot": "AM",
            "receipt_request": None,
            "unread": "門の前に",
        },
    ),
]


@pytest.mark.parametrize(("shop", "remarks", "found"), MIXED)
def test_each_is_read(shop: str, remarks: str, found: dict[str, Any]) -> None:
    assert understood(remarks, shop) == found


def test_instructions_stand_in_the_order_in_which_they_were_written() -> None:
    found = reading("門の前に。領収書希望。11/25着希望。裏口も可", "reuse").instructions
    assert [(one.kind, one.says) for one in found] == [
        ("unread", "門の前に"),
        ("receipt_request", "領収書希望"),
        ("desired_date", "11/25着希望"),
        ("unread", "裏口も可"),
    ]


@pytest.mark.parametrize(
    ("remarks", "for_"),
    [
        ("11/25着希望", "supplier"),
        ("午前中着希望", "supplier"),
        ("コマ詰め希望", "supplier"),
        ("領収書希望", "accounting"),
        ("ラッピング希望", "customer"),
        ("裏口へ", "operator"),
    ],
)
def test_each_goes_to_whom_it_concerns(remarks: str, for_: str) -> None:
    assert [one.for_ for one in reading(remarks, "reuse").instructions] == [for_]


def test_a_day_for_the_receipt_is_no_day_for_the_goods() -> None:
    found = understood("領収書希望、日付は11/25で", "reuse")
    assert found == {"receipt_request": None, "unread": "日付は11/25で"}
    assert set(understood("領収書を11/25に送ってください", "reuse")) == {"unread"}


def test_nobody_quotes_a_card_number() -> None:
    """INT-17: intake refuses it; a preview must not repeat it."""
    (one,) = reading("クーポン 4111 1111 1111 1111", "salon").instructions
    assert "1111" not in f"{one.says}{one.value}"


def test_a_profile_names_what_there_is() -> None:
    field = RemarkRule.model_fields["recognisers"].annotation
    assert all(f"'{name}'" in str(field) for name in RECOGNISERS)
    assert str(field).count("'") == 2 * len(RECOGNISERS)
    assert {kind for kind, _ in MEANS.values()} - {""} <= set(RECOGNISERS)


@pytest.mark.parametrize(
    ("rule", "remarks", "found"),
    [
        ("pattern = '裏口'\naction = 'ignore'", "裏口。よろしくお願いします", []),
        ("pattern = '特急'\naction = 'coupons'", "特急を使います", [("coupon_codes", ("特急",))]),
        ("pattern = '刻印.*'\naction = 'work_order'\nlead_days = 3", "刻印はＭＹ", [("work_order", None)]),
        ("pattern = '熨斗'\naction = 'answer'", "熨斗", [("not_offered", None)]),
        ("pattern = 'お日にち.*'\naction = 'desired_date'", "お日にち11/25", [("desired_date", "2026-11-25")]),
        ("pattern = 'お日にち.*'\naction = 'desired_date'", "お日にち11/31", [("unread", None)]),
    ],
)
def test_a_shop_has_its_own_words(rule: str, remarks: str, found: list[tuple[str, Any]]) -> None:
    """They are looked for first, in the NFKC-normalised text."""
    read_ = read(an_order("plain", remarks=remarks), plain_shop(f"[[remarks]]\n{rule}"))
    told = [one.to_json() for one in read_.instructions]
    assert [(one["kind"], one["value"]) for one in told] == found
    assert read_.lead_days == (3 if "lead_days" in rule else 0)
