"""STO-01, CAN-03: goods that were called to a store, from the order to the visit, or back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pipelines.errors import Misconfigured
from tests.world import SHOPS, World, a_line, document

CALLED = {"store": "store-1", "visit_on": "2026-11-28"}


def take(world: World, *lines: Any, number: str = "R-1", **changes: Any) -> None:
    """A watch that is called to the store on Friday the 20th at nine, and told to the warehouse."""
    goods = lines or (a_line(availability="unique", unit_price=50_000, flags=["pull_in"]),)
    world.take(document(number, *goods, **{"shop": "reuse", "pickup": CALLED, **changes}))
    world.settle()
    world.clock.advance(minutes=16)
    world.settle()


def reach_the_store(world: World, number: str = "R-1") -> None:
    """The warehouse ships it, and the carrier delivers it on Sunday at noon."""
    world.ship_all(number, shop="reuse")
    world.at("2026-11-22 12:00:00")
    world.tell(*(world.news("shipment.delivered", one) for one in world.shipments(number, "reuse")))
    world.settle()


def say(world: World, what: str, **body: Any) -> None:
    world.tell(world.ask(what, "R-1", "reuse", **{"operator": True, "by": "store-1", "reason": "", **body}))
    world.settle()


def shown(world: World) -> dict[str, Any]:
    return world.show("R-1", "reuse")


def told(world: World) -> list[str]:
    return [mail["template"] for mail in shown(world)["mails"]]


def waits(world: World) -> list[tuple[str, str, str, str]]:
    return [(one["what"], one["from"], one["until"][:16], one["then"]) for one in shown(world)["awaits"]]


def last_answer(world: World) -> tuple[str, str | None]:
    (row,) = world.rows("SELECT state, reason FROM inbox_event ORDER BY id DESC LIMIT 1")
    return row.state, row.reason


@pytest.mark.parametrize(
    ("after", "state"),
    [(timedelta(minutes=15), "cancelled"), (timedelta(minutes=15, milliseconds=1), "authorized")],
    ids=["in time", "too late"],
)
def test_the_fifteen_minutes_count_to_the_moment_at_which_the_customer_asks(
    world: World, after: timedelta, state: str
) -> None:
    """CAN-03: inclusive, also where the request waits a little to be decided."""
    goods = a_line(availability="unique", unit_price=50_000, flags=["pull_in"])
    world.take(document("R-1", goods, shop="reuse", pickup=CALLED))
    world.settle()
    world.clock.set(world.clock.now() + after)
    world.tell(world.ask("order.cancel", "R-1", "reuse", reason="another store"))
    world.clock.advance(milliseconds=500)  # until a worker has it; a second after the window the goods may be prepared
    world.settle()
    assert world.states()["R-1"][0] == state, last_answer(world)
    assert world.broken() == {}


def test_a_watch_is_called_to_the_store_seen_and_bought(world: World) -> None:
    take(world)
    assert shown(world)["pickup"] == CALLED
    assert world.value("SELECT document->'ship_to'->>'line1' FROM order_document") == "丸の内1-1-1"
    reach_the_store(world)
    order = shown(world)
    assert (order["state"], order["shipments"][0]["tracking_status"]) == ("shipped", "at_store")
    assert order["payment"]["state"] == "captured"
    assert told(world)[-3:] == ["shipment_shipped", "store_notice", "pickup_ready"]
    assert waits(world) == [("customer.visit", "M-1", "2026-11-29T00:00", "remind")]
    assert world.broken() == {}
    world.at("2026-11-28 15:00:00")
    say(world, "pickup.bought")
    assert (shown(world)["state"], shown(world)["condition"], shown(world)["awaits"]) == ("delivered", "done", [])
    assert "order_delivered" not in told(world)  # the customer was there
    assert world.broken() == {}


def test_without_a_visit_the_customer_is_reminded_and_the_goods_go_back(world: World) -> None:
    """Kept until the visit and seven days more; then the money goes back, and the watch may be sold again once it is there."""
    take(world)
    reach_the_store(world)
    world.at("2026-11-29 00:00:00")
    assert told(world)[-1] == "pickup_reminder"
    assert waits(world) == [("customer.visit", "M-1", "2026-12-06T00:00", "send_back")]
    world.at("2026-12-05 23:59:59")
    assert shown(world)["state"] == "shipped"
    world.at("2026-12-06 00:00:00")
    order = shown(world)
    assert (order["state"], order["payment"]["state"], order["payment"]["refunded"]) == (
        "cancelled",
        "refunded",
        50_000,
    )
    assert order["shipments"][0]["tracking_status"] == "returning"
    assert {"store_notice", "order_cancelled", "refund_done"} <= set(told(world)[-3:])
    assert waits(world) == [("store.return", "store-1", "2026-12-20T00:00", "operator")]
    assert world.value("SELECT count(*) FROM unique_allocation") == 1
    assert world.broken() == {}
    world.tell(*(world.news("shipment.returned", one) for one in world.shipments("R-1", "reuse")))
    world.settle()
    assert world.value("SELECT count(*) FROM unique_allocation") == 0
    assert (shown(world)["condition"], shown(world)["hold"], waits(world)) == ("done", [], [])
    assert world.value("SELECT count(*) FROM customer_mark") == 0  # who did not like it has cancelled nothing (INT-14)
    assert world.broken() == {}


def test_goods_that_do_not_come_back_go_before_a_person(world: World) -> None:
    take(world)
    reach_the_store(world)
    say(world, "pickup.sent_back")
    assert (shown(world)["state"], shown(world)["payment"]["state"]) == ("cancelled", "refunded")
    world.tell(*(world.news("shipment.delivered", one) for one in world.shipments("R-1", "reuse")))  # said late
    world.at("2026-12-06 12:00:00")
    assert [one["reason"] for one in shown(world)["hold"]] == ["return_overdue"]
    world.tell(*(world.news("shipment.returned", one) for one in world.shipments("R-1", "reuse")))
    world.settle()
    assert (shown(world)["condition"], shown(world)["hold"]) == ("done", [])
    assert world.broken() == {}


def test_the_visit_is_put_off_by_the_store(world: World) -> None:
    """An own store changes it itself; the history keeps the day before, and the goods are kept for the new one."""
    take(world)
    reach_the_store(world)
    say(world, "pickup.visit", visit_on="2026-12-05", operator=False)
    state, why = last_answer(world)
    assert state == "refused"
    assert "STO-01" in str(why)
    say(world, "pickup.visit", visit_on="2026-12-02")
    assert last_answer(world)[0] == "refused"  # a Wednesday
    say(world, "pickup.visit", visit_on="2026-12-05")
    assert last_answer(world)[0] == "applied"
    assert shown(world)["pickup"] == {"store": "store-1", "visit_on": "2026-12-05"}
    assert ("visit", "2026-11-28", "put off") in [(t["entity"], t["from"], t["to"]) for t in shown(world)["timeline"]]
    assert told(world)[-2:] == ["store_notice", "pickup_ready"]
    assert waits(world) == [("customer.visit", "M-1", "2026-12-06T00:00", "remind")]
    world.at("2026-11-29 00:00:00")
    assert "pickup_reminder" not in told(world)
    assert world.broken() == {}


def test_a_day_that_the_visit_comes_back_to_is_told_again(world: World) -> None:
    """STO-01: the last word that the customer had was of the day between."""
    take(world)
    reach_the_store(world)
    for day in ("2026-12-05", "2026-11-28"):
        world.clock.advance(minutes=1)
        say(world, "pickup.visit", visit_on=day)
    assert (shown(world)["pickup"]["visit_on"], told(world).count("pickup_ready")) == ("2026-11-28", 3)
    assert "2026年11月28日(土)" in reads(world, "pickup_ready")
    assert world.broken() == {}


def test_the_reasons_are_for_the_visit_as_it_stands(world: World) -> None:
    """STO-01: the page of the order gave the new day of the visit, and reasons for the day before it."""
    take(world)
    say(world, "pickup.visit", visit_on="2026-12-05")
    assert last_answer(world)[0] == "applied"
    assert wish_says(world, "visit") == [
        "ご来店日12月5日(土)には商品をご覧いただけます。店舗でのご用意は11月22日(日)の予定です。"
    ]
    assert "store_notice" not in told(world)  # it hears of the goods, and of the day, when they leave
    (shipment,) = world.shipments("R-1", "reuse")
    world.tell(world.news("shipment.delayed", shipment, expected_on="2026-11-24"))  # of the same moment: no older news
    world.settle()
    assert [one["dispatch_on"] for one in shown(world)["shipments"]] == ["2026-11-24"]
    assert world.broken() == {}


def test_a_store_that_was_told_to_set_goods_aside_hears_of_another_day(world: World) -> None:
    """STO-01: nothing has left, and nothing will."""
    watch = a_line(availability="unique", unit_price=50_000, flags=["pull_in"], supplier="store-1")
    take(world, watch)
    assert told(world)[-1] == "supplier_instruction"
    say(world, "pickup.visit", visit_on="2026-12-05")
    assert told(world)[-1] == "store_notice"
    assert "2026年12月5日(土)" in reads(world, "store_notice")
    assert world.broken() == {}


def test_a_partners_visits_are_changed_by_the_online_shop(world: World) -> None:
    take(world, pickup={"store": "counter-1", "visit_on": "2026-11-27"})
    say(world, "pickup.visit", visit_on="2026-11-28", operator=False)
    assert last_answer(world)[0] == "refused"  # weekdays alone
    say(world, "pickup.visit", visit_on="2026-11-30", operator=False)
    assert last_answer(world)[0] == "applied"
    assert shown(world)["pickup"]["visit_on"] == "2026-11-30"


def test_the_store_says_itself_that_a_parcel_without_a_number_is_there(world: World) -> None:
    take(world)
    say(world, "pickup.arrived")
    assert last_answer(world)[0] == "refused"  # it has not left
    world.ship_all("R-1", shop="reuse")
    say(world, "pickup.bought")
    assert last_answer(world)[0] == "refused"  # it is not there
    say(world, "pickup.arrived")
    assert shown(world)["shipments"][0]["tracking_status"] == "at_store"
    assert told(world)[-1] == "pickup_ready"
    assert world.broken() == {}


@pytest.mark.parametrize(("after", "state"), [(900, "cancelled"), (901, "authorized")])
def test_fifteen_minutes_to_cancel_by_oneself(world: World, after: int, state: str) -> None:
    """CAN-03: inclusive; the warehouse hears of it only afterwards."""
    goods = a_line(availability="unique", unit_price=50_000, flags=["pull_in"])
    world.take(document("R-1", goods, shop="reuse", pickup=CALLED))
    world.settle()
    world.clock.advance(seconds=after)
    world.tell(world.ask("order.cancel", "R-1", "reuse"))
    world.decide("cancel")
    assert shown(world)["state"] == state
    assert world.suppliers.messages == {}
    world.settle()
    assert (shown(world)["state"] == "released") == (state == "authorized")


def test_two_parcels_are_seen_together(world: World) -> None:
    """The customer is asked to come once all of it is there."""
    watch = {"availability": "unique", "unit_price": 50_000, "flags": ["pull_in"]}
    take(world, a_line("1", **watch), a_line("2", sku="W-2", **watch))
    (shipment,) = world.shipments("R-1", "reuse")
    first, second = (world.shipped(shipment, lines=[{"line": line, "quantity": 1}]) for line in ("1", "2"))
    world.tell(first, second)
    world.settle()
    numbers = [one.tracking_number for one in world.rows("SELECT tracking_number FROM parcel ORDER BY id")]
    world.clock.advance(days=1)
    for number, ready in zip(numbers, (False, True), strict=True):
        world.tell(world.news("shipment.delivered", shipment, tracking_number=number))
        world.settle()
        assert ("pickup_ready" in told(world)) == ready
        assert world.broken() == {}


def test_a_customer_cannot_send_the_goods_elsewhere(world: World) -> None:
    """STO-01: the store cannot be changed; within fifteen minutes cancel and order anew."""
    take(world)
    elsewhere = {**document("X", a_line())["ship_to"]}
    say(world, "order.change_address", ship_to=elsewhere)
    assert last_answer(world)[0] == "refused"


def test_what_is_not_called_to_a_store_is_never_there(world: World) -> None:
    world.take(document("S-1", a_line()))
    world.settle()
    world.ship_all("S-1")
    (shipment,) = world.shipments()
    world.tell(world.news("shipment.tracking_updated", shipment, status="at_store"))
    world.settle()
    assert last_answer(world)[0] == "quarantined"


def test_money_that_comes_late_misses_the_visit_and_the_customer_hears_of_it(world: World) -> None:
    """DLV-04 for a visit."""
    goods = a_line(availability="unique", unit_price=50_000, flags=["pull_in"])
    pickup = {"store": "store-1", "visit_on": "2026-11-22"}
    world.take(document("R-1", goods, shop="reuse", pickup=pickup, payment={"method": "bank_transfer"}))
    world.settle()
    world.clock.advance(days=1)
    world.tell(world.deposit("R-1", 50_000, "reuse"))
    world.settle()
    assert "request_not_met" in told(world)


def reads(world: World, template: str) -> str:
    """The newest mail of that template, as text."""
    found = [one for one in world.postbox.mails if one["X-Shukka-Template"] == template]
    return f"{found[-1]['Subject']}\n{found[-1].get_body(('plain',)).get_content()}"


def wish_says(world: World, rule: str, number: str = "R-1", shop: str = "reuse") -> list[str]:
    (shipment,) = world.show(number, shop)["shipments"]
    return [one["says"] for one in shipment["because"] if one["rule"] == rule]


def delayed(world: World, expected_on: str | None) -> None:
    """The supplier names another day, or none, a minute later."""
    world.clock.advance(minutes=1)
    (shipment,) = world.shipments("R-1", "reuse")
    world.tell(world.news("shipment.delayed", shipment, expected_on=expected_on))
    world.settle()


def test_a_delay_beyond_the_visit_is_told_once_for_each_day_of_it(world: World) -> None:
    """STO-01, DLV-04: nobody comes in vain; the reasons say what the new day is to the visit, and nothing of the old one."""
    take(world)
    delayed(world, "2026-11-24")
    assert "request_not_met" not in told(world)
    assert wish_says(world, "visit") == [
        "ご来店日11月28日(土)には商品をご覧いただけます。店舗でのご用意は11月27日(金)の予定です。"
    ]
    for day in ("2026-11-30", "2026-12-01"):
        delayed(world, day)
    assert told(world).count("request_not_met") == 1
    assert "ご来店日までに商品を店舗にご用意することができません。" in reads(world, "request_not_met")
    assert "ご来店日: 2026年11月28日(土)" in reads(world, "request_not_met")
    assert wish_says(world, "visit") == [
        "ご来店日11月28日(土)には間に合いません。店舗でのご用意は12月4日(金)の予定です。"
    ]
    say(world, "pickup.visit", visit_on="2026-12-05")
    delayed(world, "2026-12-07")
    assert told(world).count("request_not_met") == 2
    delayed(world, None)
    assert wish_says(world, "visit") == []  # nobody knows
    assert world.broken() == {}


def test_goods_that_come_after_the_visit_are_seen_from_the_next_day_on_which_the_store_is_open(world: World) -> None:
    """STO-01: Wednesday is its day off."""
    take(world)
    world.ship_all("R-1", shop="reuse")
    world.at("2026-12-02 12:00:00")
    world.tell(*(world.news("shipment.delivered", one) for one in world.shipments("R-1", "reuse")))
    world.settle()
    mail = reads(world, "pickup_ready")
    assert "ご来店いただける最初の日: 2026年12月3日(木)" in mail
    assert "保管期限: 2026年12月10日(木)" in mail
    assert "丸の内店 様" not in mail


def test_a_store_reads_where_to_send_back_to(world: World) -> None:
    """The warehouse as labels name it, and not by its name in the profile."""
    take(world)
    reach_the_store(world)
    world.at("2026-12-06 00:00:00")
    assert "返送先: 〒104-0061 東京都中央区銀座9-8-7 リユースブティック" in reads(world, "store_notice")


def test_a_store_stays_in_the_profile_while_orders_are_called_to_it(world: World) -> None:
    """Nothing starts with a profile that dropped it; once the order is over it may go."""
    take(world)
    reuse = SHOPS["reuse"]
    dropped = reuse.model_copy(update={"stores": {n: one for n, one in reuse.stores.items() if n != CALLED["store"]}})
    house = replace(world.house, shops={**SHOPS, "reuse": dropped})
    world.house.need_stores()
    with pytest.raises(Misconfigured, match=r"^reuse.toml: stores.store-1: orders are called to it \(1, "):
        house.need_stores()
    world.execute("UPDATE shop_order SET condition = 'done'")
    house.need_stores()


def test_goods_that_lie_in_the_store_are_set_aside_seen_and_sold_again(world: World) -> None:
    """STO-01: the store is told to send nothing, says that they are set aside whatever carrier its program names, and without a
    visit sells them again; the warehouse's goods of the same order go back."""
    watch = {"availability": "unique", "unit_price": 50_000, "flags": ["pull_in"]}
    take(world, a_line("1", **watch), a_line("2", sku="W-2", supplier="store-1", **watch))
    ids = {row.supplier: row.id for row in world.rows("SELECT id, supplier FROM shipment")}
    warehouse, store = ids["warehouse"], ids["store-1"]
    (asked,) = [one for one in world.postbox.mails if one["X-Shukka-Shipment"] == store]
    assert asked["X-Shukka-Template"] == "supplier_instruction"
    assert "11月28日" in asked.get_body(("plain",)).get_content().split("お取り置き")[0]
    world.tell(world.shipped(store, "store-1"))
    world.settle()
    (kept,) = [one for one in shown(world)["shipments"] if one["supplier"] == "store-1"]
    assert (shown(world)["state"], kept["tracking_status"]) == ("partly_shipped", "at_store")
    assert [kept[name] for name in ("carrier", "tracking_number")] == [None, None]
    assert {"shipment_shipped", "pickup_ready", "store_notice"}.isdisjoint(told(world))
    world.tell(world.shipped(warehouse))
    world.settle()
    assert told(world)[-2:] == ["shipment_shipped", "store_notice"]
    world.at("2026-11-22 12:00:00")
    world.tell(
        world.news("shipment.delivered", warehouse),
        world.news("shipment.tracking_corrected", store, "store-1", tracking_number="444413758703"),
    )
    world.settle()
    assert told(world)[-1] == "pickup_ready"
    world.at("2026-12-06 00:00:00")
    fare = {one["supplier"]: one["tracking_status"] for one in shown(world)["shipments"]}
    assert fare == {"warehouse": "returning", "store-1": "returned"}
    assert [one.sku for one in world.rows("SELECT sku FROM unique_allocation")] == ["SKU-1"]
    assert told(world).count("store_notice") == 3  # what comes, what to send back, what to sell again
    assert world.broken() == {}
