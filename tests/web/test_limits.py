"""How much a client may ask: counted by its key in each web process, told in every answer, refused with 429."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import httpx
import pytest

from tests.web.site import Site, problem
from tests.world import World, document
from workers.allowance import Allowance
from workers.enrolment import limit_client, rotate_client
from workers.web.limits import MOST_BUCKETS, Limits


class Seconds:
    """Time that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds(site: Site) -> Seconds:
    """The time by which the site counts."""
    passing = Seconds()
    state = site.app.state.shukka
    site.app.state.shukka = replace(state, limits=Limits(passing))
    return passing


def limit(site: Site, name: str = "shops", **limits: int) -> None:
    limit_client(site.world.engine, name, None, **limits)


@pytest.mark.parametrize(
    ("asked", "passed", "through"),
    [
        ([1, 1, 1], 0.0, [True, True, False]),
        ([1, 1, 1], 0.5, [True, True, False]),
        ([1, 1, 1], 1.0, [True, True, True]),
        ([2, 1], 0.0, [True, False]),
        ([1, 2, 1], 0.0, [True, False, True]),
        ([5, 1], 1.0, [True, False]),
        ([5, 1], 4.0, [True, True]),
        ([1, 5], 0.0, [True, False]),
    ],
    ids=[
        *(
            "burst",
            "a half is none",
            "steadily",
            "by number",
            "what is refused takes nothing",
            "more than it holds is owed",
        ),
        *("and paid back", "more than it holds needs all of it"),
    ],
)
def test_tokens_come_back_steadily(asked: Sequence[int], passed: float, through: Sequence[bool]) -> None:
    """One a second, two at once; ``passed`` seconds before the last is asked for."""
    now = Seconds()
    limits = Limits(now)
    found = []
    for index, count in enumerate(asked):
        now.now += passed if index == len(asked) - 1 else 0
        standing = limits.take("orders", 1, per_minute=60, burst_seconds=2, count=count)
        assert standing is not None
        found.append(standing.retry_after == 0)
    assert found == list(through)


def test_what_is_told_to_wait_is_let_through_then_and_not_before() -> None:
    now = Seconds()
    limits = Limits(now)
    for per_minute, count in ((7, 1), (60, 3), (1_000, 400), (60_000, 19_999)):
        ask = partial(limits.take, "orders", per_minute, per_minute, 20, count)
        while (standing := ask()) and not standing.retry_after:
            pass
        assert standing is not None
        now.now += standing.retry_after
        again = ask()
        assert again is not None
        assert again.retry_after == 0


def test_a_client_without_a_limit_is_not_counted() -> None:
    assert Limits().take("orders", 1, per_minute=0, burst_seconds=1) is None


def test_one_too_many_is_told_when_to_come_again(site: Site, seconds: Seconds) -> None:
    limit(site, requests_per_minute=60, burst_seconds=2)
    first, second, third = (site.get("/v1/orders/salon/S-1") for _ in range(3))
    assert [one.headers["ratelimit-remaining"] for one in (first, second, third)] == ["1", "0", "0"]
    assert first.headers["ratelimit-limit"] == "2"
    problem(third, 429)
    assert (third.headers["retry-after"], third.headers["ratelimit-reset"]) == ("1", "2")
    assert "retry-after" not in second.headers
    seconds.now = 1.0
    assert site.get("/v1/orders/salon/S-1").status_code == 404


def test_orders_are_counted_beside_requests_and_a_batch_counts_its_own(site: Site, seconds: Seconds) -> None:
    limit(site, orders_per_minute=60, burst_seconds=3)

    def batch(*numbers: str) -> httpx.Response:
        return site.post("/v1/orders:batch", {"orders": [document(number) for number in numbers]})

    assert site.order(document("S-1")).status_code == 202
    problem(batch("S-2", "S-3", "S-4"), 429)
    assert set(site.world.states()) == {"S-1"}, "none of a batch that was refused is stored"
    assert batch("S-2", "S-3").headers["ratelimit-remaining"] == "0"
    problem(site.order(document("S-4")), 429)
    assert site.get("/v1/orders/salon/S-1").status_code == 200
    seconds.now = 3.0
    assert batch("S-4", "S-5", "S-6", "S-7", "S-8").status_code == 207, "more than the burst, when nothing else came"
    seconds.now = 5.0
    problem(site.order(document("S-9")), 429)
    seconds.now = 6.0
    assert site.order(document("S-9")).status_code == 202


def test_webhooks_are_counted_by_who_was_proven_to_send_them(site: Site, seconds: Seconds) -> None:
    """So nobody can use up another's by sending in its name."""
    limit(site, "warehouse", requests_per_minute=60, burst_seconds=1)
    news = {"type": "shipment.shipped", "timestamp": "2026-11-20T16:05:00+09:00", "data": {"shipment": "SH-1"}}
    for _ in range(3):
        problem(site.hook(news, secret=site.secrets["maker-a"]), 401)
    assert site.hook(news).status_code == 202
    refused = site.hook(news)
    problem(refused, 429)
    assert refused.headers["retry-after"] == "1"
    assert site.hook(news, sender="maker-a").status_code == 202
    deposit = {"type": "deposit.received", "timestamp": "2026-11-20T16:05:00+09:00", "data": {}}
    assert site.hook(deposit, sender="bank").headers["ratelimit-limit"]


def test_both_keys_of_a_client_share_its_limit(site: Site, seconds: Seconds) -> None:
    limit(site, requests_per_minute=60, burst_seconds=1)
    now = site.world.clock.now()
    new = rotate_client(site.world.engine, "shops", None, now=now, grace=timedelta(hours=1)).key
    assert site.get("/v1/orders/salon/S-1", key=new).status_code == 404
    problem(site.get("/v1/orders/salon/S-1"), 429)


def test_a_limit_holds_from_the_next_request_on_and_can_be_given_back(site: Site, seconds: Seconds) -> None:
    default = int(site.get("/v1/orders/salon/S-1").headers["ratelimit-limit"])
    limit(site, requests_per_minute=120, burst_seconds=1)
    assert site.get("/v1/orders/salon/S-1").headers["ratelimit-limit"] == "2"
    limit(site, requests_per_minute=0, burst_seconds=0)
    assert int(site.get("/v1/orders/salon/S-1").headers["ratelimit-limit"]) == default


def test_a_flood_that_is_refused_delays_no_neighbour_as_one_that_is_taken(site: Site) -> None:
    """How long a neighbour's order takes among batches of a client that is over its limit, against the same batches taken."""
    neighbour = site.world.enrol("storefront", "neighbour", shops=["clinic"]).key

    async def flood(name: str, batch: int) -> int:
        orders = [document(f"{name}-{batch}-{n}", customer=f"{name}-{batch}-{n}") for n in range(150)]
        return (await site.request("POST", "/v1/orders:batch", json={"orders": orders})).status_code

    async def among(name: str) -> tuple[float, set[int]]:
        """Seconds until the neighbour was answered, and what the flood was."""
        batches = [asyncio.create_task(flood(name, batch)) for batch in range(6)]
        await asyncio.sleep(0)
        began = time.perf_counter()
        order = document(f"N-{name}", shop="clinic", customer=f"N-{name}")
        answer = await site.request("POST", "/v1/orders", json=order, key=neighbour)
        took = time.perf_counter() - began
        assert answer.status_code == 202, "the neighbour has a limit of its own"
        return took, set(await asyncio.gather(*batches))

    limit(site, orders_per_minute=1, burst_seconds=1)
    site.order(document("S-0"))
    refused = [site.run(lambda: among("R1")), site.run(lambda: among("R2")), site.run(lambda: among("R3"))]
    limit(site, orders_per_minute=0, burst_seconds=0)
    taken = [site.run(lambda: among("T1")), site.run(lambda: among("T2"))]
    assert [told for _, told in refused + taken] == [{429}, {429}, {429}, {207}, {207}]
    # The best of several: whatever else the machine does only adds.
    assert min(took for took, _ in refused) < min(took for took, _ in taken) / 2, (refused, taken)


def test_what_every_client_may_is_a_setting(world: World) -> None:
    assert world.house.settings.allowance == Allowance(60_000, 30_000, 20)


def test_the_public_promise_is_counted_by_address_and_needs_no_key(site: Site, seconds: Seconds) -> None:
    state = site.app.state.shukka
    settings = state.house.settings.model_copy(update={"shukka_public_per_minute": 60, "shukka_burst_seconds": 2})
    site.app.state.shukka = replace(state, house=replace(state.house, settings=settings))
    answers = [site.get("/v1/promise?shop=salon", key=None) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[2].headers["retry-after"] == "1"
    assert "Your address" in answers[2].json()["detail"]
    assert "ratelimit-remaining" not in answers[0].headers  # a cache would tell it to everybody
    assert site.get("/v1/orders/salon/S-1").status_code == 404  # a key has limits of its own
    seconds.now = 1.0
    assert site.get("/v1/promise?shop=salon", key=None).status_code == 200


def test_many_addresses_do_not_fill_the_memory() -> None:
    now = Seconds()
    limits = Limits(now)
    for number in range(MOST_BUCKETS + 50):
        limits.take("public", number, per_minute=60, burst_seconds=1)
    assert len(limits) == MOST_BUCKETS
    now.now = 60.0
    limits.take("public", "another", per_minute=60, burst_seconds=1)
    assert len(limits) == 1
