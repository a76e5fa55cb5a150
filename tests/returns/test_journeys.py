"""Returns on real engines, from the request to the money (A.12), and every day that ends on the way."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine

from pipelines.errors import Conflict, Invalid
from tests.returns.counter import CUSTOMER, Counter, pieces
from tests.world import World, a_line, document
from workers.mail.rendering import Renderer


@pytest.fixture
def world(engine: Engine, database_url: str, renderer: Renderer) -> Any:
    with World(engine, database_url, renderer) as world:
        yield world


def test_a_return_at_the_customers_wish_is_refunded(world: World) -> None:
    """RET-02: approved by the rules, sent back, received, inspected, refunded; its customer hears each step."""
    counter = Counter(world, "apparel").sell().arrive()
    one = counter.open(pieces())
    assert counter.state(one) == "awaiting_goods"
    assert counter.order()["awaits"][-1] | {"until": ""} == {
        "what": "return.goods",
        "from": "customer",
        "until": "",
        "then": "expire",
        "shipment": None,
        "return": one,
    }
    counter.ask("returns:receive", one)
    counter.ask("returns:inspect", one, passes=True)
    counter.ask("returns:refund", one)
    shown = counter.order()
    assert counter.state(one) == "refunded"
    assert [(change["kind"], change["money"]) for change in shown["adjustments"]] == [("return", 6_270)]
    assert (shown["payment"]["state"], shown["payment"]["refunded"]) == ("partly_refunded", 6_270)
    assert shown["condition"] == "done"
    assert shown["awaits"] == []
    assert counter.mails() == ["return_goods_awaited", "return_received", "return_finished"]
    assert [m["to"] for m in shown["timeline"] if m["entity"] == "return"] == [
        "requested",
        "approved",
        "awaiting_goods",
        "received",
        "inspected",
        "refunded",
    ]
    assert world.broken() == {}


def test_what_the_terms_refuse_is_refused_with_the_rule(world: World) -> None:
    """RET-02: nothing is kept of it."""
    counter = Counter(world, "apparel").sell(a_line("1", 1, 6_000, flags=["sale"])).arrive()
    with pytest.raises(Conflict) as refused:
        counter.open(pieces())
    assert refused.value.rule == "RET-02"
    assert counter.order()["returns"] == []


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ([pieces("9")], "lines[0].line"),
        ([pieces(quantity=3)], "lines[0].quantity"),
        ([pieces(), pieces()], "lines[1].line"),
        ([pieces(), pieces("1", 1, "defect", remedy="exchange")], "lines"),
    ],
    ids=["no such line", "more than there are", "twice for one reason", "two remedies"],
)
def test_a_wrong_request_names_its_field(world: World, asked: list[dict[str, Any]], field: str) -> None:
    counter = Counter(world, "apparel").sell().arrive()
    with pytest.raises(Invalid) as wrong:
        counter.open(*asked)
    assert [one.field for one in wrong.value.problems] == [field]


def test_no_piece_is_in_two_returns(world: World) -> None:
    """Neither for the customer, nor where an operator settles goods at once; two that come at one moment are one and a refusal."""
    counter = Counter(world, "apparel").sell().arrive()
    first = counter.open(pieces())
    with pytest.raises(Invalid):
        counter.open(pieces(quantity=2))
    with pytest.raises(Invalid):
        counter.ask("lines:return", lines=[{"line": "1", "quantity": 2}])
    asked = [counter.hand_in("returns", by=CUSTOMER, lines=[pieces()]).opened for _ in range(2)]
    world.settle()
    assert sorted(counter.state(str(one)) for one in asked) == ["awaiting_goods", "refused"]
    assert counter.state(first) == "awaiting_goods"
    assert counter.mails().count("return_refused") == 1
    assert world.broken() == {}


def test_a_return_that_a_person_must_see_waits_for_the_answer(world: World) -> None:
    """RET-02: a defect. Its days are told; an operator says yes, and the customer hears where to send the goods."""
    counter = Counter(world, "apparel").sell().arrive()
    one = counter.open(pieces("1", 1, "defect"))
    assert counter.state(one) == "requested"
    wait = counter.order()["awaits"][-1]
    assert (wait["what"], wait["from"], wait["until"], wait["then"]) == (
        "return.answer",
        "operator",
        "2026-11-24T00:00:00+09:00",
        "approve",
    )
    counter.ask("returns:approve", one, words="Please wrap it well.")
    assert (counter.state(one), counter.shown(one)["answer"]) == ("awaiting_goods", "Please wrap it well.")
    assert counter.mails() == ["return_accepted", "return_goods_awaited"]
    counter.ask("returns:receive", one)
    counter.ask("returns:inspect", one, passes=True)
    counter.ask("returns:refund", one)
    assert [(change["kind"], change["money"]) for change in counter.order()["adjustments"]] == [("fault", 6_270)]
    assert world.broken() == {}


def test_a_refusal_tells_why(world: World) -> None:
    counter = Counter(world, "apparel").sell().arrive()
    one = counter.open(pieces("1", 1, "defect"))
    counter.ask("returns:refuse", one, words="The picture shows another product.")
    assert (counter.state(one), counter.mails()) == ("refused", ["return_accepted", "return_refused"])
    assert counter.order()["awaits"] == []
    assert counter.open(pieces("1", 2, "defect")) != one, "its pieces are free again"
    assert world.broken() == {}


@pytest.mark.parametrize(("moment", "state"), [("23:59:59", "requested"), ("24:00:00", "awaiting_goods")])
def test_an_answer_that_does_not_come_is_a_yes(world: World, moment: str, state: str) -> None:
    """The last second of the last day is the shop's, and the first after it the customer's."""
    counter = Counter(world, "apparel").sell().arrive()
    one = counter.open(pieces("1", 1, "defect"))
    world.at("2026-11-24 00:00:00" if moment == "24:00:00" else f"2026-11-23 {moment}")
    assert counter.state(one) == state
    assert world.broken() == {}


def test_goods_that_came_in_time_are_received_also_late(world: World) -> None:
    """They lay at the shop over the weekend; what came too late is not taken."""
    counter = Counter(world, "reuse").sell(a_line("1", 1, 90_000, availability="unique")).arrive()
    one = counter.open(pieces())
    world.at("2026-12-07 09:00:00")
    with pytest.raises(Conflict):
        counter.ask("returns:receive", one)
    counter.ask("returns:receive", one, arrived_on="2026-12-04")
    counter.ask("returns:inspect", one, passes=True)
    counter.ask("returns:refund", one)
    assert counter.order()["payment"]["state"] == "refunded"
    world.take({**document("S-2", a_line("1", 1, 90_000, availability="unique"), shop="reuse", customer="M-2")})
    assert world.broken() == {}


def test_goods_that_do_not_pass_are_sent_back(world: World) -> None:
    """No money moves, and the pieces are with the customer again."""
    counter = Counter(world, "apparel").sell().arrive()
    one = counter.open(pieces())
    counter.ask("returns:receive", one)
    with pytest.raises(Invalid):
        counter.ask("returns:inspect", one, passes=False)
    counter.ask("returns:inspect", one, passes=False, words="It has been worn.")
    assert counter.state(one) == "rejected"
    counter.ask("returns:close", one)
    assert (counter.state(one), counter.shown(one)["answer"]) == ("sent_back", "It has been worn.")
    assert counter.order()["adjustments"] == []
    assert counter.mails()[-1] == "return_finished"
    assert world.broken() == {}


def test_some_pieces_pass_and_others_are_sent_back(world: World) -> None:
    """A.12: by line; what does not pass is a return of its own, watched as any, and may be asked for again once it is back with its
    customer."""
    counter = Counter(world, "apparel").sell(a_line("1", 3, 6_000)).arrive()
    one = counter.open(pieces("1", 3))
    counter.ask("returns:receive", one)
    for wrong in (
        {"rejected": [{"line": "1", "quantity": 1}]},
        {"rejected": [{"line": "1", "quantity": 4}], "words": "worn"},
    ):
        with pytest.raises(Invalid):
            counter.ask("returns:inspect", one, passes=True, **wrong)
    with pytest.raises(Invalid):
        counter.ask("returns:inspect", one, passes=True, rejected=[{"line": "1", "quantity": 3}], words="all of them")
    counter.ask("returns:inspect", one, passes=True, rejected=[{"line": "1", "quantity": 1}], words="It has been worn.")
    apart = f"{one}-2"
    assert [(counter.state(id_), counter.shown(id_)["lines"][0]["quantity"]) for id_ in (one, apart)] == [
        ("inspected", 2),
        ("rejected", 1),
    ]
    counter.ask("returns:refund", one)
    assert [change["lines"] for change in counter.order()["adjustments"]] == [[{"line": "1", "quantity": 2}]]
    with pytest.raises(Invalid):
        counter.open(pieces("1", 1))
    counter.ask("returns:close", apart)
    assert (counter.state(apart), counter.shown(apart)["answer"]) == ("sent_back", "It has been worn.")
    assert counter.mails()[-2:] == ["return_finished"] * 2
    assert counter.state(counter.open(pieces("1", 1))) == "awaiting_goods"
    assert world.broken() == {}


def test_pieces_whose_parcel_came_back_are_nobodys_to_return(world: World) -> None:
    """RET-08: they are not with the customer, whether they were settled or not; those that arrived are."""
    counter = Counter(world, "clinic")
    world.take(document("S-1", a_line("1", 2, 6_000), a_line("2", 1, 3_000, supplier="maker-a"), shop="clinic"))
    world.settle()
    world.ship_all("S-1", shop="clinic")
    first, second = world.shipments("S-1", "clinic")
    world.tell(world.news("shipment.delivered", first), world.news("shipment.returned", second, "maker-a"))
    world.settle()
    with pytest.raises(Invalid):
        counter.open(pieces("2", 1, "defect"))
    counter.ask("lines:return", lines=[{"line": "2", "quantity": 1}], fault="shop")
    with pytest.raises(Invalid):
        counter.open(pieces("2", 1, "defect"))
    assert counter.state(counter.open(pieces("1", 2, "defect"))) == "requested"
    assert world.broken() == {}


def test_what_nobody_settles_goes_before_a_human(world: World) -> None:
    """And is held no longer once it goes on."""
    counter = Counter(world, "apparel").sell().arrive()
    one = counter.open(pieces())
    counter.ask("returns:receive", one)
    world.at("2026-11-27 23:59:59")
    assert counter.order()["condition"] == "done"
    world.at("2026-11-28 00:00:00")
    assert [hold["reason"] for hold in counter.order()["hold"]] == ["return_unsettled"]
    assert world.broken() == {}
    counter.ask("returns:inspect", one, passes=True)
    counter.ask("returns:refund", one)
    assert (counter.order()["condition"], counter.order()["hold"]) == ("done", [])
    assert world.broken() == {}


def replaced(world: World, shop: str, *lines: dict[str, Any]) -> tuple[Counter, str]:
    """A broken piece was sent back and is replaced."""
    counter = Counter(world, shop).sell(*lines).arrive()
    one = counter.open(pieces("1", 1, "defect"))
    counter.ask("returns:approve", one)
    counter.ask("returns:receive", one)
    counter.ask("returns:inspect", one, passes=True)
    counter.ask("returns:replace", one)
    return counter, one


@pytest.mark.parametrize("shop", ["clinic", "salon", "apparel"])
def test_a_broken_piece_is_replaced_by_an_order_that_costs_nothing(world: World, shop: str) -> None:
    """RET-01, RET-02, RET-06: the same goods by the same route, no payment, no points, no shipping fee; the first order's money stays."""
    before = Counter(world, shop)
    counter, one = replaced(world, shop, a_line("1", 2, 6_000), a_line("2", 1, 900))
    shown = counter.shown(one)
    assert (shown["state"], shown["replacement"]) == ("replaced", "S-1-R1")
    assert counter.order()["adjustments"] == []
    other = Counter(world, shop, "S-1-R1")
    order = other.order()
    assert order["replaces"] == "S-1"
    assert (order["totals"]["grand_total"], order["payment"]["method"], order["payment"]["state"]) == (
        0,
        "none",
        "captured",
    )
    assert [line for shipment in order["shipments"] for line in shipment["lines"]] == [
        {"line": "1", "quantity": 1, "shipped": 0, "cancelled": 0}
    ]
    world.ship_all("S-1-R1", shop=shop)
    other.arrive()
    assert world.states()["S-1-R1"] == ("delivered", "done")
    assert other.order()["points"]["earned"] == 0
    with pytest.raises(Invalid):
        before.open(pieces("1", 2, "defect"))
    assert world.broken() == {}


def test_what_there_is_one_of_is_not_replaced(world: World) -> None:
    """RET-03, INT-10."""
    with pytest.raises(Conflict):
        replaced(world, "reuse", a_line("1", 1, 90_000, availability="unique"))
    assert world.broken() == {}


def test_a_maker_hears_of_its_goods_that_came_back_and_passed(world: World) -> None:
    """A.12: of the pieces that passed, once; the warehouse, which took its own in, hears nothing, and no money is told."""
    counter = Counter(world, "clinic")
    world.take(document("S-1", a_line("1", 1, 6_000), a_line("2", 3, 3_000, supplier="maker-a"), shop="clinic"))
    world.settle()
    world.ship_all("S-1", shop="clinic")
    for shipment, supplier in zip(world.shipments("S-1", "clinic"), ("warehouse", "maker-a"), strict=True):
        world.tell(world.news("shipment.delivered", shipment, supplier))
    world.settle()
    one = counter.open(pieces("1", 1, "defect"), pieces("2", 3, "defect"))
    counter.ask("returns:approve", one)
    counter.ask("returns:receive", one)
    counter.ask("returns:inspect", one, passes=True, rejected=[{"line": "2", "quantity": 1}], words="It has been worn.")
    counter.ask("returns:replace", one)
    mails = [mail for mail in world.postbox.mails if mail["X-Shukka-Template"] == "supplier_return"]
    assert [mail["X-Shukka-Shipment"] for mail in mails] == [world.shipments("S-1", "clinic")[1]]
    plain = mails[0].get_body(("plain",))
    assert plain is not None
    told = str(plain.get_content())
    assert "[SKU-2] 商品 2 (数量 2)" in told
    assert "商品 1" not in told
    assert "3,000" not in told
    assert world.broken() == {}
