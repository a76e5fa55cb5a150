"""Everybody at once about one payment: whoever comes, and however often, each thing happens to the money once (CAN-03)."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Awaitable, Callable

import httpx
import pytest

from pipelines.engine.run import BATCH
from pipelines.route import ROUTE
from tests.web.site import Site, signature
from tests.world import World, document, tracking_number
from workers.http.signing import derived_secret

#: How many of each kind come at the same time.
CROWD = 64
ORDER = "/v1/orders/salon/S-1"
Ask = Callable[[int], Awaitable[httpx.Response]]


@pytest.fixture
def site(world: World) -> Site:
    world.take(document("S-1"))
    world.settle()
    return Site(world)


def cancel(site: Site) -> Ask:
    return lambda _: site.request("POST", f"{ORDER}/cancel", json={"reason": "changed my mind"})


def goodwill(site: Site) -> Ask:
    """An operator gives 100 yen back, and clicks again and again."""
    headers = {"idempotency-key": "100 yen for S-1"}
    body = {"amount": 100, "reason": "a scratch"}
    return lambda _: site.request("POST", f"{ORDER}/refunds:goodwill", json=body, key=site.operator, headers=headers)


def shipped(site: Site) -> Ask:
    """The warehouse reports the same parcel under ever new ids."""
    (shipment,) = site.world.shipments()
    data = {"shipment": shipment, "carrier": "yamato", "tracking_number": tracking_number(44_441_375_870)}
    body = json.dumps(
        {"type": "shipment.shipped", "timestamp": site.world.clock.now().isoformat(), "data": data}
    ).encode()

    async def report(n: int) -> httpx.Response:
        headers = signature(site.secrets["warehouse"], body, f"parcel-{n}")
        return await site.request("POST", "/v1/webhooks/suppliers/warehouse", key=None, content=body, headers=headers)

    return report


def notice(site: Site) -> Ask:
    """The gateway tells how the payment stands, as it stood when it was authorized."""
    row = site.world.rows("SELECT reference, as_of, authorized, expires_at FROM payment")[0]
    shown = {
        "id": row.reference,
        "order": "salon/S-1",
        "status": "authorized",
        "amount": row.authorized,
        "captured": 0,
        "refunded": 0,
        "funding": "credit",
        "expires_at": row.expires_at.isoformat(),
        "at": row.as_of.isoformat(),
    }
    body = json.dumps({"type": "payment.authorize", "timestamp": "", "data": {"payment": shown}}).encode()
    secret = derived_secret("sandbox notices", "sandbox")

    async def tell(n: int) -> httpx.Response:
        headers = signature(secret, body, f"notice-{n}")
        return await site.request("POST", "/v1/webhooks/payments/sandbox", key=None, content=body, headers=headers)

    return tell


def all_at_once(site: Site, *asks: Ask) -> Counter[int]:
    """Statuses of ``CROWD`` requests of each kind, mixed, with four workers deciding meanwhile."""
    done = threading.Event()

    def decide() -> None:
        while not done.is_set():
            for stage in ROUTE:
                site.world.runner.run_batch(stage, BATCH)

    async def ask() -> list[httpx.Response]:
        return list(await asyncio.gather(*(one(n) for n in range(CROWD) for one in asks)))

    workers = [threading.Thread(target=decide) for _ in range(4)]
    for worker in workers:
        worker.start()
    try:
        answers = site.run(ask)
    finally:
        done.set()
        for worker in workers:
            worker.join()
    site.world.settle()
    return Counter(answer.status_code for answer in answers)


def done_once(world: World) -> Counter[str]:
    """What the gateway really did, by kind."""
    return Counter(request[0] for request, answer in world.gateway.done.values() if answer.snapshot is not None)


def test_cancels_parcels_and_notices_of_one_authorization(site: Site) -> None:
    """Cancel and dispatch race for the order's row: the goods are paid for, or nothing was taken."""
    statuses = all_at_once(site, cancel(site), shipped(site), notice(site))
    assert set(statuses) <= {200, 202, 409}, statuses
    world, done = site.world, done_once(site.world)
    assert done["authorize"] == 1
    assert done["capture"] + done["void"] == 1, done
    (card,) = world.gateway.cards.values()
    shown = world.show()
    assert (shown["payment"]["captured"], shown["state"] == "cancelled") in ((card.captured, False), (0, True))
    assert world.broken() == {}


def test_refunds_cancels_and_notices_of_one_capture(site: Site) -> None:
    site.world.ship_all("S-1")
    statuses = all_at_once(site, goodwill(site), cancel(site), notice(site))
    assert set(statuses) <= {200, 202, 409}, statuses
    done = done_once(site.world)
    assert (done["capture"], done["refund"], done["void"]) == (1, 1, 0)
    shown = site.world.show()["payment"]
    assert (shown["state"], shown["refunded"]) == ("partly_refunded", 100)
    assert site.world.broken() == {}


def test_captures_that_are_asked_for_by_every_parcel_are_one(site: Site) -> None:
    statuses = all_at_once(site, shipped(site))
    assert set(statuses) <= {200, 202}
    assert done_once(site.world)["capture"] == 1
    assert len(site.world.rows("SELECT 1 FROM parcel")) == 1
    assert site.world.broken() == {}
