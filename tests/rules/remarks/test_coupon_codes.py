"""CPN-03: coupon codes of any spelling are found before the order's amount is fixed."""

from __future__ import annotations

import pytest

from pipelines.rules.remarks import read
from tests.rules.build import an_order, shop_with
from tests.rules.remarks.read import understood


@pytest.mark.parametrize(
    ("remarks", "codes"),
    [
        ("クーポン：AUTUMN、WINTER", ["AUTUMN", "WINTER"]),
        ("クーポンコード\r\n\r\n「ＡＵＴＵＭＮ」　「ＷＩＮＴＥＲ」", ["AUTUMN", "WINTER"]),
        ("クーポン AUTUMN/WINTER", ["AUTUMN", "WINTER"]),
        ("クーポン AUTUMN と WINTER を使います", ["AUTUMN", "WINTER"]),
        ("クーポン２枚使います（AUTUMN・WINTER）", ["AUTUMN", "WINTER"]),
        ("クーポンコード1：AUTUMN　クーポンコード2：WINTER", ["AUTUMN", "WINTER"]),
        ("クーポン: AUTUMN, クーポン: autumn", ["AUTUMN"]),  # one code
        ("AUTUMN2026 SPRING_5", ["AUTUMN2026", "SPRING_5"]),
        ("AUTUMN + WINTER", ["AUTUMN", "WINTER"]),
        ("（ＶＩＰ２０）を使います", ["VIP20"]),
        # lower case
        ("クーポンは autumn-5 です。よろしくお願いいたします。", ["autumn-5"]),
        ("クーポン: autumn, クーポン: winter", ["autumn", "winter"]),
        ("coupon codes: autumn, winter please", ["autumn", "winter"]),
        ("Please use coupon autumn and winter", ["autumn", "winter"]),
        ("autumn と winter を使います", ["autumn", "winter"]),
        # Japanese
        ("クーポン「秋割」と「冬得」を使います", ["秋割", "冬得"]),
        ("クーポンは秋割と冬得です", ["秋割", "冬得"]),
        ("クーポンコード：秋割20%、冬得", ["秋割20%", "冬得"]),
        ("プロモコード：あき割、ふゆ割", ["あき割", "ふゆ割"]),
        ("「秋割」「冬得」を使ってください", ["秋割", "冬得"]),
        # a word of coupons without a code keeps the amount open too
        ("クーポンを使いたいです", []),
        ("use my coupon for this order", []),
        ("クーポンコードを入れ忘れました", []),
    ],
)
def test_codes_are_found(remarks: str, codes: list[str]) -> None:
    found = understood(remarks, "salon")
    assert {kind: list(value) for kind, value in found.items()} == {"coupon_codes": codes}


@pytest.mark.parametrize("remarks", ["クーポンは使いません", "クーポンなし", "クーポン不要です", "No coupons, thanks"])
def test_no_coupon_is_no_code(remarks: str) -> None:
    assert understood(remarks, "salon") == {}


@pytest.mark.parametrize(
    ("remarks", "unread"),
    [
        ("クーポン AUTUMN。門の前に置いてください", "門の前に置いてください"),
        ("クーポンAUTUMNが使えませんでした", "が使えませんでした"),
        ("I have a coupon code but could not enter it", "but could not enter it"),
    ],
)
def test_whatever_else_is_said_a_coupon_keeps_the_amount_open(remarks: str, unread: str) -> None:
    found = understood(remarks, "salon")
    assert ("coupon_codes" in found, found["unread"]) == (True, unread)


@pytest.mark.parametrize("remarks", ["please ring twice", "PLEASE LEAVE AT DOOR", "TEL 052-000-0000", "秋割と冬得で"])
def test_other_words_are_no_codes(remarks: str) -> None:
    assert set(understood(remarks, "salon")) == {"unread"}


def test_the_shops_own_codes_are_known_by_themselves() -> None:
    offers = (
        '[coupons.offers."秋割"]\nkind = "amount"\nvalue = 500\n[coupons.offers.spring]\nkind = "amount"\nvalue = 500\n'
    )
    shop = shop_with("salon", **{"[returns]": f"{offers}[returns]"})
    (one,) = read(an_order("salon", remarks="秋割とSpringをお願いします"), shop).instructions
    assert (one.kind, one.value, one.for_) == ("coupon_codes", ("秋割", "Spring"), "operator")


def test_a_shop_without_coupons_has_a_person_read() -> None:
    """CPN-06."""
    assert understood("クーポン AUTUMN", "reuse") == {"unread": "クーポン AUTUMN"}
