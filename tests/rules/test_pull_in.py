"""STO-01, CAN-03, INT-12: goods called to a store, kept for a visit."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from pipelines.errors import Invalid
from pipelines.orders.document import content_of, order_from_json, order_to_json, parse_order
from pipelines.orders.judgement import Known, judge
from pipelines.orders.promise import cart_of, cart_promise, unloaded
from pipelines.rules.dates.cutoff import plan_dispatch
from pipelines.rules.order import TO_BE_NAMED, Order, Pickup
from pipelines.rules.pull_in import is_visited_on, kept, ready_on
from pipelines.rules.split import split
from pipelines.shops.load import ProfileErrors
from tests.rules.build import SHOPS, a_line, an_order, at, day, shop_with

REUSE = SHOPS["reuse"]
WATCH = a_line(price=50_000, availability="unique", flags=frozenset({"pull_in"}))


def called(visit_on: str = "2026-11-28", store: str = "store-1", **changes: Any) -> Order:
    """A watch that is called to a store on Friday the 20th at ten."""
    given = {"ship_to": TO_BE_NAMED, "token": "tok_ok", "pickup": Pickup(store, day(visit_on)), **changes}
    return an_order("reuse", *given.pop("lines", (WATCH,)), **given)


def wrong(order: Order, shop: Any = REUSE) -> list[str]:
    return [problem.field for problem in judge(order, shop, Known(order.placed_at)).problems]


@pytest.mark.parametrize(
    ("order", "fields"),
    [
        pytest.param(called(), [], id="a Saturday at an own store"),
        pytest.param(called(store="store-9"), ["pickup.store"], id="only to listed stores"),
        pytest.param(called("2026-11-25"), ["pickup.visit_on"], id="closed on Wednesdays"),
        pytest.param(called("2026-11-28", "counter-1"), ["pickup.visit_on"], id="a partner: weekdays alone"),
        pytest.param(called("2026-11-23", "counter-1"), ["pickup.visit_on"], id="a national holiday is no weekday"),
        pytest.param(called("2026-11-27", "counter-1"), [], id="a Friday at a partner"),
        pytest.param(called("2026-11-19"), ["pickup.visit_on"], id="before the order"),
        pytest.param(called("2026-12-20"), [], id="the thirtieth day"),
        pytest.param(called("2026-12-21"), ["pickup.visit_on"], id="later than the shop allows"),
        pytest.param(called("2026-11-21"), ["pickup.visit_on"], id="before the goods can be there"),
        pytest.param(called("2026-11-22"), [], id="on the first day they can be seen"),
        pytest.param(called(lines=(replace(WATCH, flags=frozenset()),)), ["lines[0].flags"], id="without the banner"),
        pytest.param(called(method="cod"), ["payment.method"], id="a carrier collects nothing from a store"),
        pytest.param(called(delivery_date=day("2026-11-28")), ["delivery.date"], id="the visit is the day"),
        pytest.param(called(delivery_slot="AM"), ["delivery.slot"], id="no slot"),
    ],
)
def test_what_is_called_where(order: Order, fields: list[str]) -> None:
    assert wrong(order) == fields


def test_a_shop_without_stores_calls_nothing_anywhere() -> None:
    order = replace(called(), shop="salon", ship_to=an_order("salon").ship_to)
    assert wrong(order, SHOPS["salon"]) == ["pickup"]


def test_the_goods_go_to_the_store_and_what_was_sent_tells_whether_it_is_the_same_again() -> None:
    order = called()
    sold = judge(order, REUSE, Known(order.placed_at)).order
    assert (sold.ship_to.name, sold.ship_to.region) == ("リユースブティック 丸の内店", "東京都")
    assert order_from_json(order_to_json(sold)) == sold
    assert content_of(order).hash != content_of(sold).hash  # the profile's address is not the storefront's word


@pytest.mark.parametrize("pickup", [True, False])
def test_an_address_may_be_left_out_with_a_pickup_alone(pickup: bool) -> None:
    document = order_to_json(called())
    del document["ship_to"]
    if pickup:
        assert parse_order(document).ship_to == TO_BE_NAMED
        return
    del document["pickup"]
    with pytest.raises(Invalid) as refused:
        parse_order(document)
    assert [problem.field for problem in refused.value.problems] == ["ship_to"]


def test_orders_without_a_pickup_are_written_as_before_there_was_one() -> None:
    assert "pickup" not in order_to_json(an_order("salon"))


def test_nothing_is_prepared_while_the_customer_may_still_cancel() -> None:
    """CAN-03: fifteen minutes inclusive, and a supplier that was told ends them."""
    order = judge(called(), REUSE, Known(at("2026-11-20 10:00:00"))).order
    (part,) = split(order.lines, REUSE)
    plan = plan_dispatch(part, order, REUSE, counts_at=order.placed_at)
    assert plan.instruct_at == order.placed_at + timedelta(minutes=15, seconds=1)
    assert (plan.dispatch_on, plan.arrive_on, plan.request_met) == (day("2026-11-20"), day("2026-11-22"), True)


def test_money_that_comes_late_misses_the_visit() -> None:
    order = judge(called("2026-11-22"), REUSE, Known(at("2026-11-20 10:00:00"))).order
    (part,) = split(order.lines, REUSE)
    plan = plan_dispatch(part, order, REUSE, counts_at=at("2026-11-21 10:00:00"))
    assert (plan.arrive_on, plan.request_met) == (
        day("2026-11-27"),
        False,
    )  # the 25th is a Wednesday, the store's own day off
    assert "visit" in [why.rule for why in plan.because]


@pytest.mark.parametrize(
    ("store", "arrives", "ready"),
    [
        ("store-1", "2026-11-20", "2026-11-21"),
        ("store-1", "2026-11-24", "2026-11-26"),  # closed on Wednesday the 25th
        ("counter-1", "2026-11-20", "2026-11-24"),  # over the weekend and a holiday
    ],
)
def test_from_when_goods_can_be_seen(store: str, arrives: str, ready: str) -> None:
    assert ready_on(REUSE, store, day(arrives)) == day(ready)


@pytest.mark.parametrize(
    ("store", "arrived", "keep_until", "reminded"),
    [
        ("store-1", "2026-11-22 12:00:00", "2026-12-05", "2026-11-29 00:00:00"),
        ("store-1", "2026-11-30 12:00:00", "2026-12-07", "2026-12-01 00:00:00"),  # later than the visit: from then on
        ("store-1", "2026-12-02 12:00:00", "2026-12-10", "2026-12-04 00:00:00"),  # a Wednesday, its day off
        ("counter-1", "2026-11-22 12:00:00", "2026-12-01", "2026-11-29 00:00:00"),
    ],
)
def test_goods_are_kept_for_the_visit_and_some_days_more(
    store: str, arrived: str, keep_until: str, reminded: str
) -> None:
    stay = kept(REUSE, store, day("2026-11-28"), at(arrived))
    assert (stay.keep_until, stay.remind_at) == (day(keep_until), at(reminded))
    assert stay.over_at == at(f"{keep_until} 00:00:00") + timedelta(days=1)


def test_a_store_may_receive_visits_on_given_days_only() -> None:
    shop = shop_with("reuse", **{'kind = "partner"': 'kind = "partner"\nvisit_dates = [2026-11-26, 2026-12-03]'})
    open_ = [one for one in range(23, 31) if is_visited_on(shop, "counter-1", day(f"2026-11-{one}"))]
    assert open_ == [26]


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('methods = ["card", "paypay", "bank_transfer"]', 'methods = ["cod"]', "pull_in.methods"),
        ('methods = ["card", "paypay", "bank_transfer"]', 'methods = ["gold"]', "pull_in.methods"),
        ('methods = ["card", "paypay", "bank_transfer"]', "methods = []", "pull_in.methods"),
        ('kind = "partner"', 'kind = "partner"\nvisit_dates = [2026-11-28]', "stores.counter-1.visit_dates"),
        ('postal_code = "100-0005"', 'postal_code = "1"', "stores.store-1.postal_code"),
    ],
)
def test_a_profile_that_nobody_could_visit_is_refused(old: str, new: str, key: str) -> None:
    with pytest.raises(ProfileErrors) as refused:
        shop_with("reuse", **{old: new})
    assert [name for _, name, _ in refused.value.entries] == [key]


@pytest.mark.parametrize(
    ("visit_on", "possible"), [(None, None), ("2026-11-21", False), ("2026-11-22", True), ("2026-11-25", False)]
)
def test_a_cart_hears_from_when_it_can_be_seen(visit_on: str | None, possible: bool | None) -> None:
    asked = cart_of({"shop": "reuse", "lines": [{"sku": "W-1"}], "pickup": {"store": "store-1", "visit_on": visit_on}})
    answer = cart_promise(asked, SHOPS, at("2026-11-20 10:00:00"), unloaded).document
    assert answer["pickup"] == {
        "store": "store-1",
        "visit_on": visit_on,
        "ready_on": "2026-11-22",
        "possible": possible,
    }
    assert answer["parcels"][0]["arrive_on"] == "2026-11-22"


@pytest.mark.parametrize(
    ("visit_on", "possible", "says"),
    [
        pytest.param(None, None, "店舗では11月22日(日)から商品をご覧いただける予定です。", id="nobody named a day"),
        pytest.param("2026-12-20", True, "ご来店日12月20日(日)には商品をご覧いただけます。店舗でのご用意は11月22日(日)の予定です。", id="the thirtieth"),
        pytest.param("2026-12-21", False, "12月21日(月)のご来店は承れません。店舗でのご用意は11月22日(日)の予定です。", id="later than the shop allows"),
        pytest.param("2026-12-02", False, "12月2日(水)のご来店は承れません。店舗でのご用意は11月22日(日)の予定です。", id="its day off"),
    ],
)  # fmt: skip
def test_a_cart_is_told_of_a_visit_what_its_order_would_be(
    visit_on: str | None, possible: bool | None, says: str
) -> None:
    """STO-01: a day is possible exactly where an order may name it, and the reasons speak of no visit that nobody named."""
    asked = cart_of({"shop": "reuse", "lines": [{"sku": "W-1"}], "pickup": {"store": "store-1", "visit_on": visit_on}})
    answer = cart_promise(asked, SHOPS, at("2026-11-20 10:00:00"), unloaded).document
    assert answer["pickup"]["possible"] == possible
    assert [why["says"] for why in answer["parcels"][0]["because"] if why["rule"] == "visit"] == [says]
    if visit_on is not None:
        assert possible == (wrong(called(visit_on)) == [])


def test_goods_are_seen_on_the_first_day_that_was_given() -> None:
    """STO-01: a counter that receives visits on some days alone shows nothing in between."""
    shop = shop_with("reuse", **{'kind = "partner"': 'kind = "partner"\nvisit_dates = [2026-11-24, 2026-11-30]'})
    asked = cart_of({"shop": "reuse", "lines": [{"sku": "W-1"}], "pickup": {"store": "counter-1"}})
    answer = cart_promise(asked, {"reuse": shop}, at("2026-11-20 10:00:00"), unloaded).document
    assert answer["pickup"]["ready_on"] == "2026-11-30"
    assert "11月30日(月)から" in answer["parcels"][0]["because"][1]["says"]


def test_a_cart_asks_about_stores_that_there_are() -> None:
    asked = cart_of({"shop": "reuse", "lines": [{"sku": "W-1"}], "pickup": {"store": "store-9"}})
    with pytest.raises(Invalid) as refused:
        cart_promise(asked, SHOPS, at("2026-11-20 10:00:00"), unloaded)
    assert [problem.field for problem in refused.value.problems] == ["pickup.store"]


#: Friday the 20th at ten: goods that lie in the store, and the warehouse's.
LIES_THERE = replace(WATCH, line="2", sku="W-2", supplier="store-1")


@pytest.mark.parametrize(
    ("placed", "store", "dispatch_on", "ready_on", "rules"),
    [
        pytest.param(
            "2026-11-20 10:00:00", "store-1", "2026-11-20", "2026-11-20", ["cutoff", "kept", "visit"], id="today"
        ),
        pytest.param(
            "2026-11-24 20:00:00", "store-1", "2026-11-25", "2026-11-26", ["cutoff", "kept", "visit"], id="its day off"
        ),
        pytest.param(
            "2026-11-20 10:00:00",
            "counter-1",
            "2026-11-25",
            "2026-11-27",
            ["cutoff", "lead_time", "visit", "transit"],
            id="elsewhere: by the warehouse, as ever (INT-11)",
        ),
    ],
)
def test_goods_that_lie_in_the_store_do_not_travel(
    placed: str, store: str, dispatch_on: str, ready_on: str, rules: list[str]
) -> None:
    """STO-01: no way by the warehouse and back, no carrier, and the plan says so."""
    order = judge(called("2026-11-27", store, lines=(LIES_THERE,), placed_at=placed), REUSE, Known(at(placed))).order
    (part,) = split(order.lines, REUSE, order.called_to)
    plan = plan_dispatch(part, order, REUSE, counts_at=order.placed_at)
    assert part.supplier == ("store-1" if store == "store-1" else "warehouse")
    assert (plan.dispatch_on, plan.arrive_on, plan.request_met) == (day(dispatch_on), day(ready_on), True)
    assert [why.rule for why in plan.because] == rules


def test_what_lies_in_the_store_is_a_shipment_of_its_own_and_whole() -> None:
    """SPL-07 gathers what travels; the work of STO-02 is done in the store too."""
    order = judge(called(lines=(WATCH, LIES_THERE)), REUSE, Known(at("2026-11-20 10:00:00"))).order
    parts = split(order.lines, REUSE, order.called_to)
    assert [(part.supplier, part.lines) for part in parts] == [("warehouse", (("1", 1),)), ("store-1", (("2", 1),))]
    bands = replace(order, remarks="コマ詰め 手首周り16cm")
    plan = plan_dispatch(parts[1], bands, REUSE, counts_at=order.placed_at)
    assert (plan.dispatch_on, plan.arrive_on) == (day("2026-11-24"), day("2026-11-24"))


def test_a_cart_hears_that_its_goods_are_there_today_and_until_when() -> None:
    """The promise is the plan's: a second after ``order_by`` it is another day."""
    asked = {"shop": "reuse", "lines": [{"sku": "W-1", "supplier": "store-1"}], "pickup": {"store": "store-1"}}
    first = cart_promise(cart_of(asked), SHOPS, at("2026-11-20 10:00:00"), unloaded).document
    (parcel,) = first["parcels"]
    assert (parcel["supplier"], first["pickup"]["ready_on"]) == ("store-1", "2026-11-20")
    assert [why["rule"] for why in parcel["because"]] == ["cutoff", "kept", "visit"]
    after = datetime.fromisoformat(parcel["order_by"]) + timedelta(seconds=1)
    assert cart_promise(cart_of(asked), SHOPS, after, unloaded).document["pickup"]["ready_on"] == "2026-11-24"
