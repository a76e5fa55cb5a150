"""CPN-03 on the real statements and over HTTP: coupons that the customer wrote into the remarks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from pipelines.orders.actions.coupons import ACTION
from tests.rules.build import SHOPS, shop_with
from tests.web.site import Site, fields, problem
from tests.world import World, a_line, document
from workers.mail.rendering import Renderer

AUTUMN = {"code": "AUTUMN", "kind": "amount", "value": 500}
WINTER = {"code": "WINTER", "kind": "percent", "value": 10}
REMARKS = "クーポン AUTUMN WINTER"
ONCE = shop_with("salon", **{"max_per_order = 1": 'max_per_order = 1\nonce_per_customer = ["amount", "points"]'})


def held(number: str = "S-1", remarks: str = REMARKS, **changes: Any) -> dict[str, Any]:
    """20,000 yen, shipped free: 22,000 with tax, 200 points; two coupons in the remarks."""
    return document(number, a_line(unit_price=20_000), remarks=remarks, **changes)


def apply(world: World, *coupons: dict[str, Any], number: str = "S-1") -> None:
    """An operator's word, decided with all that follows."""
    world.tell(world.ask(ACTION.wakes, number, coupons=list(coupons), reason="from the remarks", by="operations"))
    world.settle()


def endings(world: World) -> list[str]:
    """What became of the operators' words."""
    return [r.state for r in world.rows("SELECT state FROM inbox_event WHERE type = :t ORDER BY id", t=ACTION.wakes)]


def uses(world: World) -> dict[str, str | None]:
    """The codes that were ever used, with the reason of those that came back."""
    return {r.code_key: r.returned_because for r in world.rows("SELECT code_key, returned_because FROM coupon_use")}


@pytest.fixture
def waiting(world: World) -> World:
    """The order is held and nothing was asked of the gateway."""
    world.take(held())
    world.settle()
    assert world.states() == {"S-1": ("accepted", "held")}
    assert world.gateway.cards == {}
    return world


def test_the_card_is_authorized_for_what_the_coupons_leave(waiting: World) -> None:
    apply(waiting, AUTUMN, WINTER)
    (card,) = waiting.gateway.cards.values()
    assert card.amount == 19_305
    shown = waiting.show()
    assert (shown["payment"]["amount"], shown["payment"]["authorized"]) == (19_305, 19_305)
    assert (shown["totals"]["coupon_discount"], shown["totals"]["grand_total"]) == (2_450, 19_305)
    (before,) = shown["repricings"]
    assert (before["reason"], before["grand_total_before"]) == ("from the remarks", 22_000)
    assert waiting.balance() == (175, 0)
    assert uses(waiting) == {"autumn": None, "winter": None}
    assert waiting.broken() == {}


def test_it_ships_is_captured_and_earns_as_any_other(waiting: World) -> None:
    apply(waiting, AUTUMN, WINTER)
    waiting.ship_all("S-1")
    shown = waiting.show()
    assert (shown["state"], shown["condition"], shown["payment"]["captured"]) == ("shipped", "done", 19_305)
    assert waiting.balance() == (0, 175)
    assert waiting.broken() == {}


def test_the_customer_reads_both_sums(waiting: World) -> None:
    apply(waiting, AUTUMN, WINTER)
    first, again = (m for m in waiting.postbox.mails if m["X-Shukka-Template"] == "order_accepted")
    assert first["Message-ID"] != again["Message-ID"]
    assert "22,000円" in text(first)
    assert all(said in text(again) for said in ("19,305円", "−2,450円", "175ポイント", "計算し直しました"))
    assert "22,000" not in text(again)


def text(mail: Any) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_remarks_that_say_more_keep_the_goods_back_until_they_were_read(world: World) -> None:
    """INT-16: the card is authorized all the same."""
    world.take(held(remarks="クーポン AUTUMN と WINTER を使います。門の前に置いてください"))
    world.settle()
    apply(world, AUTUMN, WINTER)
    shown = world.show()
    assert (shown["state"], [h["reason"] for h in shown["hold"]]) == ("authorized", ["needs_human"])
    assert shown["payment"]["authorized"] == 19_305
    world.tell(world.ask("order.release", "S-1"))
    world.settle()
    assert world.states() == {"S-1": ("released", "running")}
    assert world.broken() == {}


def test_a_code_that_nobody_could_read_is_applied_after_the_authorization(world: World) -> None:
    """CPN-03: a bare Japanese name is no code to a reader who does not know it; less is captured than was authorized."""
    world.take(held(remarks="秋割 冬得"))
    world.settle()
    assert world.states() == {"S-1": ("authorized", "held")}
    apply(world, AUTUMN, WINTER)
    assert endings(world) == ["applied"]
    world.tell(world.ask("order.release", "S-1"))
    world.settle()
    world.ship_all("S-1")
    money = world.show()["payment"]
    assert (money["amount"], money["authorized"], money["captured"]) == (19_305, 22_000, 19_305)
    assert world.broken() == {}


@pytest.mark.parametrize(
    "remarks", ["クーポン「秋割」と「冬得」を使います", "coupon codes: autumn, winter", "クーポンを使いたいです"]
)
def test_codes_of_any_spelling_keep_the_amount_open(world: World, remarks: str) -> None:
    """CPN-03."""
    world.take(held(remarks=remarks))
    world.settle()
    assert world.gateway.cards == {}
    apply(world, AUTUMN, WINTER)
    assert (endings(world), world.show()["payment"]["authorized"]) == (["applied"], 19_305)
    assert world.broken() == {}


def test_used_points_stay_used(world: World) -> None:
    """PTS-06, PTS-12: 3,000 of 22,000 yen were paid in points; they come back with a cancel as ever."""
    world.grant(3_000)
    world.take(held(points={"use": "all"}, remarks=f"{REMARKS}。門の前に"))
    world.settle()
    apply(world, AUTUMN, WINTER)
    shown = world.show()
    assert (shown["points"]["used"], shown["totals"]["grand_total"]) == (3_000, 16_305)
    assert world.balance() == (175, 0)
    world.tell(world.ask("order.cancel", "S-1", operator=True))
    world.settle()
    assert world.balance() == (0, 3_000)
    assert world.broken() == {}


def test_goods_that_are_given_away_still_ship_for_a_fee(waiting: World) -> None:
    """TAX-04."""
    apply(waiting, {"code": "ALL", "kind": "percent", "value": 100})
    assert (waiting.show()["payment"]["authorized"], waiting.balance()) == (660, (0, 0))
    assert waiting.broken() == {}


def test_points_that_pay_what_the_coupons_leave_need_no_card(world: World) -> None:
    """PAY-13."""
    world.grant(660)
    world.take(held(points={"use": "all"}))
    world.settle()
    apply(world, {"code": "ALL", "kind": "percent", "value": 100})
    assert (world.show()["payment"]["state"], world.gateway.cards) == ("captured", {})
    assert world.broken() == {}


def test_a_coupon_taken_off_brings_its_points_with_the_goods(world: World) -> None:
    """The coupon field held one that the shop does not honour: it comes back, and what is earned more is a lot more."""
    world.take(held(coupons=[{"code": "SUMMER", "kind": "amount", "value": 5_000}]))
    world.settle()
    assert world.balance() == (150, 0)
    apply(world, AUTUMN)
    assert (world.show()["payment"]["authorized"], world.balance()) == (21_450, (195, 0))
    assert uses(world) == {"summer": "repriced", "autumn": None}
    world.ship_all("S-1")
    assert world.balance() == (0, 195)
    assert world.value("SELECT count(*) FROM point_lot WHERE kind = 'purchase' AND state = 'valid'") == 2
    assert world.broken() == {}


def test_lines_taken_out_afterwards_take_points_from_both_lots(world: World) -> None:
    """PTS-02, PTS-13: 3 of 4 pieces are missing; the coupon stays whole on the last, which earns 45 points for its 4,500 yen."""
    coupon = [{"code": "SUMMER", "kind": "amount", "value": 5_000}]
    world.take(document("S-1", a_line(quantity=4, unit_price=5_000), remarks=REMARKS, coupons=coupon))
    world.settle()
    apply(world, AUTUMN)
    world.tell(world.ask("order.cancel_lines", "S-1", lines=[{"line": "1", "quantity": 3}], reason="out of stock"))
    world.settle()
    assert world.balance() == (195 - 150, 0)
    assert world.broken() == {}


def test_a_bank_transfer_waits_for_the_new_sum(world: World) -> None:
    world.take(held(payment={"method": "bank_transfer"}))
    world.settle()
    apply(world, AUTUMN, WINTER)
    assert world.states()["S-1"] == ("awaiting_payment", "running")
    (told,) = (m for m in world.postbox.mails if m["X-Shukka-Template"] == "payment_instructions")
    assert "19,305円" in text(told)
    world.tell(world.deposit("S-1", 19_305))
    world.settle()
    assert world.show()["payment"]["state"] == "captured"
    assert world.broken() == {}


def test_an_order_with_another_hold_may_be_priced_again_and_again(world: World) -> None:
    """INT-04: business products to an individual wait for a word about them; until then the coupons may change."""
    order = held()
    order["ship_to"] |= {"kind": "individual"}
    order["lines"][0]["flags"] = ["business_address_only"]
    world.take(order)
    world.settle()
    for coupons in ([AUTUMN, WINTER], [WINTER], [AUTUMN]):
        apply(world, *coupons)
    assert [one["grand_total_before"] for one in world.show()["repricings"]] == [22_000, 19_305, 19_800]
    assert (world.gateway.cards, world.balance()) == ({}, (195, 0))
    assert uses(world) == {"autumn": None, "winter": "repriced"}
    world.tell(world.ask("order.release", "S-1"))
    world.settle()
    assert world.show()["payment"]["authorized"] == 21_450
    assert world.postbox.templates("salon/S-1").count("order_accepted") == 4
    assert world.broken() == {}


def test_a_rank_is_measured_by_the_new_sum(waiting: World) -> None:
    """RNK-05."""
    apply(waiting, AUTUMN, WINTER)
    assert waiting.value("SELECT (breakdown->>'rank_spend')::int FROM order_document") == 17_550


def test_of_two_operators_at_once_the_first_is_heard(waiting: World) -> None:
    for coupon in (AUTUMN, WINTER):
        waiting.tell(waiting.ask(ACTION.wakes, "S-1", coupons=[coupon], by="operations"))
    waiting.settle()
    assert endings(waiting) == ["applied", "refused"]
    assert waiting.show()["payment"]["authorized"] == 21_450
    assert waiting.broken() == {}


def test_cancelled_meanwhile_it_stays_cancelled(waiting: World) -> None:
    waiting.tell(waiting.ask("order.cancel", "S-1", operator=True))
    waiting.settle()
    apply(waiting, AUTUMN)
    assert (endings(waiting), waiting.show()["repricings"]) == (["refused"], [])
    assert waiting.broken() == {}


@pytest.fixture
def once(engine: Engine, database_url: str, renderer: Renderer) -> Iterator[World]:
    """A shop whose coupons of yen a customer may use in one order (A.10), with two orders that wait."""
    with World(engine, database_url, renderer, shops={**SHOPS, "salon": ONCE}) as world:
        world.take(held("S-1"), held("S-2"))
        world.settle()
        yield world


def test_a_coupon_of_the_remarks_counts_as_used(once: World) -> None:
    apply(once, AUTUMN, number="S-1")
    apply(once, AUTUMN, number="S-2")
    assert endings(once) == ["applied", "refused"]
    (answer,) = once.submit(document("S-3", coupons=[{**AUTUMN, "code": " ａｕｔｕｍｎ "}]))
    assert [one.field for one in answer.problems] == ["coupons[0].code"]
    assert once.broken() == {}


def test_a_coupon_that_came_back_is_good_again(once: World) -> None:
    once.take(document("S-3", coupons=[AUTUMN], remarks=REMARKS))
    once.settle()
    apply(once, WINTER, number="S-3")
    apply(once, AUTUMN, number="S-1")
    assert endings(once) == ["applied", "applied"]
    assert once.broken() == {}


def test_two_orders_that_ask_for_one_coupon_at_once(once: World) -> None:
    """In one batch neither sees the other; the database does, and they are decided one after the other."""
    for number in ("S-1", "S-2"):
        once.tell(once.ask(ACTION.wakes, number, coupons=[AUTUMN], by="operations"))
    once.settle()
    assert sorted(endings(once)) == ["applied", "refused"]
    assert sorted(state for state, _ in once.states().values()) == ["accepted", "released"]
    assert once.broken() == {}


@pytest.fixture
def site(waiting: World) -> Iterator[Site]:
    """The web interface, with one order that waits for its coupons."""
    site = Site(waiting)
    yield site
    site.close()


def post(site: Site, *coupons: dict[str, Any], number: str = "S-1", **options: Any) -> Any:
    body = {"coupons": list(coupons), "reason": "from the remarks"}
    return site.post(f"/v1/orders/salon/{number}/coupons", body, **{"key": site.operator, **options})


def test_an_operator_applies_coupons(site: Site) -> None:
    answer = post(site, AUTUMN, WINTER)
    assert (answer.status_code, answer.json()["number"]) == (202, "S-1")
    site.world.settle()
    shown = site.get("/v1/orders/salon/S-1").json()
    assert (shown["totals"]["grand_total"], shown["repricings"][0]["grand_total_before"]) == (19_305, 22_000)
    assert site.world.value("SELECT by FROM order_repricing") == "operations"


def test_the_same_request_again_changes_nothing(site: Site) -> None:
    for _ in range(2):
        assert post(site, AUTUMN, headers={"idempotency-key": "k-1"}).status_code == 202
        site.world.settle()
    assert (len(site.world.show()["repricings"]), endings(site.world)) == (1, ["applied"])
    assert site.world.broken() == {}


def test_once_it_is_authorized_the_amount_stays(site: Site) -> None:
    post(site, AUTUMN)
    site.world.settle()
    assert "the order is released" in problem(post(site, WINTER), 409)["detail"]


@pytest.mark.parametrize(
    ("coupons", "field"),
    [
        ([{**AUTUMN, "kind": "points"}], "coupons[0].kind"),
        ([AUTUMN, {**AUTUMN, "code": "autumn"}], "coupons[1].code"),
        ([{**AUTUMN, "value": "500"}], "coupons[0].value"),
        ([{**AUTUMN, "kind": "gift"}], "coupons[0].kind"),
        ([{"code": "AUTUMN"}], "coupons[0].kind"),
        ([{**AUTUMN, "code": "4111 1111 1111 1111"}], "coupons[0].code"),
    ],
)
def test_a_wrong_coupon_is_named(site: Site, coupons: list[dict[str, Any]], field: str) -> None:
    assert fields(post(site, *coupons))[0] == field
    assert endings(site.world) == []


def test_only_operators_and_only_what_is_there(site: Site) -> None:
    for answer in (post(site, AUTUMN, key=site.storefront), post(site, AUTUMN, number="S-9")):
        problem(answer, 404)
    problem(site.post("/v1/orders/salon/S%00/coupons", {"coupons": []}, key=site.operator), 404)
    problem(post(site, AUTUMN, key=None), 401)
