"""The points of orders on the real ledger: B.8 by its numbers, and the known failures of other systems by name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from pipelines.orders.document import parse_order
from pipelines.orders.intake import Ending, Submission, take_in
from tests.rules.build import SHOPS, at, shop_with
from tests.world import World, a_line, document

NO_MEMBER_PRICE = {"member_discount_percent = 5": "member_discount_percent = 0"}
OFF_500 = [{"code": "AUTUMN", "kind": "amount", "value": 500}]


def apparel(number: str, *lines: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return document(number, *(lines or (a_line(unit_price=1_000),)), shop="apparel", **changes)


def use(points: int | str) -> dict[str, Any]:
    return {"use": points}


def balance(world: World, shop: str = "apparel") -> tuple[int, int]:
    return world.balance(shop=shop)


def return_goods(world: World, number: str, pieces: int = 1) -> None:
    """Goods come back: an operator says so."""
    lines = [{"line": "1", "quantity": pieces}]
    world.tell(world.ask("order.return_lines", number, "apparel", lines=lines, fault="customer"))
    world.settle()


def owed(world: World) -> int:
    return int(world.value("SELECT coalesce(sum(owed), 0) FROM point_lot"))


@pytest.mark.parametrize(
    ("held", "asked", "used", "pays", "earns"),
    [(6_000, "all", 5_000, 500, 45), (6_000, 400, 400, 5_100, 45), (5_000, "all", 5_000, 500, 45)],
    ids=["the cap", "a chosen number", "all there is"],
)
def test_b8_vectors(world: World, held: int, asked: int | str, used: int, pays: int, earns: int) -> None:
    """B.8: goods 5,000, coupon 500, tax 10 %, shipping 550: 5,500; PTS-06, PTS-07."""
    world.grant(held, shop="apparel")
    world.shops = {**world.shops, "apparel": shop_with("apparel", **NO_MEMBER_PRICE)}
    world.take(apparel("A-1", a_line(unit_price=5_000), coupons=OFF_500, points=use(asked)))
    shown = world.show("A-1", "apparel")
    assert (shown["points"]["used"], shown["points"]["earned"]) == (used, earns)
    assert shown["totals"]["grand_total"] == pays
    assert balance(world) == (0, held - used)
    assert world.broken() == {}


def test_b8_twenty_yen_left_to_pay_are_refused(world: World) -> None:
    """B.8, PAY-13: 5,480 points without a cap; nothing is booked."""
    world.grant(6_000, shop="apparel")
    uncapped = shop_with("apparel", **NO_MEMBER_PRICE, **{"use_cap = 5_000": ""})
    world.shops = {**world.shops, "apparel": uncapped}
    (answer,) = world.submit(apparel("A-1", a_line(unit_price=5_000), coupons=OFF_500, points=use(5_480)))
    assert (answer.ending, [problem.field for problem in answer.problems]) == (Ending.REFUSED, ["points.use"])
    assert (balance(world), world.states()) == ((0, 6_000), {})
    assert world.broken() == {}


def test_balance_negative_after_a_return_then_use(world: World) -> None:
    """EC-CUBE 5730: the earned points were spent before their goods came back. The balance is negative, use is blocked,
    and the next points settle what is owed."""
    world.take(apparel("A-1", a_line(unit_price=10_000)))
    world.settle()
    world.ship_all("A-1", shop="apparel")
    _, earned = balance(world)
    assert earned > 0
    world.take(apparel("A-2", points=use("all")))
    assert balance(world)[1] == 0
    return_goods(world, "A-1")
    assert balance(world)[1] == -earned
    world.take(apparel("A-3", points=use("all")))
    assert world.show("A-3", "apparel")["points"]["used"] == 0
    assert world.broken() == {}
    world.grant(earned - 5, shop="apparel")
    assert (balance(world)[1], owed(world)) == (-5, 5)
    world.grant(20, shop="apparel")
    assert (balance(world)[1], owed(world)) == (15, 0)
    assert world.broken() == {}
    world.take(apparel("A-4", points=use("all")))
    assert world.show("A-4", "apparel")["points"]["used"] == 15
    assert world.broken() == {}


def test_a_coupon_pays_what_is_owed_before_it_is_used(world: World) -> None:
    """PTS-13, PTS-15: points of a coupon are blocked as well while the balance is negative."""
    coupon = {"code": "LOAD", "kind": "points", "value": 100}
    world.take(document("C-1", shop="clinic", coupons=[coupon], points=use("all")))
    lot = world.value("SELECT id FROM point_lot WHERE kind = 'coupon'")
    assert balance(world, "clinic") == (0, 0)
    world.execute("UPDATE point_lot SET owed = 30 WHERE id = :lot", lot=lot)
    world.execute("UPDATE point_balance SET valid = -30")
    world.execute(
        "INSERT INTO point_transfer (shop, customer_id, lot_id, source, kind, debit, credit, amount, at) "
        "VALUES ('clinic', 'M-1', :lot, 'test', 'owe', 'valid', 'clawed_back', 30, :now)",
        lot=lot,
        now=world.clock.now(),
    )
    world.take(document("C-2", shop="clinic", coupons=[{**coupon, "code": "MORE"}], points=use("all")))
    assert world.show("C-2", "clinic")["points"]["used"] == 70
    assert balance(world, "clinic") == (0, 0)
    assert world.broken() == {}


def test_goods_returned_twice_take_their_points_back_once(world: World) -> None:
    world.take(apparel("A-1", a_line(unit_price=10_000)))
    world.settle()
    world.ship_all("A-1", shop="apparel")
    for _ in range(2):
        return_goods(world, "A-1")
        assert (balance(world)[1], owed(world)) == (0, 0)
    assert world.broken() == {}


@pytest.mark.parametrize("settled", [False, True], ids=["before any stage", "before it ships"])
def test_rate_changed_after_purchase(world: World, settled: bool) -> None:
    """EC-CUBE 5529: what an order earns was frozen when it was placed, whichever stage touches it later (PTS-04)."""
    world.take(apparel("A-1", a_line(unit_price=10_000)))
    if settled:
        world.settle()
    generous = shop_with("apparel", **{"rate = 0.01 #": "rate = 0.5 #"})
    world.runner = replace(world.runner, shops={**world.shops, "apparel": generous})
    world.settle()
    assert balance(world) == (95, 0)
    world.ship_all("A-1", shop="apparel")
    assert balance(world) == (0, 95)
    assert world.show("A-1", "apparel")["points"]["earned"] == 95
    assert world.broken() == {}


@pytest.mark.parametrize(
    ("rounding", "goods", "tax"),
    [("floor", 155, 65), ("half_up", 155, 66), ("half_up", 153, 65), ("ceil", 153, 66)],
)
def test_rounding_fixed_to_half_up(world: World, rounding: str, goods: int, tax: int) -> None:
    """EC-CUBE 4042: tax of 65.5 and 65.3 yen is rounded as the shop says; 1.55 and 1.53 points are always 1 (PTS-03)."""
    swaps = {"[price]": f'[price]\nrounding = "{rounding}"', **NO_MEMBER_PRICE}
    world.shops = {**world.shops, "apparel": shop_with("apparel", **swaps)}
    world.runner = replace(world.runner, shops=world.shops)
    world.take(apparel("A-1", a_line(unit_price=goods)))
    world.settle()
    world.ship_all("A-1", shop="apparel")
    shown = world.show("A-1", "apparel")
    assert (shown["totals"]["tax_total"], shown["payment"]["captured"]) == (tax, goods + 500 + tax)
    assert balance(world) == (0, 1)
    assert world.broken() == {}


def test_points_created_by_editing_a_cancelled_order(world: World) -> None:
    """EC-CUBE 7174: whatever is said to a cancelled order, its used points come back once."""
    world.grant(300, shop="apparel")
    world.take(apparel("A-1", points=use(300)))
    assert balance(world)[1] == 0
    world.decide("accept")
    lines = [{"line": "1", "quantity": 1}]
    for body in ({}, {}, {"operator": True}):
        world.tell(world.ask("order.cancel", "A-1", "apparel", reason="", **body))
        world.settle()
    for wish in ("order.cancel_lines", "order.return_lines"):
        world.tell(world.ask(wish, "A-1", "apparel", lines=lines, reason="", fault="customer"))
        world.settle()
    assert world.states()["A-1"][0] == "cancelled"
    assert balance(world) == (0, 300)
    world.wake("cancel", "reward", "notify", "accept")
    world.settle()
    assert balance(world) == (0, 300)
    assert world.broken() == {}


def test_each_shipment_brings_the_points_of_its_lines(world: World) -> None:
    """SPL-05 ``each_shipment``: the lots of one order add up to what it earned."""
    each = '[split]\ndrop_ship = true\n\n[points]\nactivate_on = "each_shipment"'
    shop = shop_with("salon", **{"[points]": each})
    world.runner = replace(world.runner, shops={**world.shops, "salon": shop})
    world.take(document("S-1", a_line("1", unit_price=10_000), a_line("2", unit_price=5_000, supplier="maker-a")))
    world.settle()
    assert world.balance() == (150, 0)
    shipments = {s["supplier"]: s["id"] for s in world.show()["shipments"]}
    world.tell(world.shipped(shipments["maker-a"], "maker-a"))
    world.settle()
    assert world.balance() == (100, 50)
    assert world.states()["S-1"] == ("partly_shipped", "running")
    world.tell(world.shipped(shipments["warehouse"]))
    world.settle()
    assert world.balance() == (0, 150)
    assert world.states()["S-1"] == ("shipped", "done")
    assert world.postbox.templates("salon/S-1").count("points_activated") == 2
    assert world.broken() == {}


@pytest.mark.parametrize("each", [False, True])
def test_what_is_left_of_an_order_earns_its_own_points(world: World, each: bool) -> None:
    """INT-13, PTS-03: three lines of 150 yen earn 4 points, two of them 3, one of them 1; also where each line has a lot of its own (SPL-05)."""
    if each:
        shop = shop_with("salon", **{"[points]": '[points]\nactivate_on = "each_shipment"'})
        world.runner = replace(world.runner, shops={**world.shops, "salon": shop})
    world.take(document("S-1", *(a_line(n, unit_price=150) for n in "123")))
    world.settle()
    assert world.balance() == (4, 0)
    for line, left in (("1", 3), ("2", 1)):
        pieces = [{"line": line, "quantity": 1}]
        world.tell(world.ask("order.cancel_lines", "S-1", lines=pieces, fault="shop", reason="", operator=True))
        world.settle()
        assert world.balance() == (left, 0)
    world.ship_all("S-1")
    assert world.balance() == (0, 1)
    assert world.states()["S-1"] == ("shipped", "done")
    assert world.broken() == {}


@pytest.mark.parametrize("wait", [0, 3])
def test_points_on_order_are_taken_back_with_a_cancel(world: World, wait: int) -> None:
    """B.8 ``activation = {event: ordered, delay_days: n}``; PTS-14."""
    shop = shop_with("salon", **{"[points]": f'[points]\nactivation_event = "ordered"\nactivation_delay_days = {wait}'})
    world.runner = replace(world.runner, shops={**world.shops, "salon": shop})
    world.take(document("S-1", a_line(unit_price=10_000)))
    world.decide("accept", "reward")
    assert world.balance() == ((100, 0) if wait else (0, 100))
    world.clock.set(at("2026-11-23 09:00:00"))
    world.decide("reward")
    assert world.balance() == (0, 100)
    world.tell(world.ask("order.cancel", "S-1", reason=""))
    world.decide("cancel")
    assert world.states()["S-1"][0] == "cancelled"
    assert world.balance() == (0, 0)
    assert world.broken() == {}


def test_expired_points_of_a_cancelled_order_are_lost_or_granted_anew(world: World) -> None:
    """PTS-12: lost by default; granted anew as limited-time points where the profile is kind."""
    lenient = shop_with("apparel", **{"[points]": '[points]\nreturn_expired = "regrant"\nregrant_days = 30'})
    for number, shop, left in (("A-1", SHOPS["apparel"], 0), ("A-2", lenient, 100)):
        world.runner = replace(world.runner, shops={**world.shops, "apparel": shop})
        world.clock.set(at("2026-11-20 09:00:00"))
        world.grant(100, shop="apparel", expires_at=at("2026-11-21 00:00:00"))
        world.take(apparel(number, points=use("all")))
        world.decide("accept")
        world.clock.set(at("2026-11-21 09:00:00"))
        world.tell(world.ask("order.cancel", number, "apparel", reason=""))
        world.decide("cancel")
        assert world.states()[number][0] == "cancelled"
        assert balance(world) == (0, left)
    assert world.broken() == {}


def test_ordinary_points_roll_and_limited_ones_do_not(world: World) -> None:
    """PTS-11: acquired 2026-11-20 through 2027-11-20; a purchase that ships later extends them, a campaign does not."""
    world.grant(10, shop="apparel", expires_at=at("2027-01-10 00:00:00"))
    world.grant(7, shop="apparel", expires_at=at("2026-12-25 00:00:00"), kind="campaign", limited=True)
    expiries = "SELECT expires_at FROM point_lot WHERE kind = 'gift'"
    assert world.value(expiries) == at("2027-01-10 00:00:00")
    world.take(apparel("A-1", a_line(unit_price=10_000)))
    world.settle()
    world.ship_all("A-1", shop="apparel")
    assert world.value(expiries) == at("2027-11-21 00:00:00")
    assert world.value("SELECT expires_at FROM point_lot WHERE kind = 'campaign'") == at("2026-12-25 00:00:00")
    assert world.broken() == {}


def test_points_granted_anew_are_granted_once(world: World) -> None:
    """PTS-12, ``regrant``: line by line or whole, an order gives back no more points than it used."""
    lenient = shop_with("apparel", **{"[points]": '[points]\nreturn_expired = "regrant"\nregrant_days = 30'})
    world.shops = {**world.shops, "apparel": lenient}
    world.runner = replace(world.runner, shops=world.shops)
    world.grant(100, shop="apparel", expires_at=at("2026-11-21 00:00:00"))
    lines = [a_line("1", unit_price=6_000), a_line("2", unit_price=4_000)]
    world.take(apparel("A-1", *lines, points=use("all")))
    world.settle()
    world.clock.set(at("2026-11-21 09:00:00"))
    for line in ("1", "2"):
        asked = [{"line": line, "quantity": 1}]
        world.tell(world.ask("order.cancel_lines", "A-1", "apparel", lines=asked, reason="out of stock"))
        world.settle()
    assert (world.states()["A-1"][0], balance(world)) == ("cancelled", (0, 100))
    assert world.broken() == {}


def test_neither_pending_nor_returned_points_are_an_acquisition(world: World) -> None:
    """PTS-11: an order earns, and uses points that come back with its cancel; the day of the old ones stays."""
    world.grant(100, shop="apparel", expires_at=at("2027-01-10 00:00:00"))
    expiries = "SELECT expires_at FROM point_lot WHERE kind = 'gift'"
    world.take(apparel("A-1", a_line(unit_price=10_000), points=use(60)))
    world.decide("accept")
    assert (balance(world), world.value(expiries)) == ((95, 40), at("2027-01-10 00:00:00"))
    world.tell(world.ask("order.cancel", "A-1", "apparel", reason=""))
    world.decide("cancel")
    assert (balance(world), world.value(expiries)) == ((0, 100), at("2027-01-10 00:00:00"))
    assert world.broken() == {}


def test_limited_points_are_spent_first_then_the_oldest(world: World) -> None:
    """PTS-12."""
    world.grant(10, shop="apparel", expires_at=at("2027-01-10 00:00:00"))
    world.grant(10, shop="apparel", expires_at=at("2027-01-10 00:00:00"))
    world.grant(10, shop="apparel", expires_at=at("2027-06-01 00:00:00"), kind="campaign", limited=True)
    world.take(apparel("A-1", points=use(15)))
    left = world.rows("SELECT kind, remaining FROM point_lot WHERE state <> 'pending' ORDER BY id")
    assert [(one.kind, one.remaining) for one in left] == [("gift", 5), ("gift", 10), ("campaign", 0)]
    assert world.broken() == {}


def test_64_orders_racing_for_one_balance(world: World, engine: Engine) -> None:
    """PTS-06: every point is used once, whoever comes first."""
    world.grant(1_000, shop="apparel")
    orders = [parse_order(apparel(f"A-{n}", points=use(100))) for n in range(64)]

    def place(order: Any) -> Ending:
        return take_in(engine, world.shops, world.clock, [Submission(order)])[0].ending

    with ThreadPoolExecutor(8) as pool:
        endings = list(pool.map(place, orders))
    used = world.value("SELECT sum(amount) FROM point_transfer WHERE kind = 'use'")
    assert used == 1_000
    assert endings.count(Ending.ACCEPTED) >= 10
    assert balance(world)[1] == 0
    assert world.broken() == {}


def test_points_of_a_cancelled_order_that_another_gives_back(world: World) -> None:
    """PTS-12, PTS-13: A-2 used what A-1 had earned; A-1's cancel took as many from elsewhere. What A-2 gives back goes
    into the lot it came from, and the customer has as many points as at first."""
    world.shops = {
        **world.shops,
        "apparel": shop_with("apparel", **{"use_cap = 5_000": 'activation_event = "ordered"\nuse_cap = 5_000'}),
    }
    world.runner = replace(world.runner, shops=world.shops)
    world.take(apparel("A-1", a_line(unit_price=1_000), payment={"method": "bank_transfer"}))
    world.settle()
    _, earned = balance(world)
    assert earned > 0
    world.take(apparel("A-2", points=use(earned), payment={"method": "bank_transfer"}))
    world.settle()
    world.grant(earned, shop="apparel")
    for number in ("A-1", "A-2"):
        world.tell(world.ask("order.cancel", number, "apparel", reason=""))
        world.settle()
    assert {state for state, _ in world.states().values()} == {"cancelled"}
    assert balance(world) == (0, earned)
    assert world.broken() == {}
