"""INT-04, INT-14, INT-16, CPN-03, DLV-05: what waits for a person, and what remarks say."""

import pytest

from pipelines.rules.holds import holds
from pipelines.rules.order import Order, ShipTo
from pipelines.rules.remarks import normalised, read
from tests.rules.build import SHOPS, a_line, an_order, day, plain_shop, shop_with

INDIVIDUAL = ShipTo("individual", "山田 花子", "460-0008", "愛知県", "名古屋市中区", "栄1-2-3")


def reasons(order: Order) -> list[tuple[str, str]]:
    return [(hold.reason, hold.blocks) for hold in holds(order, SHOPS[order.shop])]


def test_an_ordinary_order_is_not_held() -> None:
    assert [reasons(an_order(shop)) for shop in SHOPS] == [[], [], [], []]


def test_products_that_do_not_go_to_individuals() -> None:
    """INT-04 (b)."""
    order = an_order("salon", a_line(flags=frozenset({"business_address_only"})), ship_to=INDIVIDUAL)
    assert reasons(order) == [("individual_not_deliverable", "authorize")]
    assert reasons(an_order("salon", ship_to=INDIVIDUAL)) == []


def test_an_individual_without_a_row_in_the_fee_table_needs_a_quote() -> None:
    """INT-04 (a): never a fee that was not shown."""
    assert reasons(an_order("clinic", ship_to=INDIVIDUAL)) == [("quote_needed", "authorize")]
    table = shop_with("clinic", **{"[calendar]": '[shipping.individual_surcharge]\n"*" = 500\n[calendar]'})
    assert holds(an_order("clinic", ship_to=INDIVIDUAL), table) == ()


@pytest.mark.parametrize(
    ("marks", "held"),
    [
        ({}, False),
        ({"undelivered_returns": 1, "customer_returns": 2}, False),
        ({"undelivered_returns": 2}, True),
        ({"customer_returns": 3}, True),
    ],
)
def test_customers_who_do_not_receive_their_goods_are_reviewed(marks: dict[str, int], held: bool) -> None:
    """INT-14: held, never refused."""
    found = holds(an_order("apparel"), SHOPS["apparel"], marks=marks)
    assert [hold.reason for hold in found] == (["blocked_customer"] if held else [])


@pytest.mark.parametrize(
    "remarks",
    [
        "クーポン：AUTUMN、WINTER",
        "クーポンコード\r\n\r\n「ＡＵＴＵＭＮ」　「ＷＩＮＴＥＲ」",
        "AUTUMN2026 SPRING_5",
        "coupon codes: autumn",
        "（ＶＩＰ２０）を使います",
        "クーポンは autumn-5 です。よろしくお願いいたします。",
    ],
)
def test_coupon_codes_in_the_remarks_hold_the_order_before_the_money(remarks: str) -> None:
    """CPN-03, INT-16: full-width letters, brackets and newlines do not hide them."""
    assert ("coupons_in_remarks", "authorize") in reasons(an_order("salon", remarks=remarks))


@pytest.mark.parametrize("remarks", ["玄関先に置いてください", "please ring twice", "？９時以降", "クーポンを使いたい"])
@pytest.mark.parametrize("shop", ["salon", "reuse", "apparel"])
def test_remarks_that_no_rule_reads_are_read_by_a_person(shop: str, remarks: str) -> None:
    """INT-16: before goods are released; the money may be taken."""
    assert reasons(an_order(shop, remarks=remarks)) == [("needs_human", "release")]


@pytest.mark.parametrize("remarks", ["", "\n \r\n", "　", "---"])
def test_remarks_without_a_word_hold_nothing(remarks: str) -> None:
    assert reasons(an_order("salon", remarks=remarks)) == []


@pytest.mark.parametrize(
    ("remarks", "desired"),
    [
        ("11月25日着希望", "2026-11-25"),
        ("希望日：２０２６年１１月２５日（水）", "2026-11-25"),
        ("配達希望日 2026-11-25 でお願いします。", "2026-11-25"),
        ("11/25に届けてください", "2026-11-25"),
        ("1月8日に配送希望", "2027-01-08"),  # the next one after the order
        ("Please deliver by 11/25, thank you", "2026-11-25"),
    ],
)
def test_clinic_reads_a_desired_date(remarks: str, desired: str) -> None:
    """DLV-01."""
    reading = read(an_order("clinic", remarks=remarks), SHOPS["clinic"])
    assert reading.desired_date == day(desired)


@pytest.mark.parametrize("remarks", ["11月31日着希望", "電話 052-000-0000", "商品 1-2-3 について", "13/45"])
def test_what_is_no_date_goes_to_a_person(remarks: str) -> None:
    reading = read(an_order("clinic", remarks=remarks), SHOPS["clinic"])
    assert (reading.desired_date, reading.unread) == (None, True)


def test_a_date_beside_other_wishes_does_not_hide_them() -> None:
    """INT-16: never ignored."""
    order = an_order("clinic", remarks="11月25日着希望\n裏口へ")
    assert read(order, SHOPS["clinic"]).desired_date == day("2026-11-25")
    assert reasons(order) == [("needs_human", "release")]


@pytest.mark.parametrize(
    ("remarks", "action", "lead_days"),
    [
        ("領収書希望。宛名は山田商店", "receipt_request", 0),  # DOC-02
        ("腕時計のバンド調整希望", "work_order", 1),  # STO-02
        ("手首回り 手首16.5cm", "work_order", 1),
        ("ギフトラッピングをお願いします", "answer", 0),  # DLV-05
        ("佐川急便で", "answer", 0),
    ],
)
def test_reuse_routes_its_remarks(remarks: str, action: str, lead_days: int) -> None:
    """INT-16."""
    reading = read(an_order("reuse", remarks=remarks), SHOPS["reuse"])
    assert reading.has(action)
    assert reading.lead_days == lead_days


def test_a_rule_may_drop_text() -> None:
    shop = plain_shop("[[remarks]]\npattern = '特になし'\naction = 'ignore'")
    assert holds(an_order("plain", remarks="特になし"), shop) == ()


def test_the_copy_for_matching_is_nfkc_without_noise() -> None:
    assert normalised("　（ＡＢＣ）\r\n\r\n\n ｶﾞ① ") == "(ABC)\nガ1"


@pytest.mark.parametrize(
    "noise", ["日" * 2_000, "クーポン" * 500, "1-" * 1_000, "ベルト" * 660, "A" * 2_000, " \n" * 1_000]
)
def test_no_remark_makes_the_patterns_slow(noise: str) -> None:
    """The longest remarks an order may carry; a pattern that backtracks would run into the test's time limit. INT-16: they
    are read by a rule or by a person, never ignored."""
    for shop in SHOPS.values():
        reading = read(an_order(shop.key, remarks=noise), shop)
        assert bool(reading.found or reading.unread) == bool(noise.strip()), shop.key
