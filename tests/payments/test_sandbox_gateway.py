"""The sandbox gateway's adapter on the gateway's own process, faults included."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
import pytest
from standardwebhooks import Webhook

from models.states import PaymentState
from pipelines.gateway import STANDS, Answer, CodeClass
from pipelines.ports import Verdict
from tests.payments.gateway_bench import AMOUNT, Bench, Signed, new_key
from tests.payments.gateway_conformance import conformance_of
from tests.sandbox.world import SECRET, Running, running
from workers.payments.sandbox import GATEWAY, SandboxGateway, Settings
from workers.sandbox.courier import Event
from workers.sandbox.http_server import Reply, Request, serving

KEY = "sandbox-key"
QUIET = {"error_rate": 0, "latency": 0, "cut_after_commit_rate": 0, "down_for": 0}


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    journal = tmp_path_factory.mktemp("gateway") / "journal"
    with running("gateway", journal, "--key", KEY, "--fault", "late=1.5") as gateway:
        yield gateway


def connect(url: str, timeout: float = 0.7) -> SandboxGateway:
    return SandboxGateway(
        Settings.model_validate(
            {"sandbox_gateway_url": url, "sandbox_gateway_key": KEY, "sandbox_gateway_timeout": timeout}
        )
    )


@pytest.fixture
def bench(process: Running) -> Bench:
    return Bench(
        gateway=GATEWAY,
        connect=lambda: connect(process.url),
        accepted="tok_ok",
        declined={"tok_declined": "G12", "tok_insufficient": "G02", "tok_expired_card": "G83", "tok_3ds_failed": "E21"},
        debit="tok_debit",
        passing_faults=("tok_timeout_once", "tok_error_once", "tok_unknown"),
        notice=lambda: notice(process),
    )


def notice(process: Running) -> Signed:
    """What the sandbox would post about an authorization that it has just made, signed by the peer's own library."""
    answer = httpx.post(
        f"{process.url}/v1/authorizations",
        json={"order": "salon/S-1", "amount": AMOUNT, "token": "tok_ok"},
        headers={"authorization": f"Bearer {KEY}", "idempotency-key": new_key("auth")},
    ).json()
    now = datetime.now(UTC)
    body = Event("notice:1", "payment.authorize", now.isoformat(), answer).body()
    headers = {
        "webhook-id": "notice:1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("notice:1", now, body.decode()),
    }
    return Signed("salon/S-1", headers, body, SECRET)


class TestSandbox(conformance_of(GATEWAY)):  # type: ignore[misc]
    """Everything it declares to be able to do."""


def test_its_notice_says_how_the_payment_stands(process: Running) -> None:
    told = notice(process)
    assert GATEWAY.read_notices
    (read,) = GATEWAY.read_notices(told.headers, told.body, [SECRET], datetime.now(UTC))
    assert (read.type, read.order) == (STANDS, ("salon", "S-1"))
    assert read.snapshot is not None
    assert (read.snapshot.state, read.snapshot.authorized) == (PaymentState.AUTHORIZED, AMOUNT)
    assert read.snapshot.reference == read.reference


@contextmanager
def faulty(process: Running, **switches: float) -> Iterator[None]:
    httpx.post(f"{process.url}/_faults", json=switches).raise_for_status()
    try:
        yield
    finally:
        httpx.post(f"{process.url}/_faults", json=QUIET).raise_for_status()


async def authorize(gateway: SandboxGateway, key: str | None = None) -> Answer:
    return await gateway.authorize(
        key=key or new_key("auth"), order="salon/S-1", amount=AMOUNT, token="tok_ok", method="card"
    )


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
        asked = bench.run(lambda gateway: gateway.lookup(order="salon/S-1", key=key))
    assert outcome.verdict is Verdict.UNKNOWN
    assert asked is not None
    assert asked.verdict is Verdict.RETRY, "who could not be asked has said nothing"
    assert bench.run(lambda gateway: authorize(gateway, key)).verdict is Verdict.OK


def test_a_gateway_slower_than_our_patience_is_unknown_and_never_charged_twice(process: Running, bench: Bench) -> None:
    key = new_key("auth")

    async def impatient(_: SandboxGateway) -> Answer:
        gateway = connect(process.url, timeout=0.05)
        try:
            return await authorize(gateway, key)
        finally:
            await gateway.aclose()

    async def until_settled(gateway: SandboxGateway) -> Answer:
        while (outcome := await authorize(gateway, key)).verdict is Verdict.UNKNOWN:
            pass
        return outcome

    with faulty(process, latency=1.0):
        assert bench.run(impatient).verdict is Verdict.UNKNOWN
        assert bench.run(until_settled).verdict is Verdict.OK
    assert [record["key"] for record in process.records("operation")].count(key) == 1


async def authorized_at(port: int) -> Answer:
    """What the gateway at ``port`` of this machine is understood to have answered."""
    gateway = connect(f"http://127.0.0.1:{port}")
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
    ("reply", "verdict", "code", "code_class", "retry_after"),
    [
        (Reply(401, {"error": {"code": "unauthorized"}}), Verdict.RETRY, "auth", CodeClass.CONFIGURATION, None),
        (Reply(429, {}, {"retry-after": "7"}), Verdict.RETRY, "rate_limit", CodeClass.TRANSIENT, 7.0),
        (Reply(429), Verdict.RETRY, "rate_limit", CodeClass.TRANSIENT, None),
        (Reply(402, {"error": {"code": "G12"}}), Verdict.DECLINED, "G12", CodeClass.ISSUER_DECLINE, None),
        (Reply(402, {"error": {"code": "E11"}}), Verdict.DECLINED, "E11", CodeClass.STATE, None),
        (Reply(200, {"surprise": True}), Verdict.UNKNOWN, "http_200", CodeClass.UNKNOWN, None),
        (Reply(409, {"error": {"code": "in_progress"}}), Verdict.UNKNOWN, "http_409", CodeClass.UNKNOWN, None),
        (Reply(502), Verdict.UNKNOWN, "http_502", CodeClass.UNKNOWN, None),
    ],
)
def test_what_each_answer_proves(
    reply: Reply, verdict: Verdict, code: str, code_class: CodeClass, retry_after: float | None
) -> None:
    async def scenario() -> Answer:
        async def answer(_: Request) -> Reply:
            return reply

        async with serving(answer) as port:
            return await authorized_at(port)

    outcome = asyncio.run(scenario())
    assert (outcome.verdict, outcome.code, outcome.code_class, outcome.retry_after) == (
        verdict,
        code,
        code_class,
        retry_after,
    )
