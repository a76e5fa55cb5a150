"""The suppliers' process: takes an instruction once, plays it out in the clock's time, and goes on after kill -9."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.world import SECRET, Receiver, Running, eventually, receiving, running
from workers.http.signing import new_secret, signed_headers
from workers.sandbox.http_client import HttpClient

CLOCK = ("--clock", "2026-11-20T10:00:00+09:00")
DAY_IN_SECONDS = ("--clock-rate", "36000")  # ten hours a second


def data(shipment: str = "SH-1", supplier: str = "maker-a") -> dict[str, Any]:
    return {
        "shop": "clinic",
        "order": "C-1",
        "shipment": shipment,
        "supplier": supplier,
        "dispatch_on": "2026-11-20",
        "lines": [{"line": "1", "sku": "BED-01", "name": "診察台", "quantity": 1}],
        "ship_to": {"name": "髙橋クリニック"},
    }


def options(shop: Receiver, *more: str) -> tuple[str, ...]:
    named = [word for name in ("maker-a", "maker-b") for word in ("--name", name, "--secret", SECRET)]
    return (*named, "--callback", f"http://127.0.0.1:{shop.port}/suppliers/{{supplier}}", *CLOCK, *more)


async def instruct(
    maker: Running, key: str, kind: str, content: dict[str, Any], *, secret: str = SECRET, name: str = "maker-a"
) -> int:
    message = {"type": kind, "timestamp": "2026-11-20T10:00:00+09:00", "data": content}
    body = json.dumps(message).encode()
    async with HttpClient() as client:
        headers = signed_headers([secret], key, int(time.time()), body)
        return (await client.request("POST", f"{maker.url}/{name}", headers, body)).status


def test_a_shipment_is_acknowledged_shipped_and_delivered_once_however_often_it_is_asked_for(tmp_path: Path) -> None:
    async def scenario() -> Receiver:
        async with receiving() as shop:
            with running(
                "supplier", tmp_path / "journal", *options(shop, *DAY_IN_SECONDS, "--fault", "split_rate=0")
            ) as maker:
                statuses = [await instruct(maker, "k1", "shipment.requested", data()) for _ in range(2)]
                statuses.append(await instruct(maker, "k2", "shipment.requested", data()))
                assert statuses == [202, 200, 202]
                await eventually(lambda: len(maker.records("delivered")) == 5)
                assert maker.stop() == 0
            return shop

    shop = asyncio.run(scenario())
    assert shop.types == [
        "shipment.acknowledged",
        "shipment.shipped",
        "shipment.tracking_updated",
        "shipment.tracking_updated",
        "shipment.delivered",
    ]
    assert shop.ids == [f"SH-1:{kind}:{n}" for n, kind in enumerate(shop.types, 1)]
    assert {body["path"] for body in shop.bodies} == {"/suppliers/maker-a"}


def test_an_event_is_sent_again_under_its_id_until_it_is_taken(tmp_path: Path) -> None:
    async def scenario() -> list[str]:
        async with receiving([500, 401]) as shop:
            flags = options(shop, *DAY_IN_SECONDS, "--fault", "refuse_rate=1")
            with running("supplier", tmp_path / "journal", *flags) as maker:
                await instruct(maker, "k1", "shipment.requested", data())
                await eventually(lambda: len(maker.records("delivered")) == 1)
                assert [record["tries"] for record in maker.records("delivered")] == [3]
            return shop.ids

    assert asyncio.run(scenario()) == ["SH-1:shipment.refused:1"] * 3


def test_after_kill_9_the_story_goes_on_and_nothing_taken_is_sent_again(tmp_path: Path) -> None:
    async def scenario() -> list[str]:
        async with receiving() as shop:
            flags = options(shop, "--clock-anchor", str(time.time()), "--fault", "split_rate=0")
            journal = tmp_path / "journal"
            with running("supplier", journal, *flags, "--clock-rate", "600") as maker:
                await instruct(maker, "k1", "shipment.requested", data())
                await eventually(lambda: len(maker.records("delivered")) == 1)
                maker.kill()
            with running("supplier", journal, *flags, *DAY_IN_SECONDS) as maker:
                assert await instruct(maker, "k1", "shipment.requested", data()) == 200
                await eventually(lambda: len(maker.records("delivered")) == 5)
            return shop.ids

    ids = asyncio.run(scenario())
    assert len(set(ids)) == len(ids) == 5


def test_a_cancel_in_time_stops_what_was_not_sent_yet(tmp_path: Path) -> None:
    async def scenario() -> list[str]:
        async with receiving() as shop:
            with running("supplier", tmp_path / "journal", *options(shop, "--clock-rate", "1200")) as maker:
                await instruct(maker, "k1", "shipment.requested", data())
                await instruct(maker, "k2", "shipment.requested", data("SH-2"))
                assert await instruct(maker, "k3", "shipment.cancel_requested", data()) == 202
                await eventually(lambda: "SH-2:shipment.shipped:2" in shop.ids)
                [cancel] = [r for r in maker.records("instruction") if r["type"] == "shipment.cancel_requested"]
                assert cancel["effective"]
            return shop.ids

    assert not [event for event in asyncio.run(scenario()) if event.startswith("SH-1")]


@pytest.mark.parametrize(
    ("name", "secret", "kind", "content", "status"),
    [
        ("maker-a", new_secret(), "shipment.requested", data(), 401),
        ("maker-x", SECRET, "shipment.requested", data(), 404),
        ("maker-a", SECRET, "shipment.dance", data(), 400),
        ("maker-a", SECRET, "shipment.requested", {"shipment": "SH-1"}, 400),
    ],
    ids=["another's secret", "an unknown supplier", "an unknown type", "no instruction"],
)
def test_what_is_no_instruction_leaves_no_trace(
    tmp_path: Path, name: str, secret: str, kind: str, content: dict[str, Any], status: int
) -> None:
    async def scenario() -> None:
        async with receiving() as shop:
            with running("supplier", tmp_path / "journal", *options(shop)) as maker:
                assert await instruct(maker, "k1", kind, content, secret=secret, name=name) == status
                assert maker.records("instruction") == []

    asyncio.run(scenario())
