"""The sandbox gateway's adapter on the gateway's own process, faults included."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from pipelines.ports import Outcome, PaymentGateway, Verdict
from tests.payments.gateway_conformance import AMOUNT, Bench, GatewayConformance, new_key
from tests.sandbox.world import Running, running
from workers.payments.sandbox import SandboxGateway
from workers.sandbox.http_server import Reply, Request, serving

KEY = "sandbox-key"
QUIET = {"error_rate": 0, "latency": 0, "cut_after_commit_rate": 0, "down_for": 0}


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    journal = tmp_path_factory.mktemp("gateway") / "journal"
    with running("gateway", journal, "--key", KEY, "--fault", "late=1.5") as gateway:
        yield gateway


@pytest.fixture
def bench(process: Running) -> Bench:
    return Bench(
        connect=lambda: SandboxGateway(process.url, KEY, timeout=0.7),
        accepted="tok_ok",
        declined={"tok_declined": "G12", "tok_insufficient": "G02", "tok_expired_card": "G83", "tok_3ds_failed": "E21"},
        debit="tok_debit",
        passing_faults=("tok_timeout_once", "tok_error_once", "tok_unknown"),
    )


class TestSandbox(GatewayConformance):
    pass


@contextmanager
def faulty(process: Running, **switches: float) -> Iterator[None]:
    httpx.post(f"{process.url}/_faults", json=switches).raise_for_status()
    try:
        yield
    finally:
        httpx.post(f"{process.url}/_faults", json=QUIET).raise_for_status()


async def authorize(gateway: PaymentGateway, key: str | None = None) -> Outcome:
    return await gateway.authorize(key=key or new_key("auth"), order="salon/S-1", amount=AMOUNT, token="tok_ok")


def test_a_gateway_that_always_fails_has_surely_done_nothing(process: Running, bench: Bench) -> None:
    with faulty(process, error_rate=1):
        outcome = bench.run(authorize)
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "http_500")


def test_what_was_done_though_every_answer_is_cut_is_found_by_lookup(process: Running, bench: Bench) -> None:
    with faulty(process, cut_after_commit_rate=1):
        outcome = bench.run(authorize)
    assert outcome.verdict is Verdict.OK


def test_while_the_gateway_is_down_nobody_knows_and_the_same_key_settles_it_later(
    process: Running, bench: Bench
) -> None:
    key = new_key("auth")
    with faulty(process, down_for=60):
        outcome = bench.run(lambda gateway: authorize(gateway, key))
        asked = bench.run(lambda gateway: gateway.lookup(key=key))
    assert outcome.verdict is Verdict.UNKNOWN
    assert asked is not None
    assert asked.verdict is Verdict.UNKNOWN
    assert bench.run(lambda gateway: authorize(gateway, key)).verdict is Verdict.OK


def test_a_gateway_slower_than_our_patience_is_unknown_and_never_charged_twice(process: Running, bench: Bench) -> None:
    key = new_key("auth")

    async def impatient(_: PaymentGateway) -> Outcome:
        gateway = SandboxGateway(process.url, KEY, timeout=0.05)
        try:
            return await authorize(gateway, key)
        finally:
            await gateway.aclose()

    async def until_settled(gateway: PaymentGateway) -> Outcome:
        while (outcome := await authorize(gateway, key)).verdict is Verdict.UNKNOWN:
            pass
        return outcome

    with faulty(process, latency=1.0):
        assert bench.run(impatient).verdict is Verdict.UNKNOWN
        assert bench.run(until_settled).verdict is Verdict.OK
    assert [record["key"] for record in process.records("operation")].count(key) == 1


async def authorized_at(port: int) -> Outcome:
    """What the gateway at ``port`` of this machine is understood to have answered."""
    gateway = SandboxGateway(f"http://127.0.0.1:{port}", KEY)
    try:
        return await authorize(gateway)
    finally:
        await gateway.aclose()


def test_a_refused_connection_is_surely_not_done() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

    outcome = asyncio.run(authorized_at(port))
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "unreachable")


@pytest.mark.parametrize(
    ("reply", "verdict", "code", "retry_after"),
    [
        (Reply(401, {"error": {"code": "unauthorized"}}), Verdict.RETRY, "auth", None),
        (Reply(429, {}, {"retry-after": "7"}), Verdict.RETRY, "rate_limit", 7.0),
        (Reply(429), Verdict.RETRY, "rate_limit", None),
        (Reply(402, {"error": {"code": "G12", "info": "42G120000"}}), Verdict.DECLINED, "G12", None),
        (Reply(200, {"surprise": True}), Verdict.UNKNOWN, "http_200", None),
        (Reply(409, {"error": {"code": "in_progress"}}), Verdict.UNKNOWN, "http_409", None),
        (Reply(502), Verdict.UNKNOWN, "http_502", None),
    ],
)
def test_what_each_answer_proves(reply: Reply, verdict: Verdict, code: str, retry_after: float | None) -> None:
    async def scenario() -> Outcome:
        async def answer(_: Request) -> Reply:
            return reply

        async with serving(answer) as port:
            return await authorized_at(port)

    outcome = asyncio.run(scenario())
    assert (outcome.verdict, outcome.code, outcome.retry_after) == (verdict, code, retry_after)
