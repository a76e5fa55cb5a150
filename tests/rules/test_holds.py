"""INT-04, INT-14, INT-16, CPN-03, DLV-05: what waits for a person, and what remarks say."""

import pytest

from pipelines.rules.holds import holds
from pipelines.rules.marks import Mark, counters
from pipelines.rules.order import Order, ShipTo
from tests.rules.build import SHOPS, a_line, an_order, plain_shop, shop_with

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
    ("shop", "marks", "held"),
    [
        ("apparel", {}, False),
        ("apparel", {"undelivered_returns": 1, "customer_returns": 2, "customer_cancels": 9}, False),
        ("apparel", {"undelivered_returns": 2}, True),
        ("apparel", {"customer_returns": 3}, True),
        ("reuse", {"customer_cancels": 2}, False),
        ("reuse", {"customer_cancels": 3}, True),
    ],
)
def test_customers_who_do_not_receive_their_goods_are_reviewed(shop: str, marks: dict[str, int], held: bool) -> None:
    """INT-14, INT-15: held, never refused; the operator reads the figures and their window."""
    order, profile = an_order(shop), SHOPS[shop]
    made = [Mark(kind, order.placed_at) for kind, times in marks.items() for _ in range(times)]
    found = holds(order, profile, counted=counters(made, profile, order.placed_at))
    assert [hold.reason for hold in found] == (["blocked_customer"] if held else [])
    for hold in found:
        figures = [
            f"{marks.get('undelivered_returns', 0)} parcels not received",
            f"{marks.get('customer_returns', 0)} returns",
        ]
        assert all(said in hold.says("en") for said in [*figures, "365 days from 2025-"]), hold.says("en")
        assert f"キャンセルが{marks.get('customer_cancels', 0)}件" in hold.says("ja")


def test_a_new_customer_with_a_mailbox_of_another_account_is_reviewed() -> None:
    """INT-01."""
    assert [hold.reason for hold in holds(an_order("clinic"), SHOPS["clinic"], shares_mailbox=True)] == ["same_mailbox"]


@pytest.mark.parametrize(
    "remarks",
    [
        "クーポン：AUTUMN、WINTER",
        "クーポンコード\r\n\r\n「ＡＵＴＵＭＮ」　「ＷＩＮＴＥＲ」",
        "AUTUMN2026 SPRING_5",
        "coupon codes: autumn",
        "（ＶＩＰ２０）を使います",
        "クーポンは autumn-5 です。よろしくお願いいたします。",
        "クーポン「秋割」と「冬得」",
        "クーポンを使いたい",
    ],
)
def test_coupon_codes_in_the_remarks_hold_the_order_before_the_money(remarks: str) -> None:
    """CPN-03, INT-16: full-width letters, brackets and newlines do not hide them."""
    assert ("coupons_in_remarks", "authorize") in reasons(an_order("salon", remarks=remarks))


@pytest.mark.parametrize("remarks", ["玄関先に置いてください", "please ring twice", "？９時以降"])
@pytest.mark.parametrize("shop", ["salon", "reuse", "apparel"])
def test_remarks_that_no_rule_reads_are_read_by_a_person(shop: str, remarks: str) -> None:
    """INT-16: before goods are released; the money may be taken."""
    assert reasons(an_order(shop, remarks=remarks)) == [("needs_human", "release")]


@pytest.mark.parametrize("remarks", ["", "\n \r\n", "　", "---"])
def test_remarks_without_a_word_hold_nothing(remarks: str) -> None:
    assert reasons(an_order("salon", remarks=remarks)) == []


def test_a_hold_quotes_what_it_is_about() -> None:
    """INT-16: a person reads the words that nobody understood."""
    order = an_order("salon", remarks="クーポン AUTUMN。\n裏口へ\n呼び鈴は二回")
    coupons, unread = holds(order, SHOPS["salon"])
    assert coupons.says("ja").endswith("「クーポン AUTUMN」")
    assert unread.says("en").endswith('"裏口へ 呼び鈴は二回"')


def test_a_date_beside_other_wishes_does_not_hide_them() -> None:
    """INT-16: never ignored."""
    assert reasons(an_order("clinic", remarks="11月25日着希望\n裏口へ")) == [("needs_human", "release")]


def test_a_pattern_of_the_shop_may_drop_text() -> None:
    shop = plain_shop("[[remarks]]\npattern = '裏口'\naction = 'ignore'")
    assert holds(an_order("plain", remarks="裏口。よろしくお願いします"), shop) == ()
