"""Exchanges on real engines (RET-02, RET-06, TAX-05): other goods, the difference as an order with a payment of its own, never money back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from models.store.review import Which
from pipelines.errors import Conflict, Invalid
from pipelines.review.queue import waiting as waiting_now
from tests.returns.counter import Counter, pieces
from tests.world import World, a_line, document
from workers.mail.rendering import Renderer

CARD = {"method": "card", "token": "tok_ok"}


@pytest.fixture
def world(engine: Engine, database_url: str, renderer: Renderer) -> Iterator[World]:
    with World(engine, database_url, renderer) as world:
        yield world


def inspected(
    world: World, shop: str, reason: str, number: str = "S-1", remedy: str = "exchange", **sold: Any
) -> tuple[Counter, str]:
    """A piece of 6,000 yen came back and passed."""
    counter = Counter(world, shop, number).sell(**sold).arrive()
    one = counter.open(pieces("1", 1, reason, remedy=remedy))
    if counter.state(one) == "requested":
        counter.ask("returns:approve", one)
    counter.ask("returns:receive", one)
    counter.ask("returns:inspect", one, passes=True)
    return counter, one


def confirmed(world: World, number: str) -> str:
    """What the confirmation of an order says."""
    about = [one for one in world.postbox.mails if one["X-Shukka-Order"].endswith(f"/{number}")]
    (mail,) = [one for one in about if one["X-Shukka-Template"] == "order_accepted"]
    plain = mail.get_body(("plain",))
    assert plain is not None
    return str(plain.get_content())


def other(unit_price: int, **changes: Any) -> list[dict[str, Any]]:
    """What is taken for it."""
    return [a_line("1", 1, unit_price, sku="OTHER", name="別の商品", **changes)]


def test_a_number_that_the_storefront_has_used_is_passed_over(world: World) -> None:
    """RET-01: it calls an order of its own S-1-R1; what replaces the goods of S-1 leaves all the same."""
    counter, one = inspected(world, "clinic", "defect", remedy="replacement")
    world.take(document("S-1-R1", shop="clinic"))
    world.settle()
    counter.ask("returns:replace", one)
    assert (counter.shown(one)["state"], counter.shown(one)["replacement"]) == ("replaced", "S-1-R2")
    assert world.show("S-1-R2", "clinic")["replaces"] == "S-1"
    assert world.broken() == {}


@pytest.mark.parametrize(
    ("shop", "reason", "price", "due"),
    [
        ("salon", "unwanted", 6_000, 1_650),  # the fee alone, 1,500 ex tax
        ("salon", "unwanted", 6_500, 2_200),  # 500 and 1,500, and tax on both
        ("salon", "defect", 6_500, 550),  # at the shop's cost: no fee
        ("apparel", "unwanted", 6_500, 522),  # no fee is published; members pay 5 % less of both
    ],
)
def test_the_difference_is_paid_with_an_order_of_its_own(
    world: World, shop: str, reason: str, price: int, due: int
) -> None:
    """RET-06, TAX-05: linked to the first, whose money stays where it is; it goes the usual way until it is delivered."""
    counter, one = inspected(world, shop, reason)
    counter.ask("returns:exchange", one, lines=other(price), payment=CARD)
    shown = counter.shown(one)
    assert (shown["state"], shown["replacement"]) == ("exchanged", "S-1-R1")
    assert counter.order()["adjustments"] == []
    after = Counter(world, shop, "S-1-R1")
    order = after.order()
    assert (order["replaces"], order["totals"]["grand_total"]) == ("S-1", due)
    assert (order["payment"]["method"], order["payment"]["authorized"]) == ("card", due)
    assert "ご返送品の充当額: −" in confirmed(world, "S-1-R1")
    assert "クーポン" not in confirmed(world, "S-1-R1")
    world.ship_all("S-1-R1", shop=shop)
    after.arrive()
    assert after.order()["payment"]["captured"] == due
    assert world.states()["S-1-R1"] == ("delivered", "done")
    assert counter.mails()[-1] == "return_finished"
    with pytest.raises(Invalid):
        counter.open(pieces("1", 2, reason))
    assert world.broken() == {}


def counted(world: World, shop: str) -> int:
    """The customer's returns, as the shop counts them."""
    where = f"kind = 'customer_returns' AND shop = '{shop}' AND customer_id = 'M-1'"
    return int(world.value(f"SELECT count(*) FROM customer_mark WHERE {where}"))


def test_an_exchange_for_the_customers_reason_is_counted(world: World) -> None:
    """INT-14: where nothing but exchanges is given, as at salon, they are the customer's returns; the third holds the next order."""
    for number in ("S-1", "S-2", "S-3"):
        counter, one = inspected(world, "salon", "unwanted", number)
        counter.ask("returns:exchange", one, lines=other(6_000), payment=CARD)
    assert counted(world, "salon") == 3
    world.take(document("S-9"))
    world.settle()
    assert [hold["reason"] for hold in world.show("S-9")["hold"]] == ["blocked_customer"]


@pytest.mark.parametrize(("reason", "times"), [("unwanted", 1), ("defect", 0)])
def test_a_return_is_counted_once_whatever_it_gave(world: World, reason: str, times: int) -> None:
    """INT-14: an exchange that came to nothing, another one, and in the end the money."""
    counter, one = inspected(world, "apparel", reason)
    for number in ("S-1-R1", "S-1-R2"):
        later = {"availability": "backorder", "expected_on": "2026-12-20"}
        counter.ask("returns:exchange", one, lines=other(6_500, **later), payment=CARD)
        world.tell(world.ask("order.cancel", number, "apparel", operator=True))
        world.settle()
    counter.ask("returns:refund", one)
    assert (counter.state(one), counted(world, "apparel")) == ("refunded", times)
    assert world.broken() == {}


def test_goods_of_the_same_value_for_a_fault_cost_nothing(world: World) -> None:
    """RET-06 (a)."""
    counter, one = inspected(world, "salon", "defect")
    counter.ask("returns:exchange", one, lines=other(6_000))
    payment = Counter(world, "salon", "S-1-R1").order()["payment"]
    assert (payment["method"], payment["state"]) == ("none", "captured")
    assert world.broken() == {}


def test_what_is_over_is_never_paid_back(world: World) -> None:
    """RET-06: goods of less value are refused at the customer's wish, to the yen."""
    counter, one = inspected(world, "salon", "unwanted")
    with pytest.raises(Conflict) as refused:
        counter.ask("returns:exchange", one, lines=other(5_999), payment=CARD)
    assert refused.value.rule == "RET-06"
    assert counter.state(one) == "inspected"


def test_what_is_over_is_given_in_points_where_the_terms_take_any_goods(world: World) -> None:
    """RET-02: 5,720 yen were paid for the piece, members and coupon taken off, and 1,045 are for the other; no money moves."""
    counter, one = inspected(world, "apparel", "unwanted", coupons=[{"code": "C", "kind": "amount", "value": 1_000}])
    before = world.balance(shop="apparel")[1]
    counter.ask("returns:exchange", one, lines=other(1_000))
    assert world.balance(shop="apparel")[1] - before == 4_675
    assert counter.order()["payment"]["refunded"] == 0
    assert world.broken() == {}


@pytest.mark.parametrize(
    ("lines", "payment", "field"),
    [
        (other(6_500), None, "payment"),
        (other(6_500), {"method": "loan"}, "payment.method"),
        (other(6_500), {"method": "card"}, "payment.token"),
        (other(6_500, availability="unique"), CARD, "lines[0].availability"),
        (other(3_000) * 2, CARD, "lines[1].line"),
    ],
    ids=["nobody pays", "not a method of the shop", "no token", "one of a kind", "named twice"],
)
def test_a_wrong_exchange_names_its_field(
    world: World, lines: list[dict[str, Any]], payment: dict[str, Any] | None, field: str
) -> None:
    counter, one = inspected(world, "salon", "unwanted")
    with pytest.raises(Invalid) as wrong:
        counter.ask("returns:exchange", one, lines=lines, payment=payment)
    assert field in [problem.field for problem in wrong.value.problems]


def test_a_shop_that_exchanges_nothing_says_so(world: World) -> None:
    """RET-03."""
    counter = Counter(world, "reuse").sell(a_line("1", 1, 90_000, availability="unique")).arrive()
    one = counter.open(pieces())
    counter.ask("returns:receive", one)
    counter.ask("returns:inspect", one, passes=True)
    with pytest.raises(Conflict) as refused:
        counter.ask("returns:exchange", one, lines=other(90_000), payment=CARD)
    assert refused.value.rule == "RET-03"


def waiting(world: World) -> list[str]:
    """What the review queue says of goods that are not sent for returns."""
    with world.engine.connect() as connection:
        return [item.says("en") for item in waiting_now(connection, world.clock.now(), Which("replacement"))]


def test_a_return_is_open_again_when_nothing_leaves_for_its_goods(world: World) -> None:
    """RET-02: a difference that the customer cancels, one whose transfer never comes and one that the card refuses. Each customer
    hears of it, a person has it, and every remedy is open again; the next order has a number of its own."""
    ways = {
        "S-1": {"method": "card", "token": "tok_ok"},
        "S-2": {"method": "bank_transfer"},
        "S-3": {"method": "card", "token": "tok_declined"},
    }
    sold = {number: inspected(world, "apparel", "unwanted", number, customer=f"M-{number}") for number in ways}
    for number, paid in ways.items():
        counter, one = sold[number]
        later = {"availability": "backorder", "expected_on": "2026-12-20"} if number == "S-1" else {}
        counter.ask("returns:exchange", one, lines=other(6_500, **later), payment=paid)
    assert sold["S-3"][0].state(sold["S-3"][1]) == "inspected", "the card was refused at once"
    assert [sold[number][0].state(sold[number][1]) for number in ("S-1", "S-2")] == ["exchanged", "exchanged"]
    world.tell(world.ask("order.cancel", "S-1-R1", "apparel", reason="no longer wanted"))
    world.settle()
    world.at("2026-12-01 23:59:59")
    assert {number: world.states()[f"{number}-R1"][0] for number in ways} == dict.fromkeys(ways, "cancelled")
    for counter, one in sold.values():
        shown = counter.shown(one)
        assert (shown["state"], shown["replacement"]) == ("inspected", f"{counter.number}-R1")
        assert counter.mails()[-2:] == ["return_finished", "return_open_again"]
        assert counter.order()["payment"]["refunded"] == 0
    assert sorted(says.partition(",")[0] for says in waiting(world)) == [
        f"Order {number}-R1" for number in sorted(ways)
    ]
    assert world.broken() == {}

    counter, one = sold["S-1"]
    counter.ask("returns:refund", one)
    assert (counter.state(one), counter.order()["payment"]["refunded"]) == ("refunded", 6_270)
    counter, one = sold["S-2"]
    counter.ask("returns:exchange", one, lines=other(6_500), payment=CARD)
    assert (counter.shown(one)["state"], counter.shown(one)["replacement"]) == ("exchanged", "S-2-R2")
    assert counter.mails().count("return_finished") == 2
    world.at("2026-12-10 09:00:00")
    assert len(waiting(world)) == 1
    held, _ = sold["S-3"]
    assert [hold["reason"] for hold in held.order()["hold"]] == ["return_unsettled"], "it is not forgotten"
    assert world.broken() == {}


def test_points_that_an_exchange_left_go_back_with_it(world: World) -> None:
    """RET-02, PTS-13: no goods leave, so what was over of their worth was never given; what was spent of it is owed."""
    counter, one = inspected(world, "apparel", "unwanted")
    before = world.balance(shop="apparel")[1]
    counter.ask("returns:exchange", one, lines=other(1_000))
    given = world.balance(shop="apparel")[1] - before
    assert given > 0
    world.tell(world.ask("order.cancel", "S-1-R1", "apparel", reason="sold out", operator=True))
    world.settle()
    assert (counter.state(one), world.balance(shop="apparel")[1]) == ("inspected", before)
    counter.ask("returns:exchange", one, lines=other(1_000))
    assert world.balance(shop="apparel")[1] - before == given
    assert world.broken() == {}


def test_goods_that_are_sent_again_after_a_cancel(world: World) -> None:
    """RET-06: what the shop cannot send in exchange is replaced or refunded."""
    counter, one = inspected(world, "salon", "defect")
    counter.ask("returns:exchange", one, lines=other(6_000))
    world.tell(world.ask("order.cancel", "S-1-R1", "salon", reason="sold out", operator=True))
    world.settle()
    counter.ask("returns:replace", one)
    assert (counter.shown(one)["state"], counter.shown(one)["replacement"]) == ("replaced", "S-1-R2")
    world.ship_all("S-1-R2", shop="salon")
    assert world.states()["S-1-R2"][0] == "shipped"
    assert waiting(world) == []
    assert world.broken() == {}


def test_a_return_is_open_again_when_what_left_for_it_never_arrived(world: World) -> None:
    """RET-07, RET-08: a replacement that was lost, an exchange that came back. A person settles the parcel first; then its customer hears
    of it, every remedy is open, and what was paid for the difference goes back."""
    counter, one = inspected(world, "clinic", "defect", remedy="replacement")
    counter.ask("returns:replace", one)
    world.ship_all("S-1-R1", shop="clinic")
    (shipment,) = world.shipments("S-1-R1", "clinic")
    world.tell(world.news("shipment.lost", shipment))
    world.settle()
    other_order = Counter(world, "clinic", "S-1-R1")
    assert (world.states()["S-1-R1"], counter.state(one)) == (("undelivered", "held"), "replaced")
    assert world.broken() == {}
    other_order.ask("lines:return", lines=[{"line": "1", "quantity": 1}], fault="shop", reason="lost")
    assert (world.states()["S-1-R1"], counter.state(one)) == (("undelivered", "done"), "inspected")
    assert counter.mails()[-1] == "return_open_again"
    (mail,) = [m for m in world.postbox.mails if m["X-Shukka-Template"] == "return_open_again"]
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert "お届けできませんでした" in plain.get_content()
    assert waiting(world) == [
        f"Order S-1-R1, which was to leave for return {one}, was cancelled, never arrived or came back: its customer has neither goods nor money."
    ]
    assert world.broken() == {}
    counter.ask("returns:replace", one)
    world.ship_all("S-1-R2", shop="clinic")
    Counter(world, "clinic", "S-1-R2").arrive()
    assert (counter.state(one), counter.shown(one)["replacement"]) == ("replaced", "S-1-R2")
    assert (world.states()["S-1-R2"], waiting(world)) == (("delivered", "done"), [])

    counter, one = inspected(world, "salon", "defect", "S-2", customer="M-2")
    counter.ask("returns:exchange", one, lines=other(6_500), payment=CARD)
    world.ship_all("S-2-R1")
    (shipment,) = world.shipments("S-2-R1")
    world.tell(world.news("shipment.returned", shipment))
    world.settle()
    Counter(world, "salon", "S-2-R1").ask("lines:return", lines=[{"line": "1", "quantity": 1}], fault="shop")
    paid = world.show("S-2-R1")["payment"]
    assert (paid["captured"], paid["refunded"]) == (550, 550), "the difference"
    assert counter.state(one) == "inspected"
    counter.ask("returns:refund", one)
    assert counter.state(one) == "refunded"
    assert world.broken() == {}


@pytest.mark.parametrize(
    ("shop", "remedy", "reason", "here"),
    [("clinic", "replacement", "defect", 0), ("apparel", "exchange", "unwanted", 522)],
)
def test_goods_that_were_given_for_others_and_come_back_too_are_paid_back_where_they_were_paid(
    world: World, shop: str, remedy: str, reason: str, here: int
) -> None:
    """RET-01, RET-02: the second piece is no good either, and there is no third. Its order has no money but the difference, so the first
    return is open again, and gives back what the goods cost."""
    counter, one = inspected(world, shop, reason, remedy=remedy)
    paid = counter.order()["payment"]["captured"]
    if remedy == "replacement":
        counter.ask("returns:replace", one)
    else:
        counter.ask("returns:exchange", one, lines=other(6_500), payment=CARD)
    world.ship_all("S-1-R1", shop=shop)
    second = Counter(world, shop, "S-1-R1").arrive()
    again = second.open(pieces("1", 1, "defect"))
    second.ask("returns:approve", again)
    second.ask("returns:receive", again)
    second.ask("returns:inspect", again, passes=True)
    second.ask("returns:refund", again)
    assert second.order()["payment"]["refunded"] == here, "the difference"
    assert counter.state(one) == "inspected"
    assert counter.order()["awaits"][-1]["what"] == "return.settle"
    (mail,) = [m for m in world.postbox.mails if m["X-Shukka-Template"] == "return_open_again"]
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert "ご返品となりました" in plain.get_content()
    assert len(waiting(world)) == 1
    counter.ask("returns:refund", one)
    shown = counter.order()
    assert shown["payment"]["refunded"] == shown["adjustments"][-1]["money"] > 6_000
    assert shown["payment"]["refunded"] <= paid
    assert waiting(world) == []
    assert world.broken() == {}


def test_an_exchange_that_was_paid_for_after_its_cancel_stands(world: World) -> None:
    """PAY-09: the carrier collects the difference after the days were over. The return, open meanwhile, is exchanged again; where it was
    settled otherwise, a person hears of goods and money that are both the customer's."""
    sold = {number: inspected(world, "salon", "unwanted", number, customer=f"M-{number}") for number in ("S-1", "S-2")}
    for number, (counter, one) in sold.items():
        counter.ask("returns:exchange", one, lines=other(6_500), payment={"method": "cod"})
        world.ship_all(f"{number}-R1")
    world.at("2026-11-27 00:00:00")
    assert {world.states()[f"{number}-R1"][0] for number in sold} == {"cancelled"}
    assert [counter.state(one) for counter, one in sold.values()] == ["inspected", "inspected"]
    counter, one = sold["S-2"]
    counter.ask("returns:refund", one)
    for number in sold:
        (shipment,) = world.shipments(f"{number}-R1")
        world.tell(world.news("shipment.delivered", shipment))
        world.settle()
        Counter(world, "salon", f"{number}-R1").ask("release")
        assert world.states()[f"{number}-R1"][0] == "delivered"
    counter, one = sold["S-1"]
    assert (counter.state(one), counter.shown(one)["replacement"]) == ("exchanged", "S-1-R1")
    assert waiting(world) == []
    reason = world.value("SELECT reason FROM inbox_event WHERE state = 'quarantined'")
    assert reason == "order S-2-R1 was received after all, and its return was settled otherwise meanwhile"
    assert world.broken() == {}


@pytest.mark.parametrize("news", ["lost", "returned"])
def test_a_return_is_open_again_also_where_a_person_was_sooner_than_the_carrier(world: World, news: str) -> None:
    """RET-07, RET-08: the replacement's goods were settled while their parcel was still under way; that it never arrived is said after."""
    counter, one = inspected(world, "clinic", "defect", remedy="replacement")
    counter.ask("returns:replace", one)
    world.ship_all("S-1-R1", shop="clinic")
    (shipment,) = world.shipments("S-1-R1", "clinic")
    other_order = Counter(world, "clinic", "S-1-R1")
    other_order.ask("lines:return", lines=[{"line": "1", "quantity": 1}], fault="shop", reason="nothing is heard of it")
    assert (world.states()["S-1-R1"][0], counter.state(one)) == ("shipped", "replaced")
    assert world.broken() == {}
    world.tell(world.news(f"shipment.{news}", shipment))
    world.settle()
    assert (world.states()["S-1-R1"], counter.state(one)) == (("undelivered", "done"), "inspected")
    assert counter.mails()[-1] == "return_open_again"
    assert world.broken() == {}
    world.tell(world.news(f"shipment.{news}", shipment, event_id="again"))
    world.settle()
    assert counter.mails().count("return_open_again") == 1


def test_a_part_of_a_replacement_that_comes_back_too_is_paid_back_where_it_was_paid(world: World) -> None:
    """RET-01: two pieces of 6,000 yen were replaced, one of the new ones is no good either, and later the other. Each gives back what it
    cost, 6,600 yen of the 13,200 that were paid, by the first order, which has the money."""
    counter = Counter(world, "clinic").sell().arrive()
    one = counter.open(pieces("1", 2, "defect", remedy="replacement"))
    settle_at(counter, one, "returns:replace")
    world.ship_all("S-1-R1", shop="clinic")
    second = Counter(world, "clinic", "S-1-R1").arrive()
    settle_at(second, second.open(pieces("1", 1, "defect")), "returns:refund")
    part = f"{one}-2"
    assert (counter.state(one), counter.state(part)) == ("replaced", "inspected")
    assert [line["quantity"] for id_ in (one, part) for line in counter.shown(id_)["lines"]] == [1, 1]
    assert counter.mails()[-1] == "return_open_again"
    assert world.broken() == {}
    counter.ask("returns:refund", part)
    assert counter.order()["payment"]["refunded"] == 6_600
    assert world.broken() == {}
    settle_at(second, second.open(pieces("1", 1, "defect")), "returns:refund")
    assert counter.state(one) == "inspected"
    counter.ask("returns:refund", one)
    shown = counter.order()["payment"]
    assert (shown["captured"], shown["refunded"]) == (13_200, 13_200)
    assert waiting(world) == []
    assert world.broken() == {}


def test_a_part_of_a_replacement_that_cannot_leave_is_open_again(world: World) -> None:
    """RET-01: stock is gone for one of two, which is refunded; the other leaves, comes back, and is refunded in its turn."""
    counter = Counter(world, "clinic").sell().arrive()
    one = counter.open(pieces("1", 2, "defect", remedy="replacement"))
    settle_at(counter, one, "returns:replace")
    second = Counter(world, "clinic", "S-1-R1")
    second.ask("lines:cancel", lines=[{"line": "1", "quantity": 1}], reason="sold out")
    part = f"{one}-2"
    assert (counter.state(one), counter.state(part)) == ("replaced", "inspected")
    counter.ask("returns:refund", part)
    assert counter.order()["payment"]["refunded"] == 6_600
    world.ship_all("S-1-R1", shop="clinic")
    second.arrive()
    assert world.broken() == {}
    settle_at(second, second.open(pieces("1", 1, "defect")), "returns:refund")
    assert counter.state(one) == "inspected"
    counter.ask("returns:replace", one)
    assert counter.shown(one)["replacement"] == "S-1-R2"
    assert world.broken() == {}


def test_a_part_of_a_replacement_that_never_arrived_is_open_again(world: World) -> None:
    """RET-07: of two parcels one is lost; once it is settled its piece, 4,400 yen, is open again, and the other stays replaced until its piece
    comes back too."""
    counter = Counter(world, "clinic").sell(a_line("1", 1, 6_000), a_line("2", 1, 4_000, supplier="maker-a")).arrive()
    one = counter.open(pieces("1", 1, "defect", remedy="replacement"), pieces("2", 1, "defect", remedy="replacement"))
    settle_at(counter, one, "returns:replace")
    world.ship_all("S-1-R1", shop="clinic")
    second = Counter(world, "clinic", "S-1-R1")
    lost = next(one["id"] for one in second.order()["shipments"] if one["supplier"] == "maker-a")
    world.tell(world.news("shipment.lost", lost, "maker-a"))
    second.arrive()
    assert counter.state(one) == "replaced"
    second.ask("lines:return", lines=[{"line": "2", "quantity": 1}], fault="shop", reason="lost")
    assert (counter.state(one), counter.state(f"{one}-2")) == ("replaced", "inspected")
    counter.ask("returns:refund", f"{one}-2")
    assert counter.order()["payment"]["refunded"] == 4_400
    assert (world.broken(), waiting(world)) == ({}, [])
    settle_at(second, second.open(pieces("1", 1, "defect")), "returns:refund")
    assert counter.state(one) == "inspected"
    counter.ask("returns:refund", one)
    assert counter.order()["payment"]["refunded"] == counter.order()["payment"]["captured"] == 11_000
    assert (world.broken(), waiting(world)) == ({}, [])


def settle_at(counter: Counter, one: str, remedy: str) -> None:
    """A return is approved where it is to be, comes in, passes, and ends with ``remedy``."""
    if counter.state(one) == "requested":
        counter.ask("returns:approve", one)
    counter.ask("returns:receive", one)
    counter.ask("returns:inspect", one, passes=True)
    counter.ask(remedy, one)
