"""``shukka payments reconcile`` and the night's look: the gateway's own list against the books, on a real engine (PAY-05)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from models.store.payments import closing
from pipelines.gateway import Answer
from tests.payments.test_sandbox_gateway import KEY, connect
from tests.sandbox.world import Running, running
from tests.world import World, a_line, at, document
from workers.closing import month_of
from workers.mail.rendering import Renderer
from workers.payments.sandbox import SandboxGateway, Settings
from workers.periodic import Timekeeper
from workers.reconciliation import Reconciled, Reconciler, job, reconcile_all

HEADERS = {"authorization": f"Bearer {KEY}"}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Running]:
    with running("gateway", tmp_path / "journal", "--key", KEY, "--clock", "2026-11-20T09:00:00+09:00") as process:
        yield process


@pytest.fixture
def world(engine: Engine, database_url: str, renderer: Renderer, gateway: Running) -> Iterator[World]:
    with World(engine, database_url, renderer, gateways={"sandbox": connect(gateway.url, 5.0)}) as made:
        yield made


def post(gateway: Running, path: str, body: dict[str, Any], key: str) -> dict[str, Any]:
    """Something that is done at the gateway and that Shukka did not ask for."""
    answer = httpx.post(f"{gateway.url}{path}", json=body, headers={**HEADERS, "idempotency-key": key})
    answer.raise_for_status()
    shown: dict[str, Any] = answer.json()
    return shown


def authorize(gateway: Running, order: str, key: str, amount: int = 1_000) -> str:
    return str(post(gateway, "/v1/authorizations", {"order": order, "amount": amount, "token": "tok_ok"}, key)["id"])


def payment(gateway: Running, reference: str) -> dict[str, Any]:
    shown: dict[str, Any] = httpx.get(f"{gateway.url}/v1/authorizations/{reference}", headers=HEADERS).json()
    return shown


def reconcile(world: World, gateway: Running) -> Reconciled:
    async def run() -> Reconciled:
        adapter = connect(gateway.url, 5.0)
        try:
            return await Reconciler(world.engine, world.house.clock, world.shops).reconcile("sandbox", adapter)
        finally:
            await adapter.aclose()

    found = asyncio.run(run())
    world.settle()
    return found


def test_books_that_agree_leave_nothing(world: World, gateway: Running) -> None:
    world.take(document("S-1"), document("S-2", customer="M-2"))
    world.settle()
    world.ship_all("S-2")
    world.clock.set(at("2026-11-20 12:00:00"))
    found = reconcile(world, gateway)
    assert (found.listed, found.agreed, found.differences, found.unreachable) == (2, 2, [], "")


def test_what_is_held_for_no_order_or_twice_for_one_is_released(world: World, gateway: Running) -> None:
    """PAY-05: the browser was closed before the order came, or after the customer had tried before."""
    world.take(document("S-1"))
    world.settle()
    stray, doubled = authorize(gateway, "salon/GONE", "stray"), authorize(gateway, "salon/S-1", "doubled")
    assert (young := reconcile(world, gateway)).waiting == young.listed == 3, "an order may still come"
    world.clock.set(at("2026-11-20 12:00:00"))
    found = reconcile(world, gateway)
    assert [one.settled for one in found.differences] == ["released", "released"]
    assert [payment(gateway, one)["status"] for one in (stray, doubled)] == ["voided", "voided"]
    assert world.show("S-1")["payment"]["state"] == "authorized"
    assert reconcile(world, gateway).differences == []


def test_a_release_that_released_nothing_is_somebodys(world: World, gateway: Running) -> None:
    """PAY-05: the gateway's yes was taken for it, and the customer's money stayed held."""

    class SaysYes(SandboxGateway):
        async def void(self, *, key: str, order: str, reference: str) -> Answer:
            known = await self.lookup(order=order, reference=reference)
            assert known is not None
            return known

    stray = authorize(gateway, "salon/GONE", "stray")
    world.clock.set(at("2026-11-20 12:00:00"))

    async def run() -> Reconciled:
        told = {"sandbox_gateway_url": gateway.url, "sandbox_gateway_key": KEY}
        adapter = SaysYes(Settings.model_validate(told))
        try:
            return await Reconciler(world.engine, world.house.clock, world.shops).reconcile("sandbox", adapter)
        finally:
            await adapter.aclose()

    (left,) = asyncio.run(run()).left
    assert left.reference == stray
    assert "it could not be released: the gateway has it authorized" in left.says


def test_what_was_done_in_the_gateways_dashboard_is_taken_over(world: World, gateway: Running) -> None:
    world.take(document("S-1"))
    world.settle()
    world.ship_all("S-1")
    reference = world.value("SELECT reference FROM payment")
    post(gateway, f"/v1/authorizations/{reference}/refund", {"amount": 500}, "dashboard")
    world.clock.set(at("2026-11-20 12:00:00"))
    found = reconcile(world, gateway)
    assert [one.settled for one in found.differences] == ["the books were told"]
    shown = world.show("S-1")["payment"]
    assert (shown["state"], shown["refunded"]) == ("partly_refunded", 500)
    assert "refund_done" in [mail["template"] for mail in world.show("S-1")["mails"]]
    assert reconcile(world, gateway).differences == []
    assert world.broken() == {}


def test_every_yen_that_went_back_is_told_once(world: World, gateway: Running) -> None:
    """Given back by Shukka, in the dashboard twice, and what of goodwill was not given there yet: the mails come to what went back."""
    world.take(document("S-1"))
    world.settle()
    world.ship_all("S-1")
    reference = world.value("SELECT reference FROM payment")
    goodwill = {"reason": "a scratch", "by": "operations", "operator": True}
    for hour, (amount, ours) in enumerate(((300, True), (500, False), (200, False), (800, True)), 12):
        if ours:
            world.tell(world.ask("refund.goodwill", "S-1", amount=amount, **goodwill))
            world.settle()
        else:
            post(gateway, f"/v1/authorizations/{reference}/refund", {"amount": amount}, f"dashboard-{amount}")
        world.clock.set(at(f"2026-11-20 {hour}:00:00"))
        reconcile(world, gateway)
    assert world.show("S-1")["payment"]["refunded"] == 1_100
    assert told_back(world) == [300, 500, 200, 100]
    assert world.broken() == {}


def told_back(world: World) -> list[int]:
    """Yen of each mail that says money went back."""
    mails = [one.get_body(("plain",)) for one in world.postbox.mails if one["X-Shukka-Template"] == "refund_done"]
    found = [re.search(r"([0-9,]+)円", str(body.get_content())) for body in mails if body]
    return [int(one[1].replace(",", "")) for one in found if one]


@pytest.mark.timeout(120)
def test_a_month_reconciles_to_zero(world: World, gateway: Running) -> None:
    """A month of orders by card and by wallet, shipped, cancelled, refunded in part: the gateway's list, the books and the
    month's closing say the same to the yen, and nothing is left to settle."""
    for day in range(0, 30, 2):
        number, shop, method = f"X-{day}", *(("salon", "card"), ("reuse", "paypay"), ("reuse", "amazon_pay"))[day % 3]
        line = a_line("1", 1 + (shop == "salon"), 10_000 + 77 * day, sku=f"ITEM-{day}")
        paid = {"payment": {"method": method, "token": "tok_ok"}}
        world.at(at("2026-11-01 09:00:00") + timedelta(days=day))
        placed = world.clock.now().isoformat()
        world.take(document(number, line, shop=shop, customer=f"M-{day}", placed_at=placed, **paid))
        world.settle()
        if day % 5 == 4:
            world.tell(world.ask("order.cancel", number, shop=shop, operator=True))
        elif day % 5 != 3:
            world.ship_all(number, shop=shop)
        if day % 5 == 0:
            world.tell(
                world.ask(
                    "refund.goodwill",
                    number,
                    shop=shop,
                    amount=1_001 + day,
                    reason="a scratch",
                    by="desk",
                    operator=True,
                )
            )
        world.settle()
    world.clock.set(at("2026-11-30 23:59:00"))
    found = reconcile(world, gateway)
    assert (found.listed, found.agreed, found.differences, found.unreachable) == (15, 15, [], "")
    listed = [payment(gateway, row.reference) for row in world.rows("SELECT reference FROM payment")]
    theirs = tuple(sum(one[name] for one in listed) for name in ("amount", "captured", "refunded"))
    with world.engine.connect() as connection:
        rows = closing(connection, *month_of(date(2026, 11, 1)))
    assert {(row.shop, row.method) for row in rows} == {("salon", "card"), ("reuse", "paypay"), ("reuse", "amazon_pay")}
    assert (
        tuple(sum(each) for each in zip(*((r.authorized, r.captured, r.refunded) for r in rows), strict=True)) == theirs
    )
    assert 0 < theirs[2] < theirs[1] < theirs[0]
    assert world.broken() == {}


def test_what_was_taken_for_no_order_is_a_humans_once(world: World, gateway: Running) -> None:
    reference = authorize(gateway, "salon/GONE", "stray")
    post(gateway, f"/v1/authorizations/{reference}/capture", {"amount": 1_000}, "taken")
    world.clock.set(at("2026-11-20 12:00:00"))
    for _ in range(2):
        (left,) = reconcile(world, gateway).left
        assert (left.order, left.settled) == ("salon/GONE", "")
        assert left.choices
    kept = world.rows("SELECT state, reason FROM inbox_event")
    assert [row.state for row in kept] == ["quarantined"], "the same is kept once"
    assert "there is no such order" in kept[0].reason


def test_what_the_books_have_and_the_gateway_does_not_list(world: World, gateway: Running) -> None:
    world.take(document("S-1"))
    world.settle()
    world.execute("UPDATE payment SET reference = 'auth_gone'")
    world.clock.set(at("2026-11-24 12:00:00"))
    found = reconcile(world, gateway)
    assert "the gateway does not list it" in found.left[-1].says


def test_an_attempt_that_nobody_knew_the_end_of_is_put_to_the_gateway_again(world: World, gateway: Running) -> None:
    world.take(document("S-1"))
    world.decide("accept", "authorize")
    world.execute("UPDATE effect SET state = 'needs_review', outcome = '{}' WHERE kind = 'payment.authorize'")
    world.execute("DELETE FROM effect_lease")
    world.wake("authorize")
    world.settle()
    assert [hold["reason"] for hold in world.show("S-1")["holds"]] == ["payment_unknown"]
    world.clock.set(at("2026-11-20 12:00:00"))
    assert reconcile(world, gateway).retried == 1
    world.hurry()
    world.settle()
    shown = world.show("S-1")
    assert (shown["payment"]["state"], shown["holds"]) == ("authorized", [])


def test_a_gateway_that_cannot_be_asked_is_said_so_and_settles_nothing(world: World, gateway: Running) -> None:
    gateway.kill()
    found = reconcile(world, gateway)
    assert (found.listed, found.differences) == (0, [])
    assert found.unreachable


def test_it_is_done_every_night(world: World, gateway: Running, renderer: Renderer) -> None:
    environment = {"SANDBOX_GATEWAY_URL": gateway.url, "SANDBOX_GATEWAY_KEY": KEY}
    house = replace(world.house, environment=environment)
    stray = authorize(gateway, "salon/GONE", "stray")
    world.clock.set(at("2026-11-21 03:29:59"))
    keeper = Timekeeper(world.engine, world.shops, renderer, world.house.clock, jobs=(job(house),))
    keeper.look()
    world.clock.set(at("2026-11-21 03:30:00"))
    assert keeper.look() == ["reconciliation"]
    assert payment(gateway, stray)["status"] == "voided"
    assert keeper.look() == []
    (found,) = asyncio.run(reconcile_all(house))
    assert (found.gateway, found.left) == ("sandbox", [])
