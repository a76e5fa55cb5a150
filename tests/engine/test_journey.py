"""Whole orders through all stages on real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from itertools import cycle
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.rules.build import at, shop_with
from tests.world import World, a_line, document, tracking_number
from workers.mail.rendering import Renderer


def test_an_order_goes_from_the_storefront_to_active_points(world: World) -> None:
    world.take(document("S-1", a_line(quantity=4, unit_price=3_300)))
    world.settle()
    shown = world.show()
    assert (shown["state"], shown["payment"]["state"]) == ("released", "authorized")
    assert shown["points"] == {"used": 0, "earned": 132, "state": "pending"}
    assert world.balance() == (132, 0)
    world.ship_all("S-1")
    shown = world.show()
    assert (shown["state"], shown["condition"]) == ("shipped", "done")
    assert (
        shown["payment"].items()
        >= {
            "method": "card",
            "state": "captured",
            "amount": 14_520,
            "authorized": 14_520,
            "captured": 14_520,
            "refunded": 0,
            "refunded_by_hand": 0,
        }.items()
    )
    assert shown["points"]["state"] == "valid"
    assert world.balance() == (0, 132)
    assert [(t["from"], t["to"]) for t in shown["timeline"] if t["entity"] == "order"] == [
        (None, "accepted"),
        ("accepted", "authorized"),
        ("authorized", "released"),
        ("released", "shipped"),
    ]
    assert world.postbox.templates("salon/S-1") == [
        "order_accepted",
        "points_activated",
        "shipment_shipped",
        "supplier_instruction",
    ]
    assert world.broken() == {}


def _mixed(count: int) -> list[dict[str, Any]]:
    """Orders of the four shops: by card, transfer, on delivery and on the monthly bill, from makers and stores."""
    kinds: Iterator[dict[str, Any]] = cycle(
        [
            {"shop": "salon"},
            {"shop": "salon", "payment": {"method": "bank_transfer"}},
            {"shop": "apparel", "payment": {"method": "cod"}},
            {
                "shop": "clinic",
                "lines": [a_line("1", supplier="maker-a"), a_line("2", 2), a_line("3", supplier="maker-b")],
            },
            {"shop": "clinic", "account": "partner_web", "payment": {"method": "direct_debit"}},
            {"shop": "reuse", "lines": [a_line(availability="unique")]},
        ]
    )
    made = []
    for index, kind in zip(range(count), kinds, strict=False):
        changes = {k: v for k, v in kind.items() if k not in ("account", "lines")}
        lines = [dict(line) for line in kind.get("lines", [a_line()])]
        for line in lines:
            line["sku"] += f"-{index}"
        one = document(f"N-{index}", *lines, customer=f"M-{index % 50}", **changes)
        one["customer"]["account"] = kind.get("account", "local")
        made.append(one)
    return made


def test_three_hundred_orders_of_four_shops(world: World) -> None:
    orders = _mixed(300)
    world.take(*orders)
    world.settle()
    for shop in ("salon", "apparel", "clinic", "reuse"):
        for number, due in world.rows(
            "SELECT number, grand_total FROM shop_order WHERE shop = :shop AND state = 'awaiting_payment'", shop=shop
        ):
            world.tell(world.deposit(number, due, shop))
    world.settle()
    for shop in ("salon", "apparel", "clinic", "reuse"):
        world.ship_all(*(one["number"] for one in orders if one["shop"] == shop), shop=shop)
    assert set(world.states().values()) == {("shipped", "done"), ("shipped", "running")}
    for shipment, supplier in world.rows(
        "SELECT s.id, s.supplier FROM shipment s JOIN shop_order o ON o.id = s.order_id WHERE o.method = 'cod'"
    ):
        world.tell(world.news("shipment.delivered", shipment, supplier))  # whose money is in with the goods (PAY-09)
    world.settle()
    assert set(world.states().values()) == {("shipped", "done"), ("delivered", "done")}
    assert world.broken() == {}
    world.clock.advance(days=2)  # what would have asked after late suppliers finds nothing to ask
    world.settle()
    assert {row.what for row in world.rows("SELECT what FROM work")} == {"carrier.delivery"}
    assert world.value("SELECT count(*) FROM effect_lease") == 0
    assert world.value("SELECT count(*) FROM mail WHERE state <> 'sent'") == 0
    assert len({mail["Message-ID"] for mail in world.postbox.mails}) == len(world.postbox.mails)
    assert set(world.gateway.calls.values()) == {1}


def test_makers_ship_their_own_parts_and_the_last_one_brings_the_points(world: World) -> None:
    """SPL-01, SPL-02, SPL-05."""
    lines = [a_line("1", supplier="maker-a", points_rate="0.1"), a_line("2"), a_line("3", supplier="maker-b")]
    world.take(document("C-1", *lines, shop="clinic"))
    world.settle()
    first, *others = world.rows("SELECT id, supplier FROM shipment ORDER BY id")
    number = {"carrier": "sagawa"} if first.supplier == "maker-b" else {}
    world.tell(world.shipped(first.id, first.supplier, **number))
    world.settle()
    assert world.show("C-1", "clinic")["state"] == "partly_shipped"
    assert world.balance(shop="clinic") == (1_000, 0)
    assert world.show("C-1", "clinic")["payment"]["state"] == "captured"
    world.tell(*(world.shipped(one.id, one.supplier) for one in others))
    world.settle()
    assert world.states() == {"C-1": ("shipped", "done")}
    assert world.balance(shop="clinic") == (0, 1_000)
    assert world.postbox.templates("clinic/C-1").count("shipment_shipped") == 3


def test_an_unpaid_transfer_is_reminded_and_cancelled_on_its_day(world: World) -> None:
    """PAY-07."""
    world.take(document("S-1", payment={"method": "bank_transfer"}))
    world.settle()
    for moment, state, mail in [
        ("2026-11-25 09:59:59", "awaiting_payment", None),
        ("2026-11-25 10:00:00", "awaiting_payment", "payment_reminder"),
        ("2026-11-27 23:59:59", "awaiting_payment", None),
        ("2026-11-28 00:00:00", "cancelled", "order_cancelled"),
    ]:
        before = len(world.postbox.mails)
        world.at(at(moment))
        assert world.show()["state"] == state, moment
        assert [m["X-Shukka-Template"] for m in world.postbox.mails[before:]] == ([mail] if mail else [])
    assert (world.states(), world.balance()) == ({"S-1": ("cancelled", "done")}, (0, 0))
    world.tell(world.deposit("S-1", 11_000))
    world.settle()
    shown = world.show()
    assert (shown["condition"], shown["hold"][0]["reason"], shown["payment"]["captured"]) == (
        "held",
        "refund_due",
        11_000,
    )
    assert world.broken() == {}


def test_an_order_that_is_seen_after_its_deadline_ends_unpaid(world: World) -> None:
    """PAY-07: nobody is told to pay by a day that has passed, and the order does not wait for ever."""
    world.take(document("S-1", payment={"method": "bank_transfer"}))
    world.at("2026-11-28 00:00:00")
    assert world.states() == {"S-1": ("cancelled", "done")}
    assert world.postbox.templates() == ["order_accepted", "order_cancelled"]
    assert world.broken() == {}


def test_a_missed_cutoff_instructs_on_the_next_open_morning(world: World) -> None:
    """CUT-01, CUT-02: Monday 23 November is a holiday."""
    world.clock.set(at("2026-11-20 15:00:01"))
    world.take(document("S-1", placed_at="2026-11-20T15:00:01+09:00"))
    world.settle()
    assert world.show()["shipments"][0]["dispatch_on"] == "2026-11-24"
    world.at(at("2026-11-24 07:59:59"))
    assert world.show()["shipments"][0]["state"] == "planned"
    world.at(at("2026-11-24 08:00:00"))
    assert world.show()["shipments"][0]["state"] == "instructed"


def test_a_supplier_with_a_webhook_is_instructed_and_asked_after(world: World) -> None:
    world.enrol("supplier", "warehouse", url="https://warehouse.example/hook", mail="soko@example.jp")
    world.take(document("S-1", a_line(quantity=2)))
    world.settle()
    (instruction,) = world.suppliers.messages.values()
    shipment = world.shipments()[0]
    assert (instruction.key, instruction.type) == (f"{shipment}:requested", "shipment.requested")
    assert instruction.data["lines"] == [{"line": "1", "sku": "SKU-1", "name": "商品 1", "quantity": 2}]
    assert instruction.data["ship_to"]["postal_code"] == "460-0008"
    world.clock.advance(hours=25)
    world.settle()
    assert world.postbox.templates().count("supplier_overdue") == 2, "for its answer, and for goods that did not leave"
    world.at(at("2026-11-24 10:00:00"))
    shown = world.show()
    assert {hold["reason"] for hold in shown["hold"]} == {"supplier_silent", "dispatch_late"}
    assert shown["shipments"][0]["dispatch_on"] == "2026-11-24"
    assert world.postbox.templates().count("dispatch_delayed") == 1
    world.tell(world.shipped(shipment))
    world.settle()
    assert (world.show()["hold"], world.states()["S-1"][0]) == ([], "shipped")
    assert world.broken() == {}


def test_a_person_who_waits_on_lets_the_supplier_be_asked_anew(world: World) -> None:
    world.enrol("supplier", "warehouse", url="https://warehouse.example/hook", mail="soko@example.jp")
    world.take(document("S-1"))
    world.settle()
    world.at(at("2026-11-24 10:00:00"))
    assert world.states()["S-1"] == ("released", "held")
    asked = world.postbox.templates().count("supplier_overdue")
    world.tell(world.ask("order.release", "S-1", reason="they ship tomorrow"))
    world.settle()
    assert world.states()["S-1"] == ("released", "running")
    until = {one["what"]: one["until"] for one in world.show()["awaits"]}["supplier.ship"]
    assert until[:16] == "2026-11-24T20:00"
    world.at(until)
    assert world.postbox.templates().count("supplier_overdue") == asked + 1
    assert world.broken() == {}


def test_what_the_remarks_ask_of_a_supplier_reaches_it(world: World) -> None:
    """STO-02, DLV-02: with the work's own time before dispatch, and the day and slot that are wished for."""
    world.enrol("supplier", "warehouse", url="https://warehouse.example/hook")
    watch = a_line(availability="unique")
    world.take(document("R-1", watch, shop="reuse", remarks="コマ詰め 手首周り16cm。12/1の14-16時着希望、領収書不要"))
    world.settle()
    shipment = world.show("R-1", shop="reuse")["shipments"][0]
    assert [one["rule"] for one in shipment["because"]] == ["cutoff", "lead_time", "desired_date", "transit"]
    world.at(at("2026-11-30 08:00:00"))
    (instruction,) = world.suppliers.messages.values()
    assert instruction.data["delivery"] == {"date": "2026-12-01", "slot": "14-16"}
    assert [one["says"] for one in instruction.data["instructions"]] == [
        "コマ詰め 手首周り16cm",
        "12/1の14-16時着希望",
        "12/1の14-16時着希望",
    ]
    assert (shipment["dispatch_on"], shipment["arrive_on"]) == ("2026-11-30", "2026-12-01")


def test_one_parcel_of_an_order_collects_its_money(world: World) -> None:
    """PAY-09: supplier and customer are told the whole amount once; a parcel that follows collects nothing."""
    world.enrol("supplier", "warehouse", url="https://warehouse.example/hook")
    world.take(document("S-1", a_line(quantity=2, unit_price=4_000), payment={"method": "cod"}))
    world.take(document("S-2", a_line(unit_price=4_000)))
    world.settle()
    due = world.show()["totals"]
    told = {one.data["order"]: one.data.get("collect") for one in world.suppliers.messages.values()}
    assert told == {"S-1": {"amount": due["grand_total"], "tax": due["tax_total"]}, "S-2": None}
    (shipment,) = world.shipments()[:1]
    for number in ("444413758703", "444413758714"):
        world.tell(world.shipped(shipment, tracking_number=number, lines=[{"line": "1", "quantity": 1}]))
        world.settle()
    shipped = [one for one in world.postbox.mails if one["X-Shukka-Template"] == "shipment_shipped"]
    asked_for = [f"現金のご用意: {due['grand_total']:,}円" in text_of(one) for one in shipped]
    assert asked_for == [True, False]


def test_people_read_an_address_without_codes(world: World) -> None:
    """B.9.4: the order keeps what its storefront wrote, and a webhook says it."""
    made = document("S-1")
    made["ship_to"] |= {"postal_code": "〒460 0008", "region": "JP-23"}
    world.take(made)
    world.settle()
    told = {one["X-Shukka-Template"]: text_of(one) for one in world.postbox.mails}
    assert set(told) == {"order_accepted", "supplier_instruction"}
    assert all("〒460-0008\n愛知県名古屋市中区栄1-2-3\n" in text.replace("\r", "") for text in told.values())
    assert world.value("SELECT document::jsonb->'ship_to'->>'region' FROM order_document") == "JP-23"


def text_of(mail: EmailMessage) -> str:
    """The text of a mail."""
    plain = mail.get_body(("plain",))
    assert plain is not None
    return str(plain.get_content())


@pytest.mark.parametrize("told", ["together", "one by one", "backwards"])
def test_news_in_any_order_ends_the_same(world: World, told: str) -> None:
    """Contract: late, twice and in any order; TRK-05: money and points move once, whatever is sent again or corrected."""
    world.take(document("S-1", a_line(quantity=2)))
    world.settle()
    (shipment,) = world.shipments()
    start = world.clock.now()
    world.clock.advance(days=2)
    happened = [
        world.news("shipment.acknowledged", shipment, at=start.replace(hour=10)),
        world.news("shipment.delayed", shipment, at=start.replace(hour=11), expected_on=None),
        world.shipped(shipment, at=start.replace(hour=12), tracking_number="444413758703", event_id="once"),
        world.shipped(shipment, at=start.replace(hour=12), tracking_number="444413758703", event_id="again"),
        world.news(
            "shipment.tracking_corrected",
            shipment,
            at=start.replace(hour=13),
            carrier="yamato",
            tracking_number="444413758714",
        ),
        world.news("shipment.tracking_updated", shipment, at=start.replace(hour=14), status="in_transit"),
        world.news("shipment.delivered", shipment, at=start.replace(hour=15)),
    ]
    if told == "together":
        world.tell(*happened)
    else:
        for event in happened if told == "one by one" else reversed(happened):
            world.tell(event)
            world.settle()
    world.settle()
    shown = world.show()
    assert (shown["state"], shown["condition"]) == ("delivered", "done")
    (one,) = shown["shipments"]
    assert (one["state"], one["dispatch_on"], len(one["parcels"])) == ("shipped", None, 1)
    assert (one["tracking_number"], one["tracking_status"]) == ("444413758714", "delivered")
    assert [world.postbox.templates().count(name) for name in ("shipment_shipped", "points_activated")] == [1, 1]
    assert (shown["payment"]["captured"], world.gateway.calls["salon/S-1:capture"]) == (shown["payment"]["amount"], 1)
    assert world.balance() == (0, 200)
    assert world.broken() == {}


def test_each_correction_of_a_parcel_is_told(world: World) -> None:
    """TRK-05: of the number, of the carrier alone, back to what was said first, and on again. The customer follows another parcel else."""
    world.take(document("S-1"))
    world.settle()
    (shipment,) = world.shipments()
    first, second = tracking_number(44_441_375_001), tracking_number(44_441_375_002)
    world.tell(world.shipped(shipment, tracking_number=first))
    world.settle()
    for said in (("yamato", second), ("sagawa", second), ("yamato", first), ("yamato", second), ("yamato", second)):
        world.clock.advance(hours=1)
        world.tell(world.news("shipment.tracking_corrected", shipment, carrier=said[0], tracking_number=said[1]))
        world.settle()
    assert (world.show()["shipments"][0]["carrier"], world.show()["shipments"][0]["tracking_number"]) == (
        "yamato",
        second,
    )
    assert world.postbox.templates().count("tracking_corrected") == 4, "the last says nothing new"
    assert world.broken() == {}


def test_a_further_box_of_goods_that_were_told_names_none(world: World) -> None:
    """SPL-02: its number is told; there was a heading with nothing below it."""
    world.take(document("S-1", a_line(quantity=2)))
    world.settle()
    (shipment,) = world.shipments()
    for _ in range(2):
        world.tell(world.shipped(shipment))
        world.settle()
    first, further = [one for one in world.postbox.mails if one["X-Shukka-Template"] == "shipment_shipped"]
    assert ("今回発送した商品" in text_of(first), "今回発送した商品" in text_of(further)) == (True, False)
    assert "発送済みの商品" in text_of(further)


def test_held_remarks_wait_for_an_operator(world: World) -> None:
    """INT-16: paid, but not split before somebody read them."""
    world.take(document("S-1", remarks="裏口へお願いします"))
    world.settle()
    assert world.states() == {"S-1": ("authorized", "held")}
    assert world.shipments() == []
    world.tell(world.ask("order.release", "S-1"))
    world.settle()
    assert world.states() == {"S-1": ("released", "running")}
    assert world.broken() == {}


def test_a_strict_wish_waits_for_an_operator_once(engine: Engine, database_url: str, renderer: Renderer) -> None:
    """DLV-04: planned and held; released, the goods go."""
    strict = shop_with("reuse", **{"[delivery]": '[delivery]\nrequests = "strict"'})
    with World(engine, database_url, renderer, shops={"reuse": strict}) as world:
        world.take(document("R-1", shop="reuse", delivery={"date": "2026-11-20", "slot": None}))
        world.settle()
        assert world.states() == {"R-1": ("authorized", "held")}
        world.tell(world.ask("order.release", "R-1", "reuse"))
        world.settle()
        assert world.states() == {"R-1": ("released", "running")}
        assert world.postbox.templates().count("request_not_met") == 1
        assert world.broken() == {}


def test_a_cancel_gives_everything_back(world: World) -> None:
    """CAN-04, CAN-06, PTS-12, PTS-14."""
    world.grant(300)
    world.clock.set(at("2026-11-20 15:00:01"))
    world.take(document("S-1", placed_at="2026-11-20T15:00:01+09:00", points={"use": 300}))
    world.settle()
    assert world.balance() == (100, 0)
    world.tell(world.ask("order.cancel", "S-1"))
    world.settle()
    shown = world.show()
    assert (shown["state"], shown["condition"], shown["payment"]["state"]) == ("cancelled", "done", "voided")
    assert [s["state"] for s in shown["shipments"]] == ["cancelled"]
    assert world.balance() == (0, 300)
    assert [card.voided for card in world.gateway.cards.values()] == [True]
    assert world.broken() == {}


def test_a_declined_card_leaves_nothing_behind(world: World) -> None:
    """PAY-04."""
    world.grant(300)
    world.take(document("S-1", points={"use": 300}, payment={"method": "card", "token": "tok_declined"}))
    world.settle()
    assert (world.states(), world.balance()) == ({"S-1": ("cancelled", "done")}, (0, 300))
    assert world.show()["payment"]["state"] == "failed"
    assert world.postbox.templates() == ["order_accepted", "payment_failed"]
    assert world.broken() == {}


def test_debit_is_voided_where_it_is_refused(world: World) -> None:
    """PAY-02."""
    world.take(document("C-1", shop="clinic", payment={"method": "card", "token": "tok_debit"}))
    world.settle()
    assert world.show("C-1", "clinic")["payment"]["state"] == "voided"
    assert [card.voided for card in world.gateway.cards.values()] == [True]
    assert world.broken() == {}
