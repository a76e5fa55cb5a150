"""INT-16: remarks that ask for nothing hold nothing; what a shop does not offer is answered at once (DLV-05)."""

from __future__ import annotations

import pytest

from tests.rules.build import SHOPS
from tests.rules.remarks.read import reading, understood


@pytest.mark.parametrize("shop", sorted(SHOPS))
@pytest.mark.parametrize(
    "remarks",
    [
        "",
        "　",
        "\n \r\n",
        "---",
        "。",
        "特になし",
        "特になし。",
        "とくにありません",
        "特にございません。",
        "特に無し",
        "特記事項はありません",
        "備考：なし",
        "なし",
        "無し",
        "ありません",
        "時間指定なし",
        "日時指定は特にありません",
        "いつでも大丈夫です",
        "よろしくお願いします",
        "宜しくお願い致します。",
        "どうぞよろしくお願いいたします！",
        "お世話になります。よろしくお願いします！",
        "いつもお世話になっております。",
        "いつもありがとうございます😊",
        "ありがとうございます。楽しみにしています！",
        "お手数をおかけしますが、よろしくお願いいたします。",
        "恐れ入りますが、ご対応のほどよろしくお願い申し上げます。",
        "特になしです。よろしくお願いします。",
        "none",
        "N/A",
        "Nothing special.",
        "No special requests, thanks!",
        "Thank you!",
        "Hello, thank you very much in advance. Kind regards",
    ],
)
def test_nothing_and_thanks_are_read_everywhere(shop: str, remarks: str) -> None:
    assert understood(remarks, shop) == {}


@pytest.mark.parametrize(
    "remarks",
    [
        "山田です",
        "特になしですが、裏口へ",
        "特に気をつけてください",
        "なしの缶詰を入れてください",
        "在庫はありません",
        "お願いしたいことがあります",
        "Thank you for the last order, it was broken",
        "no sugar",
        "お願いします？",
    ],
)
def test_more_than_that_is_shown(remarks: str) -> None:
    assert "unread" in understood(remarks)


@pytest.mark.parametrize(
    ("remarks", "topic"),
    [
        ("ギフトラッピングをお願いします", "gift_wrapping"),
        ("プレゼント用に包装してください", "gift_wrapping"),
        ("誕生日プレゼントなのでラッピングお願いします", "gift_wrapping"),
        ("のしを付けてください", "gift_wrapping"),
        ("Gift wrap please", "gift_wrapping"),
        ("佐川急便で", "carrier_choice"),
        ("クロネコヤマトで発送してください", "carrier_choice"),
        ("Please send via Yamato", "carrier_choice"),
    ],
)
def test_what_the_shop_does_not_offer_is_answered(remarks: str, topic: str) -> None:
    """DLV-05."""
    (one,) = reading(remarks, "reuse").instructions
    assert (one.kind, one.value, one.for_) == ("not_offered", topic, "customer")


@pytest.mark.parametrize("remarks", ["ラッピング不要", "ラッピングはいりません", "No gift wrapping needed"])
def test_wrapping_that_is_declined_asks_for_nothing(remarks: str) -> None:
    assert understood(remarks, "reuse") == {}


@pytest.mark.parametrize(
    "remarks", ["佐川は避けてください", "佐川急便以外で", "ヤマトの営業所止めでお願いします", "簡易包装に協力します"]
)
def test_other_words_about_carriers_and_wrapping_are_left_to_a_person(remarks: str) -> None:
    assert set(understood(remarks, "reuse")) == {"unread"}
