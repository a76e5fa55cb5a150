"""The bank's process: a transfer is reported until the shop knows, once made it is made."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.sandbox.world import SECRET, Receiver, Running, eventually, receiving, running
from workers.sandbox.http_client import Answer, HttpClient

TRANSFER = {"shop": "reuse", "number": "R-1", "amount": 54_800, "name": "タカハシ サキコ"}
CLOCK = ("--clock", "2026-11-20T10:00:00+09:00")


def options(shop: Receiver, *more: str) -> tuple[str, ...]:
    return ("--callback", f"http://127.0.0.1:{shop.port}/payments/bank", "--secret", SECRET, *CLOCK, *more)


async def transfer(bank: Running, body: dict[str, Any], key: str | None = None) -> Answer:
    headers = {} if key is None else {"idempotency-key": key}
    async with HttpClient() as client:
        return await client.request("POST", f"{bank.url}/transfers", headers, orjson.dumps(body))


def test_a_transfer_is_reported_with_its_reference_and_time(tmp_path: Path) -> None:
    async def scenario() -> tuple[Answer, Receiver]:
        async with receiving([503]) as shop:
            with running("bank", tmp_path / "journal", *options(shop)) as bank:
                answer = await transfer(bank, {**TRANSFER, "at": "2026-11-20T09:00:00+09:00"})
                await eventually(lambda: len(bank.records("delivered")) == 1)
                assert bank.stop() == 0
            return answer, shop

    answer, shop = asyncio.run(scenario())
    reference = answer.json()["reference"]
    assert answer.status == 202
    assert shop.ids == [f"deposit:{reference}"] * 2
    assert shop.bodies[0] == {
        "path": "/payments/bank",
        "type": "deposit.received",
        "timestamp": "2026-11-20T09:00:00+09:00",
        "data": {**TRANSFER, "reference": reference, "at": "2026-11-20T09:00:00+09:00"},
    }


def test_one_key_is_one_transfer_and_what_is_unreported_is_reported_after_kill_9(tmp_path: Path) -> None:
    async def scenario() -> tuple[list[str], Receiver]:
        journal = tmp_path / "journal"
        async with receiving([500] * 50) as shop:
            with running("bank", journal, *options(shop)) as bank:
                answers = [await transfer(bank, TRANSFER, "k") for _ in range(2)]
                bank.kill()
            shop.statuses.clear()
            with running("bank", journal, *options(shop)) as bank:
                answers += [await transfer(bank, TRANSFER, "k"), await transfer(bank, TRANSFER)]
                await eventually(lambda: len(bank.records("delivered")) == 2)
            return [answer.json()["reference"] for answer in answers], shop

    references, shop = asyncio.run(scenario())
    assert references == ["FT00000001"] * 3 + ["FT00000002"]
    assert set(shop.ids) == {"deposit:FT00000001", "deposit:FT00000002"}


def test_a_duplicated_notice_has_one_webhook_id(tmp_path: Path) -> None:
    async def scenario() -> list[str]:
        async with receiving() as shop:
            with running("bank", tmp_path / "journal", *options(shop, "--fault", "duplicate_rate=1")) as bank:
                await transfer(bank, TRANSFER)
                await eventually(lambda: len(bank.records("delivered")) == 2)
            return shop.ids

    assert asyncio.run(scenario()) == ["deposit:FT00000001"] * 2


def test_one_deposit_may_be_told_under_another_webhook_id_and_has_one_reference(tmp_path: Path) -> None:
    async def scenario() -> Receiver:
        async with receiving() as shop:
            with running("bank", tmp_path / "journal", *options(shop, "--fault", "renamed_rate=1")) as bank:
                await transfer(bank, TRANSFER)
                await eventually(lambda: len(bank.records("delivered")) == 2)
            return shop

    shop = asyncio.run(scenario())
    assert sorted(shop.ids) == ["deposit:FT00000001", "deposit:FT00000001:again"]
    assert {body["data"]["reference"] for body in shop.bodies} == {"FT00000001"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": "54800"}, "amount"),
        ({"amount": 0}, "amount"),
        ({"shop": None}, "shop"),
        ({"at": "2026-11-20T09:00:00"}, "at"),
    ],
)
def test_a_transfer_that_is_none_is_refused_by_field(tmp_path: Path, change: dict[str, Any], field: str) -> None:
    async def scenario() -> Answer:
        async with receiving() as shop:
            with running("bank", tmp_path / "journal", *options(shop)) as bank:
                answer = await transfer(bank, {**TRANSFER, **change})
                assert bank.records("transfer") == []
                return answer

    answer = asyncio.run(scenario())
    assert answer.status == 422
    assert answer.json()["detail"].startswith(field)
