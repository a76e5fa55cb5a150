"""INT-02, INT-05 to INT-10, INT-15, INT-17, PAY-01, PAY-09, PAY-13, DLV-02, CPN-03 to CPN-06, PTS-06 and totals."""

from datetime import timedelta
from typing import Any

import pytest

from pipelines.rules.money.pricing import price
from pipelines.rules.order import Coupon, Customer, Order, ShipTo
from pipelines.rules.refusals import refusals
from pipelines.shops import Shop
from tests.rules.build import SHOPS, a_line, an_order, at, day, plain_shop, shop_with


def fields(order: Order, shop: Shop | None = None, balance: int = 0, **how: Any) -> list[str]:
    shop = shop or SHOPS[order.shop]
    known = {"now": order.placed_at, "balance": balance, **how}
    return [one.field for one in refusals(order, shop, price(order, shop, balance=balance), **known)]


def customer(**changes: Any) -> Customer:
    return Customer(**{"id": "M-1", "name": "山田", "email": "a@example.jp", **changes})


def ship_to(**changes: Any) -> ShipTo:
    plain = {
        "kind": "organisation",
        "name": "店",
        "postal_code": "460-0008",
        "region": "愛知県",
        "city": "市",
        "line1": "1",
    }
    return ShipTo(**{**plain, **changes})


def coupons(*kinds: str) -> tuple[Coupon, ...]:
    return tuple(Coupon(f"C{n}", kind, 10) for n, kind in enumerate(kinds))


def test_an_ordinary_order_is_taken() -> None:
    assert [fields(an_order(shop)) for shop in SHOPS] == [[], [], [], []]


@pytest.mark.parametrize(
    ("rule", "shop", "changes", "field"),
    [
        ("INT-06", "clinic", {"channel": "fax"}, "channel"),
        ("INT-07", "reuse", {"customer": customer(id="")}, "customer.id"),
        ("INT-08", "reuse", {"ship_to": ship_to(country="US")}, "ship_to.country"),
        ("INT-08", "reuse", {"ship_to": ship_to(postal_code="46-00080")}, "ship_to.postal_code"),
        ("INT-08", "reuse", {"ship_to": ship_to(region="California")}, "ship_to.region"),
        ("int4", "salon", {"lines": (a_line(price=9_999_999, quantity=101),)}, "lines"),
        ("int4", "salon", {"lines": (a_line(price=9_999_999, quantity=99), a_line("2", price=9_999_999))}, "lines"),
        ("INT-05", "clinic", {"lines": (a_line(), a_line("2", flags=frozenset({"pharmaceutical"})))}, "lines[1].flags"),
        ("RNK-01", "salon", {"customer": customer(rank="PLATINUM")}, "customer.rank"),
        ("PAY-01", "clinic", {"method": "direct_debit"}, "payment.method"),
        ("PAY-01", "clinic", {"customer": customer(account="partner_web")}, "payment.method"),
        ("PAY-01", "clinic", {"customer": customer(account="partner_claims"), "method": "card"}, "payment.method"),
        ("PAY-01", "salon", {"customer": customer(account="partner_web")}, "customer.account"),
        ("PAY-03", "reuse", {"method": "loan", "token": "another-lender"}, "payment.token"),
        ("PAY-03", "salon", {"method": "loan"}, "payment.method"),
        ("PAY-09", "reuse", {"lines": (a_line(price=300_000),), "method": "cod"}, "payment.method"),  # fee on top
        ("PAY-13", "salon", {"method": "none"}, "payment.method"),
        ("B.6.5", "reuse", {"lines": (a_line(price=300_000),), "method": "konbini"}, "payment.method"),
        ("DLV-02", "reuse", {"delivery_slot": "12-14"}, "delivery.slot"),
        ("DLV-02", "reuse", {"delivery_slot": "午前中"}, "delivery.slot"),
        ("DLV", "reuse", {"delivery_date": day("2027-11-20")}, "delivery.date"),
        ("CPN-06", "reuse", {"coupons": coupons("amount")}, "coupons"),
        ("CPN-05", "clinic", {"coupons": coupons("amount")}, "coupons[0].kind"),
        ("CPN-03", "salon", {"coupons": coupons("amount", "amount")}, "coupons"),
        ("CPN-01", "apparel", {"coupons": (Coupon("A", "amount", 1), Coupon("A", "amount", 1))}, "coupons[1].code"),
        ("PTS-06", "salon", {"points_use": 1}, "points.use"),
        ("total", "salon", {"shown_total": 1_761}, "totals.grand_total"),
    ],
)
def test_what_a_shop_refuses(rule: str, shop: str, changes: dict[str, Any], field: str) -> None:
    assert fields(an_order(shop, **changes)) == [field], rule


@pytest.mark.parametrize(
    ("rule", "shop", "changes"),
    [
        ("PAY-01", "clinic", {"customer": customer(account="partner_web"), "method": "direct_debit"}),
        ("PAY-01", "clinic", {"customer": customer(account="partner_claims"), "method": "claims_offset"}),
        ("PAY-09", "reuse", {"lines": (a_line(price=298_900),), "method": "cod"}),  # 300,000 with the fee
        ("INT-08", "reuse", {"ship_to": ship_to(postal_code="４６００００８", region="Aichi")}),
        ("INT-08", "reuse", {"ship_to": ship_to(postal_code="460−0008", region="Kyoto-fu")}),
        ("INT-08", "reuse", {"ship_to": ship_to(postal_code="〒460 0008", region="Tōkyō")}),
        ("INT-08", "reuse", {"ship_to": ship_to(postal_code="100-0001", region="JP-13")}),
        ("int4", "salon", {"lines": (a_line(price=9_000_000, quantity=101),)}),  # 999,900,000 with tax
        ("DLV-01", "clinic", {"delivery_slot": "なるべく午前"}),
        ("DLV-02", "reuse", {"delivery_slot": "19-21"}),
        ("DLV-04", "reuse", {"delivery_date": day("2026-11-01")}),  # cleared, not refused
        ("CPN-05", "clinic", {"coupons": coupons("points")}),
        ("PTS-06", "salon", {"points_use": "all"}),
        ("total", "salon", {"shown_total": 1_760}),
    ],
)
def test_what_a_shop_takes(rule: str, shop: str, changes: dict[str, Any]) -> None:
    assert fields(an_order(shop, **changes)) == [], rule


@pytest.mark.parametrize("method", ["card", "paypay", "amazon_pay", "konbini", "cod", "bank_transfer", "loan"])
def test_reuse_takes_all_its_methods(method: str) -> None:
    """PAY-03."""
    assert fields(an_order("reuse", method=method)) == []


@pytest.mark.parametrize(
    ("method", "chosen", "offered", "refused"),
    [
        ("konbini", "lawson", "", False),  # a profile that lists none takes any
        ("konbini", "lawson", 'konbini_stores = ["lawson", "ministop"]', False),
        ("konbini", "seven-eleven", 'konbini_stores = ["lawson", "ministop"]', True),
        ("konbini", None, 'konbini_stores = ["lawson", "ministop"]', False),  # the gateway's own
        ("loan", "lender-a", 'lenders = ["lender-a", "lender-b"]', False),
        ("loan", "lender-c", 'lenders = ["lender-a", "lender-b"]', True),
        ("loan", "", 'lenders = ["lender-a", "lender-b"]', False),
        ("card", "tok_ok", 'konbini_stores = ["lawson"]', False),  # a card's token is no choice
    ],
)
def test_a_chain_or_a_lender_is_one_that_the_shop_offers(
    method: str, chosen: str | None, offered: str, refused: bool
) -> None:
    """PAY-03, PAY-08."""
    shop = plain_shop(f'[payment]\nmethods.local = ["{method}"]\n{offered}')
    assert fields(an_order("plain", method=method, token=chosen), shop) == (["payment.token"] if refused else [])


@pytest.mark.parametrize(("policy", "refused"), [("carrier_legacy", []), ("strict", ["customer.email"])])
@pytest.mark.parametrize("address", ["user..name@docomo.ne.jp", ".user@ezweb.ne.jp", "a..b@example.jp"])
def test_orders_are_dropped_for_a_dotted_address_only_where_the_shop_is_strict(
    address: str, policy: str, refused: list[str]
) -> None:
    """INT-02."""
    shop = plain_shop(f'[intake]\nmail_syntax_policy = "{policy}"')
    assert fields(an_order("plain", customer=customer(email=address)), shop) == refused
    assert fields(an_order("plain", customer=customer(email="a_b__c@ezweb.ne.jp")), shop) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"remarks": "カード 4111 1111 1111 1111"}, "remarks"),
        ({"remarks": "４１１１−１１１１−１１１１−１１１１"}, "remarks"),
        ({"token": "4111111111111111"}, "payment.token"),
        ({"lines": (a_line(), a_line("2", name="5555555555554444"))}, "lines[1].name"),
        ({"ship_to": ship_to(line2="378282246310005")}, "ship_to.line2"),
        ({"remarks": "4111\n1111\n1111\n1111"}, "remarks"),
        ({"lines": (a_line(flags=frozenset({"sale", "4111111111111111"})),)}, "lines[0].flags"),
    ],
)
def test_card_numbers_are_refused_wherever_they_are(changes: dict[str, Any], field: str) -> None:
    """INT-17: and never repeated in the message."""
    order = an_order("salon", **changes)
    found = refusals(order, SHOPS["salon"], price(order, SHOPS["salon"]), now=order.placed_at)
    assert [one.field for one in found] == [field]
    assert not any(character.isdigit() for character in found[0].message)


def test_two_fields_side_by_side_are_not_one_card_number() -> None:
    """INT-17."""
    who = customer(id="4111 1111", name="1111 1111")
    assert fields(an_order("salon", customer=who)) == []


@pytest.mark.parametrize("number", ["411111-11111111-1111111111", "4111111111111111"])
def test_the_shop_s_own_number_is_no_free_text(number: str) -> None:
    """INT-17: the shop counts its orders as it likes."""
    assert fields(an_order("salon", number=number)) == []


@pytest.mark.parametrize(
    ("now", "minutes", "refused"),
    [
        ("2026-11-20 10:00:00", 10, []),
        ("2027-11-20 10:00:00", 10, []),  # late is no refusal
        ("2026-11-20 09:50:00", 10, []),
        ("2026-11-20 09:49:59", 10, ["placed_at"]),
        ("2026-11-20 09:59:59", 0, ["placed_at"]),
        ("2026-11-20 01:00:00", 600, []),
    ],
)
def test_an_order_from_the_future_is_refused(now: str, minutes: int, refused: list[str]) -> None:
    """A storefront's clock may be ahead by ``intake.placed_ahead_minutes``."""
    shop = plain_shop(f"[intake]\nplaced_ahead_minutes = {minutes}")
    assert fields(an_order("plain"), shop, now=at(now)) == refused


@pytest.mark.parametrize(
    ("use", "refused"), [(5_480, ["points.use"]), (5_500, []), (5_450, []), (5_451, ["points.use"])]
)
def test_one_to_forty_nine_yen_never_go_to_the_gateway(use: int, refused: list[str]) -> None:
    """PAY-13, B.8: 5,500 yen to pay; 20 yen would remain."""
    shop = shop_with("apparel", **{"use_cap = 5_000": ""})
    order = an_order("apparel", a_line(price=5_264), coupons=(Coupon("A", "amount", 500),), points_use=use)
    assert fields(order, shop, balance=6_000) == refused


def test_a_tiny_order_without_points_needs_another_method() -> None:
    """PAY-13."""
    assert fields(an_order("clinic", a_line(price=30))) == ["payment.method"]


@pytest.mark.parametrize(("balance", "refused"), [(399, ["points.use"]), (400, []), (-5, ["points.use"])])
def test_points_beyond_the_balance(balance: int, refused: list[str]) -> None:
    """PTS-06."""
    assert fields(an_order("salon", points_use=400), balance=balance) == refused


def test_a_coupons_points_count_as_balance() -> None:
    """PTS-15."""
    order = an_order("clinic", a_line(price=9_000), coupons=(Coupon("T", "points", 3_000),), points_use=3_000)
    assert fields(order) == []


def test_guests_have_no_points() -> None:
    shop = plain_shop("[intake]\nguest_orders = true")
    assert fields(an_order("plain", customer=customer(id=""), points_use=10), shop) == ["points.use"]


@pytest.mark.parametrize(
    ("dictated", "refused"), [({"card"}, []), ({"bank_transfer"}, ["payment.method"]), (set(), ["payment.method"])]
)
def test_a_shop_may_dictate_the_method_to_a_customer(dictated: set[str], refused: list[str]) -> None:
    """INT-15."""
    assert fields(an_order("reuse"), allowed_methods=dictated) == refused


def test_the_methods_that_remain_are_said() -> None:
    """INT-15."""
    order, shop = an_order("reuse"), SHOPS["reuse"]
    left = {"bank_transfer", "konbini"}
    (problem,) = refusals(order, shop, price(order, shop), now=order.placed_at, allowed_methods=left)
    assert problem.message.endswith("must be konbini or bank_transfer (INT-15).")


@pytest.mark.parametrize(("seconds", "refused_for"), [(-1, ["customer.id"]), (0, ["customer.id"]), (1, [])])
def test_nothing_is_ordered_from_the_withdrawal_on(seconds: int, refused_for: list[str]) -> None:
    """CON-06: what was placed before goes on."""
    order = an_order("salon")
    assert fields(order, withdrawn_at=order.placed_at + timedelta(seconds=seconds)) == refused_for


def test_every_problem_is_told_at_once() -> None:
    order = an_order("reuse", channel="fax", method="direct_debit", delivery_slot="noon", coupons=coupons("amount"))
    assert fields(order) == ["channel", "coupons", "payment.method", "delivery.slot"]
