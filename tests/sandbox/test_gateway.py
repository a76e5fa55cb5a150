"""The gateway's process: keys are honoured for good, over kill -9 too; notices reach the shop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sandbox.world import eventually, receiving, running
from workers.http.signing import derived_secret
from workers.sandbox.http_client import HttpClient

ORDER = {"order": "salon/S-1", "amount": 13_970, "token": "tok_ok"}
HEADERS = {"authorization": "Bearer sandbox"}


def post(url: str, path: str, body: dict[str, object], key: str) -> httpx.Response:
    return httpx.post(f"{url}{path}", json=body, headers={**HEADERS, "idempotency-key": key})


def test_a_key_is_honoured_after_kill_9_with_the_same_answer(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    with running("gateway", journal) as gateway:
        first = post(gateway.url, "/v1/authorizations", ORDER, "a")
        path = f"/v1/authorizations/{first.json()['id']}/capture"
        captured = post(gateway.url, path, {"amount": 10_000}, "c")
        declined = post(gateway.url, "/v1/authorizations", {**ORDER, "token": "tok_declined"}, "d")
        failed = post(gateway.url, "/v1/authorizations", {**ORDER, "token": "tok_error_once"}, "e")
        gateway.kill()
    with running("gateway", journal) as gateway:
        assert (first.status_code, captured.status_code, declined.status_code, failed.status_code) == (
            201,
            200,
            402,
            500,
        )
        assert post(gateway.url, "/v1/authorizations", ORDER, "a").json() == first.json()
        assert post(gateway.url, path, {"amount": 10_000}, "c").json() == captured.json()
        again = post(gateway.url, "/v1/authorizations", {**ORDER, "token": "tok_declined"}, "d")
        assert (again.status_code, again.json()) == (402, declined.json())
        assert post(gateway.url, "/v1/authorizations", {**ORDER, "token": "tok_error_once"}, "e").status_code == 201
        assert post(gateway.url, "/v1/authorizations", {**ORDER, "amount": 1_000}, "a").status_code == 422
        assert post(gateway.url, path, {"amount": 1}, "another").status_code == 402
        assert gateway.stop() == 0


def test_a_key_that_is_under_way_is_a_409_for_requests_and_lookups(tmp_path: Path) -> None:
    async def scenario(url: str) -> list[int]:
        async with httpx.AsyncClient(base_url=url, headers=HEADERS) as client:
            first = asyncio.create_task(
                client.post("/v1/authorizations", json=ORDER, headers={"idempotency-key": "slow"})
            )
            while (looked_up := await client.get("/v1/operations/slow")).status_code == 404:
                pass
            second = await client.post("/v1/authorizations", json=ORDER, headers={"idempotency-key": "slow"})
            return [looked_up.status_code, second.status_code, (await first).status_code]

    with running("gateway", tmp_path / "journal", "--fault", "latency=0.5") as gateway:
        assert asyncio.run(scenario(gateway.url)) == [409, 409, 201]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/v1/authorizations", {"authorization": "Bearer wrong", "idempotency-key": "k"}, 401),
        ("POST", "/v1/authorizations", {"idempotency-key": "k"}, 401),
        ("POST", "/v1/authorizations", HEADERS, 400),
        ("POST", "/v1/authorizations", {**HEADERS, "idempotency-key": "k" * 256}, 400),
        ("POST", "/v1/elsewhere", {**HEADERS, "idempotency-key": "k"}, 404),
        ("GET", "/v1/operations/never", HEADERS, 404),
    ],
)
def test_requests_that_are_wrong_in_themselves(
    gateway_url: str, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    body = ORDER if method == "POST" else None
    assert httpx.request(method, f"{gateway_url}{path}", json=body, headers=headers).status_code == status


def test_an_unknown_fault_is_named(gateway_url: str) -> None:
    refused = httpx.post(f"{gateway_url}/_faults", json={"earthquake_rate": 1, "error_rate": 2})
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == ["earthquake_rate", "error_rate"]


def test_a_notice_that_was_refused_is_posted_again_after_a_restart(tmp_path: Path) -> None:
    async def scenario() -> list[str]:
        journal = tmp_path / "journal"
        async with receiving([500] * 20, derived_secret("sandbox notices", "sandbox")) as shop:
            options = ("--webhook-url", f"http://127.0.0.1:{shop.port}/sandbox", "--notify-all")
            with running("gateway", journal, *options) as gateway:
                async with HttpClient() as client:
                    headers = {**HEADERS, "idempotency-key": "a"}
                    body = b'{"order":"salon/S-1","amount":13970,"token":"tok_ok"}'
                    await client.request("POST", f"{gateway.url}/v1/authorizations", headers, body)
                await eventually(lambda: len(shop.ids) > 1)
                gateway.kill()
            shop.statuses.clear()
            with running("gateway", journal, *options) as gateway:
                await eventually(lambda: len(gateway.records("delivered")) == 1)
        return shop.ids

    assert len(set(asyncio.run(scenario()))) == 1


SLIP = {"order": "reuse/R-1", "amount": 13_970, "method": "konbini", "until": "2099-01-01T00:00:00+09:00"}


def test_a_customer_pays_on_the_page_of_a_slip_and_the_shop_hears_of_it_once(tmp_path: Path) -> None:
    async def scenario() -> list[dict[str, Any]]:
        async with receiving(secret=derived_secret("sandbox notices", "sandbox")) as shop:
            options = ("--webhook-url", f"http://127.0.0.1:{shop.port}/sandbox")
            with running("gateway", tmp_path / "journal", *options) as gateway:
                async with httpx.AsyncClient(base_url=gateway.url) as client:
                    headers = {**HEADERS, "idempotency-key": "r"}
                    slip = (await client.post("/v1/slips", json=SLIP, headers=headers)).json()["payment"]
                    assert (slip["status"], len(slip["buyer"]["number"])) == ("pending", 11)
                    page = slip["buyer"]["path"]
                    assert 'value="pay"' in (await client.get(page)).text
                    for _ in range(2):
                        assert (await client.post(page, data={"act": "pay"})).status_code == 303
                    assert "<button" not in (await client.get(page)).text
                    assert (await client.post(page, json={"act": "refuse"})).status_code == 409
                await eventually(lambda: len(shop.bodies) == 1)
        return shop.bodies

    (told,) = asyncio.run(scenario())
    payment = told["data"]["payment"]
    assert (payment["status"], payment["captured"]) == ("captured", 13_970)


def test_a_lender_approves_and_pays_later_and_a_slip_can_be_taken_back(gateway_url: str) -> None:  # PAY-10
    loan = post(gateway_url, "/v1/slips", {**SLIP, "method": "loan", "choice": "lender-b"}, "l").json()["payment"]
    page = f"{gateway_url}{loan['buyer']['path']}"
    assert "lender-b" in httpx.get(page).text  # PAY-03
    states = [
        (httpx.post(page, json={"act": act}).status_code, httpx.post(page, json={"act": act}).json().get("becomes"))
        for act in ("approve", "pay_out")
    ]
    assert states == [(200, "authorized"), (200, "captured")]
    again = post(gateway_url, "/v1/slips", SLIP, "again").json()["payment"]
    voided = post(gateway_url, f"/v1/authorizations/{again['id']}/void", {}, "v")
    assert voided.json()["payment"]["status"] == "voided"
    assert httpx.post(f"{gateway_url}{again['buyer']['path']}", json={"act": "pay"}).status_code == 409


@pytest.mark.parametrize(("act", "status"), [("pass", "authorized"), ("fail", "failed")])
def test_an_issuer_may_want_to_see_the_cards_holder_first(gateway_url: str, act: str, status: str) -> None:  # PAY-03
    asked = {**ORDER, "token": "tok_3ds_challenge"}
    made = post(gateway_url, "/v1/authorizations", asked, f"3ds {act}").json()["payment"]
    assert (made["status"], made["buyer"]["step"]) == ("pending", "visit")
    done = httpx.post(f"{gateway_url}{made['buyer']['path']}", json={"act": act}).json()
    assert done["becomes"] == status


@pytest.fixture(scope="module")
def gateway_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running("gateway", tmp_path_factory.mktemp("gateway") / "journal") as gateway:
        yield gateway.url
