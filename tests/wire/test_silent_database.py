"""The database says nothing: every door answers in bounded time and says when to come again; and all goes on when it is back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import pytest

from benchmarks.wire import ANSWERS, Wire
from tests.conftest import Running
from tests.web.site import problem, signature
from tests.wire.wired import Wired
from tests.world import document
from workers.web.deadline import Deadline

#: Seconds within which doors answer here; the product's are `workers.web.deadline.ANSWER_WITHIN`.
WITHIN = 2.0

Ask = Callable[[httpx.AsyncClient, Wired], Awaitable[httpx.Response]]


def key(of: str) -> dict[str, str]:
    return {"authorization": f"Bearer {of}"}


async def hook(client: httpx.AsyncClient, wired: Wired) -> httpx.Response:
    content = json.dumps({"type": "shipment.shipped"}).encode()
    headers = signature(wired.site.secrets["warehouse"], content, "evt-1")
    return await client.post("/v1/webhooks/suppliers/warehouse", content=content, headers=headers)


async def notice(client: httpx.AsyncClient, wired: Wired) -> httpx.Response:
    said = {"type": "deposit.received", "timestamp": "2026-11-20T09:00:00+09:00"}
    content = json.dumps({**said, "data": {"shop": "salon", "number": "S-1", "amount": 1}}).encode()
    headers = signature(wired.site.secrets["bank"], content, "dep-1")
    return await client.post("/v1/webhooks/payments/bank", content=content, headers=headers)


def posting(path: str, body: Any) -> Ask:
    return lambda client, wired: client.post(path, json=body, headers=key(wired.site.operator))


def selling(path: str, body: Any) -> Ask:
    return lambda client, wired: client.post(path, json=body, headers=key(wired.site.storefront))


def getting(path: str) -> Ask:
    return lambda client, wired: client.get(path, headers=key(wired.site.operator))


GRANT = {"shop": "salon", "customer": "M-1", "kind": "manual", "key": "g-1", "amount": 5}
#: What is asked at every door, and what it answers once the database is back.
DOORS: Mapping[str, tuple[Ask, int]] = {
    "order": (selling("/v1/orders", document("S-2")), 202),
    "batch": (selling("/v1/orders:batch", {"orders": [document("S-3")]}), 207),
    "preview": (selling("/v1/preview", document("S-4")), 200),
    "read an order": (getting("/v1/orders/salon/S-1"), 200),
    "read a customer": (getting("/v1/customers/salon/M-1"), 200),
    "read points": (getting("/v1/customers/salon/M-1/points"), 200),
    "read letters": (getting("/v1/postings"), 200),
    "act": (posting("/v1/orders/salon/S-1/cancel", {"reason": "customer"}), 202),
    "grant": (posting("/v1/points/grants", GRANT), 201),
    "customer": (
        lambda client, wired: client.put(
            "/v1/customers/salon/M-9", json={"email": "m9@example.jp"}, headers=key(wired.site.operator)
        ),
        201,
    ),
    "supplier": (hook, 202),
    "bank": (notice, 202),
}


async def at_all(client: httpx.AsyncClient, wired: Wired) -> dict[str, httpx.Response]:
    answers = await asyncio.gather(*(ask(client, wired) for ask, _ in DOORS.values()))
    return dict(zip(DOORS, answers, strict=True))


@pytest.mark.parametrize(
    "hurt",
    [lambda wire: wire.freeze(), lambda wire: wire.freeze(ANSWERS), lambda wire: (wire.refuse(), wire.cut())],
    ids=["silent", "heard and silent", "gone"],
)
def test_every_door_answers_503_and_opens_again(wired: Wired, hurt: Callable[[Wire], object]) -> None:
    """Nobody waits longer than the door says, and nobody has to restart anything."""
    world, site = wired.world, wired.site
    world.take(document("S-1"))

    async def scenario() -> None:
        transport = httpx.ASGITransport(Deadline(site.app, WITHIN), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shukka") as client:
            hurt(wired.wire)
            async with asyncio.timeout(WITHIN + 1.0):
                answers = await at_all(client, wired)
            for door, answer in answers.items():
                assert "send the same request again" in problem(answer, 503)["detail"], door
                assert int(answer.headers["retry-after"]) >= 1, door
            assert (await client.get("/healthz")).status_code == 200
            wired.wire.heal()
            patient = httpx.ASGITransport(site.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=patient, base_url="http://shukka") as later:
                back = await at_all(later, wired)
            for door, (_, status) in DOORS.items():
                # What was asked while it was away may have been kept then: the same again is told so.
                assert back[door].status_code in {status, 200}, (door, back[door].text)

    site.run(scenario)
    assert set(world.states()) == {"S-1", "S-2", "S-3"}
    assert world.value("SELECT count(*) FROM inbox_event") == 3
    assert world.balance() == (0, 5)
    assert world.broken() == {}


def test_readiness_tells_of_silence_and_of_its_end(wired: Wired) -> None:
    """A balancer hears at once, in the time that it has."""
    site = wired.site
    assert site.get("/readyz", key=None).json()["checks"]["database"] == "ok"
    wired.wire.freeze()
    answer = site.get("/readyz", key=None)
    assert (answer.status_code, answer.json()["status"]) == (503, "not ready")
    assert "database" in answer.json()["degraded"]
    wired.wire.heal()
    assert site.get("/readyz", key=None).status_code == 200


def asked_in_vain(wired: Wired) -> dict[str, Any]:
    """An order at a door that has not got all day; the problem that it is answered."""

    async def scenario() -> httpx.Response:
        transport = httpx.ASGITransport(Deadline(wired.site.app, WITHIN), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shukka") as client:
            return await client.post("/v1/orders", json=document("S-2"), headers=key(wired.site.storefront))

    answer = wired.site.run(scenario)
    assert int(answer.headers["retry-after"]) >= 1
    return problem(answer, 503)


def test_a_database_that_is_read_only_is_told_and_still_read(wired: Wired, running: Running) -> None:
    """As after a failover to a standby, or by an operator's hand: orders are shown, and none is taken in until it is over."""
    world, site = wired.world, wired.site
    world.take(document("S-1"))
    name = world.engine.url.database
    running.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    wired.wire.cut()
    ready = site.get("/readyz", key=None)
    assert (ready.status_code, ready.json()["status"], ready.json()["degraded"]) == (200, "degraded", ["database"])
    assert ready.json()["checks"]["database"] == "read-only"
    assert site.get("/v1/orders/salon/S-1").status_code == 200
    assert asked_in_vain(wired)["title"] == "Database away"
    running.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert site.order(document("S-2")).status_code in {200, 202}
    assert site.order(document("S-2")).status_code == 200


@pytest.mark.parametrize(
    ("state", "title", "told"),
    [
        pytest.param("53100", "Database away", "disk full", id="its disk is full"),
        pytest.param("53200", "Database away", "out of memory", id="it is out of memory"),
        pytest.param("57014", "Busy", "ok", id="a statement took too long"),
        pytest.param("55P03", "Busy", "ok", id="a lock was waited for too long"),
        pytest.param("40P01", "Busy", "ok", id="a deadlock"),
    ],
)
def test_what_the_database_refuses_of_its_own_accord_is_told(wired: Wired, state: str, title: str, told: str) -> None:
    """It is no fault of the order: 503 and never 500, and readiness names what a human has to see to."""
    world, site = wired.world, wired.site
    world.refuse("shop_order", state)
    assert asked_in_vain(wired)["title"] == title
    ready = site.get("/readyz", key=None)
    assert (ready.status_code, ready.json()["checks"]["database"]) == (200, told)
    assert ready.json()["status"] == ("ok" if told == "ok" else "degraded")
    world.refuse_no_more("shop_order")
    assert site.order(document("S-2")).status_code in {200, 202}
