"""Goods that left and came back, through the real engine: money, coupon, points, fee and people (A.12, CPN-04, PTS-13)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine

from tests.rules.build import SHOPS, shop_with
from tests.world import World, a_line, document, tracking_number
from workers.mail.rendering import Renderer

PLAIN = {"member_discount_percent = 5": "member_discount_percent = 0", "fee = 500": "fee = 0"}
FIRST, SECOND = tracking_number(44_441_375_001), tracking_number(44_441_375_002)
COUPON = [{"code": "C", "kind": "amount", "value": 1_000}]


def apparel(*prices: int, number: str = "A-1", **changes: Any) -> dict[str, Any]:
    """An order of one piece a line at ``prices``, untaxed, so that the published figures stand as they are."""
    lines = [a_line(str(n), 1, price, tax_rate=0) for n, price in enumerate(prices, start=1)]
    return document(number, *lines, shop="apparel", **changes)


def take_back(world: World, *lines: tuple[str, int], number: str = "A-1", shop: str = "apparel", **body: Any) -> None:
    """An operator settles (line, pieces) that came back."""
    asked = [{"line": line, "quantity": quantity} for line, quantity in lines]
    world.tell(world.ask("order.return_lines", number, shop, lines=asked, **body))
    world.settle()


def ending(world: World) -> tuple[str, str]:
    """What became of the operator's last word."""
    row = world.rows("SELECT state, reason FROM inbox_event WHERE type = 'order.return_lines' ORDER BY id DESC")[0]
    return row.state, row.reason or ""


def refunds(world: World, number: str = "A-1", shop: str = "apparel") -> list[int]:
    """The money of each change, in its sequence."""
    return [one["money"] for one in world.show(number, shop)["adjustments"]]


def given_back(world: World) -> int:
    """Yen that the gateway really refunded."""
    return sum(card.refunded for card in world.gateway.cards.values())


@pytest.fixture
def world(engine: Engine, database_url: str, renderer: Renderer) -> Any:
    """Apparel without its member price and shipping fee."""
    with World(engine, database_url, renderer, shops={**SHOPS, "apparel": shop_with("apparel", **PLAIN)}) as world:
        yield world


def shipped(world: World, *prices: int, **changes: Any) -> World:
    """The order has left and its card was captured."""
    world.take(apparel(*prices, **changes))
    world.settle()
    world.ship_all("A-1", shop="apparel")
    return world


@pytest.mark.parametrize(
    ("prices", "returned", "money", "recovered"),
    [
        ((6_000, 4_000), ("1", "2"), [5_000, 4_000], [1_000, 0]),
        ((800, 9_200), ("1", "2"), [0, 9_000], [800, 200]),
    ],
    ids=["6,000 then 4,000", "an 800 yen item first: 200 left to recover"],
)
def test_refund_of_the_whole_coupon_twice(
    world: World, prices: tuple[int, ...], returned: tuple[str, ...], money: list[int], recovered: list[int]
) -> None:
    """CPN-04, to the yen on the card: neither does the customer keep the coupon, nor does the shop take it twice."""
    shipped(world, *prices, coupons=COUPON)
    for line in returned:
        take_back(world, (line, 1))
    shown = world.show("A-1", "apparel")
    assert [one["money"] for one in shown["adjustments"]] == money
    assert [one["coupon_recovered"] for one in shown["adjustments"]] == recovered
    assert (shown["payment"]["state"], shown["payment"]["refunded"]) == ("refunded", 9_000)
    assert given_back(world) == 9_000
    assert world.broken() == {}


def test_the_shops_fault_costs_no_coupon(world: World) -> None:
    """A wrong or broken item gives back what it cost with the coupon, and all of them the shipping too."""
    shipped(world, 6_000, 4_000, coupons=COUPON)
    take_back(world, ("1", 1), fault="shop", reason="torn")
    (change,) = world.show("A-1", "apparel")["adjustments"]
    assert (change["kind"], change["money"], change["coupon_recovered"]) == ("fault", 5_400, 0)
    assert world.value("SELECT count(*) FROM customer_mark") == 0
    assert world.broken() == {}


def test_the_customer_is_told_what_is_left(world: World) -> None:
    shipped(world, 6_000, 4_000, coupons=COUPON)
    take_back(world, ("1", 1))
    (mail,) = [one for one in world.postbox.mails if one["X-Shukka-Template"] == "refund_done"]
    plain = mail.get_body(("plain",))
    assert plain is not None
    text = plain.get_content()
    assert "ご返金額: 5,000円" in text
    assert "商品 2" in text
    assert "商品 1" not in text
    assert "ご返金後の合計: 4,000円" in text


def test_a_customers_return_is_marked(world: World) -> None:
    """INT-14: three of them in the window hold the next order."""
    shipped(world, 1_000, 1_000, 1_000)
    for line in ("1", "2", "3"):
        take_back(world, (line, 1))
    assert world.value("SELECT count(*) FROM customer_mark WHERE kind = 'customer_returns'") == 3
    world.take(apparel(500, number="A-2"))
    world.settle()
    assert [hold["reason"] for hold in world.show("A-2", "apparel")["hold"]] == ["blocked_customer"]


def test_the_earned_points_of_returned_goods_go(world: World) -> None:
    """PTS-13: 100 points for 6,000 + 4,000 yen, 60 of them for what came back."""
    shipped(world, 6_000, 4_000)
    assert world.balance(shop="apparel") == (0, 100)
    take_back(world, ("1", 1))
    assert world.balance(shop="apparel") == (0, 40)
    assert world.broken() == {}


def test_used_points_come_back_for_what_came_back(world: World) -> None:
    """PTS-12: 1,000 of 10,000 yen were paid in points, so were 600 of the 6,000."""
    world.grant(1_000, shop="apparel")
    shipped(world, 6_000, 4_000, points={"use": 1_000})
    take_back(world, ("1", 1))
    (change,) = world.show("A-1", "apparel")["adjustments"]
    assert (change["refund"], change["money"], change["points_returned"]) == (6_000, 5_400, 600)
    assert world.broken() == {}


class TestSpentPoints:
    """PTS-13: the points that the goods had earned were spent before the goods came back."""

    @pytest.fixture
    def deducting(self, engine: Engine, database_url: str, renderer: Renderer) -> Any:
        shop = shop_with("apparel", **PLAIN, **{"use_cap = 5_000": 'clawback = "deduct_from_refund"\nuse_cap = 5_000'})
        with World(engine, database_url, renderer, shops={**SHOPS, "apparel": shop}) as world:
            yield world

    def spend(self, world: World, points: int) -> None:
        shipped(world, 6_000, 4_000)
        world.take(apparel(5_000, number="A-2", points={"use": points}))

    def test_the_difference_is_owed(self, world: World) -> None:
        self.spend(world, 70)
        take_back(world, ("1", 1))
        assert (refunds(world), world.balance(shop="apparel")[1]) == ([6_000], -30)
        assert world.broken() == {}

    def test_or_deducted_from_the_refund(self, deducting: World) -> None:
        """30 of the 60 points are there and are taken; the other 30 are kept back in yen. Nothing is owed."""
        self.spend(deducting, 70)
        take_back(deducting, ("1", 1))
        (change,) = deducting.show("A-1", "apparel")["adjustments"]
        assert (change["refund"], change["money"], change["points_deducted"]) == (6_000, 5_970, 30)
        assert deducting.balance(shop="apparel")[1] == 0
        assert given_back(deducting) == 5_970
        assert deducting.broken() == {}
        take_back(deducting, ("2", 1))
        assert refunds(deducting) == [5_970, 3_960]
        assert deducting.show("A-1", "apparel")["payment"]["state"] == "partly_refunded"
        assert deducting.broken() == {}

    def test_two_orders_of_one_customer_at_once_leave_nothing_unpaid(self, deducting: World) -> None:
        """Both are decided on the same purse of 100 points; what the second does not find any more is owed."""
        deducting.take(apparel(10_000), apparel(10_000, number="A-2"))
        deducting.settle()
        deducting.ship_all("A-1", "A-2", shop="apparel")
        deducting.take(apparel(5_000, number="A-3", points={"use": 100}))
        one = [{"line": "1", "quantity": 1}]
        deducting.tell(*(deducting.ask("order.return_lines", n, "apparel", lines=one) for n in ("A-1", "A-2")))
        deducting.settle()
        assert refunds(deducting) == refunds(deducting, "A-2") == [10_000]
        assert deducting.balance(shop="apparel")[1] == -100
        assert deducting.broken() == {}


def test_a_customers_return_costs_the_fee(world: World) -> None:
    """TAX-05: at salon 1,500 yen ex tax, 1,650 with 10 %; the shop's own fault is free."""
    world.take(document("S-1", a_line("1", 2, 10_000)))
    world.settle()
    world.ship_all("S-1")
    take_back(world, ("1", 1), number="S-1", shop="salon")
    take_back(world, ("1", 1), number="S-1", shop="salon", fault="shop")
    first, second = world.show()["adjustments"]
    assert (first["return_fee"], first["money"]) == (1_500, 11_000 - 1_650)
    assert (second["return_fee"], second["money"]) == (0, 11_000)
    assert world.broken() == {}


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([("9", 1)], "the order has no line 9"),
        ([("1", 2)], "1 pieces of line 1 have left and not come back"),
        ([("1", 1), ("2", 2)], "1 pieces of line 2"),
    ],
)
def test_what_never_left_cannot_come_back(world: World, lines: list[tuple[str, int]], says: str) -> None:
    shipped(world, 6_000, 4_000)
    take_back(world, *lines)
    state, reason = ending(world)
    assert (state, says in reason, refunds(world)) == ("refused", True, [])


def test_nor_can_it_come_back_twice(world: World) -> None:
    shipped(world, 6_000, 4_000)
    one = [{"line": "1", "quantity": 1}]
    world.tell(*(world.ask("order.return_lines", "A-1", "apparel", lines=one) for _ in range(2)))
    world.settle()
    assert refunds(world) == [6_000]
    assert "0 pieces of line 1" in ending(world)[1]


def test_before_it_left_a_line_is_cancelled_instead(world: World) -> None:
    world.take(apparel(6_000))
    world.settle()
    take_back(world, ("1", 1))
    assert "only goods that have left can come back" in ending(world)[1]


def test_a_returned_one_of_a_kind_item_can_be_sold_again(world: World) -> None:
    """INT-10, RET-03."""
    bag = a_line("1", 1, 90_000, sku="BAG", availability="unique")
    world.take(document("R-1", bag, shop="reuse"))
    world.settle()
    world.ship_all("R-1", shop="reuse")
    take_back(world, ("1", 1), number="R-1", shop="reuse")
    world.take(document("R-2", bag, shop="reuse", customer="M-2"))
    assert world.broken() == {}


@pytest.mark.parametrize(("news", "fault"), [("shipment.returned", "customer"), ("shipment.lost", "shop")])
def test_a_parcel_that_never_arrived_is_settled_by_it(world: World, news: str, fault: str) -> None:
    """RET-07, RET-08: the order is held for a human, who settles the goods and with them the hold."""
    shipped(world, 6_000)
    (shipment,) = world.shipments("A-1", "apparel")
    world.tell(world.news(news, shipment))
    world.settle()
    assert world.states()["A-1"][1] == "held"
    take_back(world, ("1", 1), fault=fault)
    assert world.states()["A-1"][1] == "done"
    assert given_back(world) == 6_000
    assert world.broken() == {}


def test_a_return_before_the_capture_is_known_is_made_good(world: World) -> None:
    world.take(apparel(6_000, 4_000))
    world.settle()
    world.tell(*(world.shipped(one) for one in world.shipments("A-1", "apparel")))
    world.decide("notify")
    world.tell(world.ask("order.return_lines", "A-1", "apparel", lines=[{"line": "2", "quantity": 1}]))
    world.decide("returns")
    world.settle()
    payment = world.show("A-1", "apparel")["payment"]
    assert (payment["captured"], payment["refunded"]) == (10_000, 4_000)
    assert world.broken() == {}


@pytest.mark.parametrize(
    ("news", "money", "asks"),
    [
        (["shipment.returned"], ("voided", 0), []),
        (["shipment.delivered"], ("captured", 6_930), ["Give 6600 yen back to the customer: no gateway can."]),
        ([], ("captured", 6_930), ["Give 6600 yen back to the customer: no gateway can."]),
    ],
    ids=["it never arrived", "the customer had it", "nobody said, but it is back from the customer"],
)
def test_cash_on_delivery_is_given_back_only_if_it_was_collected(
    world: World, news: list[str], money: tuple[str, int], asks: list[str]
) -> None:
    """PAY-09, RET-08: the fee of the collection is not given back for goods that had arrived."""
    world.take(document("S-1", a_line("1", 1, 6_000), payment={"method": "cod"}, shop="apparel"))
    world.settle()
    world.ship_all("S-1", shop="apparel")
    world.tell(*(world.news(one, world.shipments("S-1", "apparel")[0]) for one in news))
    world.settle()
    take_back(world, ("1", 1), number="S-1")
    shown = world.show("S-1", "apparel")
    assert (shown["payment"]["state"], shown["payment"]["captured"]) == money
    assert [hold["says"] for hold in shown["hold"]] == asks
    assert world.broken() == {}


def test_news_of_goods_that_were_settled_before_changes_nothing(world: World) -> None:
    """A customer sent the goods back and got the money; then the warehouse reports that they came in."""
    world.take(document("S-1", a_line("1", 1, 6_000), payment={"method": "cod"}, shop="apparel"))
    world.settle()
    world.ship_all("S-1", shop="apparel")
    (shipment,) = world.shipments("S-1", "apparel")
    world.tell(world.news("shipment.delivered", shipment))
    world.settle()
    take_back(world, ("1", 1), number="S-1")
    held = world.show("S-1", "apparel")["hold"]
    world.tell(world.news("shipment.returned", shipment))
    world.settle()
    shown = world.show("S-1", "apparel")
    assert (shown["payment"]["state"], shown["payment"]["captured"]) == ("captured", 6_930)
    assert shown["hold"] == held
    assert world.value("SELECT count(*) FROM customer_mark WHERE kind = 'undelivered_returns'") == 0
    assert world.broken() == {}


@pytest.mark.parametrize(
    ("news", "hold"),
    [("returned", "returned_undelivered"), ("lost", "transit_accident"), (None, "delivery_overdue")],
)
def test_one_of_two_parcels_that_came_to_nothing_is_settled_by_its_own_pieces(
    world: World, news: str | None, hold: str
) -> None:
    """RET-07, RET-08: what the other parcel brought stays with the customer, and nobody has to see to anything any more."""
    world.take(document("S-1", a_line("1", 4, 3_000)))
    world.settle()
    (shipment,) = world.shipments()
    for number in (FIRST, SECOND):
        world.clock.advance(minutes=1)
        world.tell(world.shipped(shipment, tracking_number=number, lines=[{"line": "1", "quantity": 2}]))
        world.settle()
    world.clock.advance(days=2)
    world.tell(world.news("shipment.delivered", shipment, tracking_number=FIRST))
    if news is not None:
        world.tell(world.news(f"shipment.{news}", shipment, tracking_number=SECOND))
    world.at("2026-12-10 10:00:00")
    assert [one["reason"] for one in world.show()["holds"]] == [hold]
    for _ in range(2):  # piece by piece: the first leaves one to be seen to
        assert world.states() == {"S-1": ("shipped", "held")}
        world.tell(world.ask("order.return_lines", "S-1", lines=[{"line": "1", "quantity": 1}], fault="shop"))
        world.settle()
    assert world.states() == {"S-1": ("delivered" if news else "shipped", "done")}
    assert (world.show()["holds"], world.show()["payment"]["refunded"]) == ([], 6_600)
    assert world.broken() == {}
