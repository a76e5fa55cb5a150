"""The makers of the demo's day: their profiles, their goods, and what the summary says of each channel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines.shops import load_shops
from tests.demo.test_orders import END, START
from workers.demo.makers import CHANNELS, SHOP, SOURCES, write_profiles
from workers.demo.orders import orders, sent_by
from workers.demo.told import Told, told_and_answered
from workers.installation import INSTALLATION


def test_the_profiles_that_ship_are_the_demos_but_for_the_channels_of_its_makers(tmp_path: Path) -> None:
    write_profiles(tmp_path / "shops")
    ours, theirs = load_shops(tmp_path / "shops", INSTALLATION), load_shops(installation=INSTALLATION)
    assert {name for name in ours if ours[name] != theirs[name]} == {SHOP}
    assert {name: ours[SHOP].supplier(name).channel for name in CHANNELS} == CHANNELS
    assert ours[SHOP].supplier("maker-c").no_tracking
    assert ours[SHOP].supplier("maker-b").carrier == "sagawa"


def test_an_order_is_the_same_whoever_sends_its_goods() -> None:
    for order in orders(1, 60, START, END, (SHOP,)):
        sent = sent_by(order, SOURCES)
        assert [one["sku"] for one in sent["lines"]] == [one["sku"] for one in order["lines"]]
        assert all(one["supplier"] == SOURCES.get(one["sku"], one["supplier"]) for one in sent["lines"])
        assert {**sent, "lines": None} == {**order, "lines": None}


def told(supplier: str, channel: str, shipment: str, *types: str, kind: str = "shipment.requested") -> dict[str, Any]:
    plan = [{"event": {"id": f"{shipment}:{one}:{supplier}", "type": one}} for one in types]
    return {
        "kind": "instruction",
        "type": kind,
        "supplier": supplier,
        "channel": channel,
        "shipment": shipment,
        "plan": plan,
    }


def heard(supplier: str, shipment: str, type_: str) -> dict[str, Any]:
    return {"kind": "delivered", "id": f"{shipment}:{type_}:{supplier}", "type": type_}


def test_a_shipment_that_was_given_to_another_maker_counts_where_it_was_answered() -> None:
    journal = [
        told("maker-e", "portal", "SH-1", "shipment.refused"), heard("maker-e", "SH-1", "shipment.refused"),
        told("maker-a", "webhook", "SH-1", "shipment.shipped"), heard("maker-a", "SH-1", "shipment.shipped"),
        told("maker-a", "webhook", "SH-2", "shipment.acknowledged"),
    ]  # fmt: skip
    assert told_and_answered(journal) == [
        Told("webhook", ["maker-a"], told=2, answered=1, shipped=1, settled=[]),
        Told("portal", ["maker-e"], told=1, answered=1, shipped=0, settled=["1 refused"]),
    ]


def test_what_went_otherwise_is_said_of_its_channel() -> None:
    row = {"row": 2, "code": "TRACK_CHECK"}
    journal = [
        told("maker-b", "poll", "SH-1", "shipment.shipped"),
        {**told("maker-b", "poll", "SH-1", kind="shipment.cancel_requested"), "effective": False},
        {**told("maker-e", "portal", "SH-3", kind="shipment.cancel_requested"), "effective": True},
        told("maker-e", "portal", "SH-3"),
        heard("maker-b", "SH-1", "shipment.shipped"),
        told("maker-d", "files", "SH-2", "shipment.shipped"),
        {"kind": "file", "answer": {"quarantined": [row]}},
    ]
    assert {one.channel: one.settled for one in told_and_answered(journal)} == {
        "poll": ["1 shipped in spite of a cancel"],
        "portal": ["1 called off"],
        "files": ["1 row quarantined (TRACK_CHECK)"],
    }
