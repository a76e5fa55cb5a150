"""Coupons on the real database (A.10): good once whoever races for them, back after a cancel, points credited once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine, text

from pipelines.orders.document import parse_order
from pipelines.orders.intake import Answer, Ending, Submission, take_in
from tests.rules.build import SHOPS, shop_with
from tests.web.site import Site, fields
from tests.world import World, a_line, document
from workers.mail.rendering import Renderer

OFFERS = """
[coupons.offers.AUTUMN]
kind = "amount"
value = 500
until_on = 2026-12-31

[coupons.offers.TEN]
kind = "percent"
value = 10
skus = ["SKU-2"]
once_per_customer = false

[coupons.offers.VIP]
kind = "amount"
value = 1_000
ranks = ["VIP"]

[returns]"""
OFFERING = shop_with("salon", **{"[returns]": OFFERS})
AUTUMN = {"code": "AUTUMN", "kind": "amount", "value": 500}
TEN = {"code": "TEN", "kind": "percent", "value": 10}
LOAD = {"code": "LOAD", "kind": "points", "value": 300}
TRANSFER = {"method": "bank_transfer"}


@pytest.fixture
def world(engine: Engine, database_url: str, renderer: Renderer) -> Iterator[World]:
    """A house whose salon has offers of its own."""
    with World(engine, database_url, renderer, shops={**SHOPS, "salon": OFFERING}) as world:
        yield world


def salon(number: str, *coupons: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    return document(number, coupons=list(coupons or (AUTUMN,)), **changes)


def clinic(number: str, *coupons: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    return document(number, shop="clinic", coupons=list(coupons or (LOAD,)), **changes)


def refused(answer: Answer) -> list[str]:
    assert answer.ending == Ending.REFUSED
    return [problem.field for problem in answer.problems]


def uses(world: World) -> list[tuple[str, str, str | None]]:
    """(order, key of the code, why it came back) of all coupons used."""
    return [
        (r.number, r.code_key, r.returned_because)
        for r in world.rows(
            "SELECT o.number, u.code_key, u.returned_because FROM coupon_use u JOIN shop_order o ON o.id = u.order_id "
            "ORDER BY o.id, u.code_key"
        )
    ]


def at_once(world: World, orders: list[dict[str, Any]]) -> list[Answer]:
    """Hand the orders in at the same moment, each in a transaction and on a connection of its own."""
    start = Barrier(len(orders))

    def hand_in(order: dict[str, Any]) -> Answer:
        submission = Submission(parse_order(order))
        start.wait()
        return take_in(world.engine, world.shops, world.clock, [submission])[0]

    with ThreadPoolExecutor(len(orders)) as pool:
        return list(pool.map(hand_in, orders))


# Once a customer


@pytest.mark.parametrize("spelling", ["AUTUMN", "autumn", "ａｕｔｕｍｎ", " AUTUMN"])
def test_a_code_is_good_once_in_any_spelling(world: World, spelling: str) -> None:
    """CPN-01."""
    world.take(salon("S-1"))
    (answer,) = world.submit(salon("S-2", {**AUTUMN, "code": spelling}))
    assert refused(answer) == ["coupons[0].code"]
    assert "used already by this customer" in answer.problems[0].message
    assert uses(world) == [("S-1", "autumn", None)]
    assert world.broken() == {}


def test_everybody_has_a_coupon_of_their_own(world: World) -> None:
    world.take(salon("S-1"), salon("S-2", customer="M-2"), document("A-1", shop="apparel", coupons=[AUTUMN]))
    assert len(uses(world)) == 3


def test_the_second_of_two_in_one_group_is_refused(world: World) -> None:
    first, second = world.submit(salon("S-1"), salon("S-2"))
    assert (first.ending, refused(second)) == (Ending.ACCEPTED, ["coupons[0].code"])


def test_an_order_sent_again_is_no_second_use(world: World) -> None:
    """INT-18."""
    world.take(salon("S-1"))
    assert world.submit(salon("S-1"))[0].ending == Ending.REPEATED


def test_an_order_that_was_refused_has_used_nothing(world: World) -> None:
    assert refused(world.submit(salon("S-1", payment={"method": "loan"}))[0]) == ["payment.method"]
    world.take(salon("S-2"))


def test_an_offer_may_be_good_more_than_once(world: World) -> None:
    world.take(*(salon(f"S-{n}", TEN, lines=[a_line("1"), a_line("2")]) for n in range(2)))
    assert uses(world) == [("S-0", "ten", None), ("S-1", "ten", None)]
    assert [line["coupon"] for line in world.value("SELECT breakdown->'lines' FROM order_document LIMIT 1")] == [
        0,
        1_000,
    ]
    assert world.broken() == {}


def test_codes_used_before_the_shop_made_them_good_once_count(world: World) -> None:
    world.take(salon("S-1", TEN, lines=[a_line("2")]))
    stricter = shop_with("salon", **{"[returns]": OFFERS.replace("once_per_customer = false", "")})
    world.shops = {**world.shops, "salon": stricter}
    assert refused(world.submit(salon("S-2", TEN, lines=[a_line("2")]))[0]) == ["coupons[0].code"]


def test_a_race_for_one_coupon_has_one_winner(world: World) -> None:
    answers = at_once(world, [salon(f"S-{n}", {**AUTUMN, "code": "autumn" if n % 2 else "AUTUMN"}) for n in range(8)])
    assert sorted(answer.ending for answer in answers) == [Ending.ACCEPTED, *[Ending.REFUSED] * 7]
    assert {problem.field for answer in answers for problem in answer.problems} == {"coupons[0].code"}
    assert len(uses(world)) == len(world.states()) == 1


def test_a_guest_cannot_use_what_is_good_once(world: World) -> None:
    world.shops = {
        **world.shops,
        "salon": shop_with("salon", **{"[returns]": "[intake]\nguest_orders = true\n" + OFFERS}),
    }
    (answer,) = world.submit(salon("S-1", customer=""))
    assert refused(answer) == ["coupons[0].code"]
    assert "customer number" in answer.problems[0].message
    world.take(salon("S-2", TEN, customer="", lines=[a_line("2")]))
    assert uses(world) == []
    assert world.broken() == {}


def test_the_rank_is_the_stored_one_whatever_the_storefront_says(world: World) -> None:
    """CPN-01, RNK-06."""
    vip = {"code": "VIP", "kind": "amount", "value": 1_000}
    world.execute(
        "INSERT INTO customer_rank (shop, customer_id, rank, previous, from_on, cause, spend, at) "
        "VALUES ('salon', 'M-1', 'GOLD', 'REGULAR', '2026-01-01', 'spend', 0, now())"
    )
    order = salon("S-1", vip)
    order["customer"]["rank"] = "VIP"
    assert refused(world.submit(order)[0]) == ["coupons[0].code"]
    world.execute("UPDATE customer_rank SET rank = 'VIP'")
    world.take(salon("S-2", vip))


# Back after a cancel


def cancelled(world: World, number: str, shop: str = "salon") -> None:
    world.settle()
    world.tell(world.ask("order.cancel", number, shop, operator=True))
    world.settle()
    assert world.states()[number][0] == "cancelled"


def test_a_cancel_before_dispatch_brings_the_coupon_back(world: World) -> None:
    """CAN-04."""
    world.take(salon("S-1", payment=TRANSFER))
    cancelled(world, "S-1")
    assert uses(world) == [("S-1", "autumn", "shop_decision")]
    world.take(salon("S-2"))
    assert refused(world.submit(salon("S-3"))[0]) == ["coupons[0].code"]
    assert world.broken() == {}


def test_a_shop_may_keep_it(world: World) -> None:
    keeping = shop_with("salon", **{"[returns]": OFFERS, "max_per_order = 1 #": "return_on_cancel = false #"})
    world.shops = {**world.shops, "salon": keeping}
    world.runner = replace(world.runner, shops=world.shops)
    world.take(salon("S-1", payment=TRANSFER))
    cancelled(world, "S-1")
    assert uses(world) == [("S-1", "autumn", None)]
    assert refused(world.submit(salon("S-2"))[0]) == ["coupons[0].code"]


def test_an_order_without_any_line_left_gives_it_back(world: World) -> None:
    """CAN-04, INT-13."""
    world.at("2026-11-20 15:00:01")
    world.take(salon("S-1", placed_at="2026-11-20T15:00:01+09:00"))
    world.settle()
    world.tell(world.ask("order.cancel_lines", "S-1", lines=[{"line": "1", "quantity": 1}]))
    world.settle()
    assert uses(world) == [("S-1", "autumn", "out_of_stock")]


def test_a_declined_card_gives_it_back(world: World) -> None:
    """CAN-04, PAY-04."""
    world.take(salon("S-1", payment={"method": "card", "token": "tok_declined"}))
    world.settle()
    assert world.states()["S-1"][0] == "cancelled"
    assert uses(world) == [("S-1", "autumn", "payment_failed")]


def test_it_comes_back_unpaid_once_and_not_twice(world: World) -> None:
    """CAN-04: "except by non-payment twice"."""
    world.take(salon("S-1", payment=TRANSFER))
    world.at("2026-11-20 10:00:00")
    world.at("2026-11-28 00:00:01")
    assert uses(world) == [("S-1", "autumn", "unpaid")]
    again = {"payment": TRANSFER, "placed_at": "2026-11-28T00:00:00+09:00"}
    world.take(salon("S-2", **again), salon("S-9", customer="M-2", **again))
    world.at("2026-11-28 10:00:00")
    world.at("2026-12-06 00:00:01")
    assert world.states()["S-2"][0] == "cancelled"
    assert uses(world) == [("S-1", "autumn", "unpaid"), ("S-2", "autumn", None), ("S-9", "autumn", "unpaid")]
    late = {"placed_at": "2026-12-06T00:00:00+09:00"}
    assert refused(world.submit(salon("S-3", **late))[0]) == ["coupons[0].code"]
    world.take(salon("S-4", customer="M-2", **late))
    assert world.broken() == {}


# Points


def lots(world: World) -> list[tuple[str, int, int]]:
    """(source, points, what is left) of the lots of coupons."""
    found = world.rows("SELECT source, amount, remaining FROM point_lot WHERE kind = 'coupon' ORDER BY id")
    return [(r.source, r.amount, r.remaining) for r in found]


def test_the_points_of_a_coupon_are_credited_once(world: World) -> None:
    """PTS-15: unique by account and code."""
    world.take(clinic("C-1", {**LOAD, "code": "Load"}))
    assert refused(world.submit(clinic("C-2"))[0]) == ["coupons[0].code"]
    world.take(clinic("C-3", customer="M-2"))
    assert lots(world) == [("coupon:M-1:load", 300, 300), ("coupon:M-2:load", 300, 300)]
    assert world.broken() == {}


def test_a_coupons_points_stay_when_the_order_is_cancelled(world: World) -> None:
    """PTS-15, PTS-12, CAN-04: they were loaded into the balance, so the coupon does not come back."""
    world.at("2026-11-20 12:00:01")
    world.take(clinic("C-1", points={"use": 200}, placed_at="2026-11-20T12:00:01+09:00"))
    assert lots(world) == [("coupon:M-1:load", 300, 100)]
    cancelled(world, "C-1", "clinic")
    assert lots(world) == [("coupon:M-1:load", 300, 300)]
    assert world.balance(shop="clinic") == (0, 300)
    assert refused(world.submit(clinic("C-2"))[0]) == ["coupons[0].code"]
    assert world.broken() == {}


TWO_COUPONS = shop_with("clinic", **{'kinds = ["points"]': 'kinds = ["points"]\nmax_per_order = 2'})
MORE = {"code": "MORE", "kind": "points", "value": 50}


@pytest.mark.parametrize(
    ("held", "use", "left"),
    [(0, 320, [0, 30]), (0, 40, [260, 50]), (0, "all", [0, 0]), (100, 120, [280, 50]), (100, "all", [0, 0])],
)
def test_every_coupon_has_a_lot_and_what_was_there_before_is_spent_first(
    world: World, held: int, use: int | str, left: list[int]
) -> None:
    """PTS-12, PTS-15."""
    world.shops = {**world.shops, "clinic": TWO_COUPONS}
    if held:
        world.grant(held, shop="clinic")
    world.take(clinic("C-1", LOAD, MORE, points={"use": use}))
    assert [remaining for _, _, remaining in lots(world)] == left
    assert world.broken() == {}


def test_a_debt_is_settled_from_the_first_coupon_and_the_rest_can_be_used(world: World) -> None:
    """PTS-13, PTS-15."""
    world.shops = {**world.shops, "clinic": TWO_COUPONS}
    world.take(clinic("C-1", {**LOAD, "code": "FIRST"}, points={"use": "all"}))
    world.execute("UPDATE point_lot SET owed = 30")
    world.execute("UPDATE point_balance SET valid = -30")
    world.execute(
        "INSERT INTO point_transfer (shop, customer_id, lot_id, source, kind, debit, credit, amount, at) "
        "SELECT shop, customer_id, id, 'test', 'owe', 'valid', 'clawed_back', 30, at FROM point_lot"
    )
    world.take(clinic("C-2", MORE, LOAD, points={"use": "all"}))
    assert world.show("C-2", "clinic")["points"]["used"] == 320
    assert world.balance(shop="clinic") == (0, 0)
    assert world.broken() == {}


def test_accounts_and_codes_never_read_alike(world: World) -> None:
    """PTS-15: customer ``a:b`` with code ``c`` is not customer ``a`` with code ``b:c``."""
    world.take(
        clinic("C-1", {**LOAD, "code": "c"}, customer="a:b", points={"use": "all"}),
        clinic("C-2", {**LOAD, "code": "b:c"}, customer="a", points={"use": "all"}),
    )
    assert len(lots(world)) == 2
    assert world.broken() == {}


def test_a_race_for_the_points_of_a_coupon_has_one_winner(world: World) -> None:
    """PTS-15; some use points and lock their balance first, some do not: none waits for another in a circle."""
    world.grant(1_000, shop="clinic")
    orders = [clinic(f"C-{n}", points={"use": n % 2 * 1_100}) for n in range(8)]
    answers = at_once(world, orders)
    assert [answer.ending for answer in answers].count(Ending.ACCEPTED) == 1
    assert lots(world)[0][:2] == ("coupon:M-1:load", 300)
    assert world.broken() == {}


# From before


def test_orders_from_before_coupons_were_recorded(world: World) -> None:
    """Revision 0003: what they used is recorded, a code in two spellings once; a cancelled one has given it back."""
    twice = [AUTUMN, {"code": "WINTER", "kind": "amount", "value": 500}]
    world.take(clinic("C-1"), salon("S-1", payment=TRANSFER), document("A-1", shop="apparel", coupons=twice))
    world.at("2026-11-20 10:00:00")
    world.at("2026-11-28 00:00:01")
    with world.engine.begin() as connection:
        connection.execute(text("DELETE FROM coupon_use"))
        connection.execute(
            text("UPDATE order_document SET breakdown = replace(breakdown::text, 'WINTER', '\u3000autumn')::json")
        )
        connection.execute(text(import_module("models.migrations.versions.0003_coupon_use").USED_BEFORE))
    assert sorted(uses(world)) == [("A-1", "autumn", None), ("C-1", "load", None), ("S-1", "autumn", "unpaid")]
    assert world.broken() == {}


# Over HTTP


@pytest.fixture
def site(world: World) -> Iterator[Site]:
    site = Site(world)
    yield site
    site.close()


def test_a_used_coupon_is_a_422_that_names_the_field(site: Site) -> None:
    assert site.order(salon("S-1")).status_code == 202
    assert fields(site.order(salon("S-2"))) == ["coupons[0].code"]
    site.world.at("2027-01-01 00:00:00")
    early = salon("S-3", customer="M-2", placed_at="2027-01-01T00:00:00+09:00")
    assert fields(site.order(early)) == ["coupons[0].code"]
    assert fields(site.order(salon("S-4", {**AUTUMN, "value": 5_000}))) == ["coupons[0].value", "coupons[0].code"]


def test_a_preview_shows_what_would_be_refused(site: Site) -> None:
    """The problems of a preview, in a complete answer; what was used comes from ``assume``."""
    order = salon("S-1", {**AUTUMN, "code": "Ａutumn"})
    assert site.post("/v1/preview", order).json()["problems"] == []
    shown = site.post("/v1/preview", {**order, "assume": {"used_coupons": ["AUTUMN", "WINTER"]}}).json()
    assert [problem["field"] for problem in shown["problems"]] == ["coupons[0].code"]
    assert shown["totals"]["coupon_discount"] == 500
    assert fields(site.post("/v1/preview", {**order, "assume": {"used_coupons": "AUTUMN"}})) == ["assume.used_coupons"]
    assert site.world.states() == {}
