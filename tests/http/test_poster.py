"""Signed messages to partners, against a raw server that answers whatever bytes the case needs."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from pipelines.ports import Outcome, Verdict
from tests.mail.raw_sink import CERTIFICATE
from workers.http.pool import PooledTransport
from workers.http.poster import Message, Poster
from workers.http.signing import new_secret, verify
from workers.payments.asking import Unsettled, sent

OLD, NEW = new_secret(), new_secret()
MESSAGE = Message(
    key="SH-1:requested:1",
    type="shipment.requested",
    data={"shipment": "SH-1", "ship_to": {"name": "サロン髙橋"}},
    at=datetime.fromisoformat("2026-11-20T15:00:00+09:00"),
    to="maker-a",
)


class RawServer:
    """Reads requests and writes ``answers`` byte for byte; an empty answer cuts the connection."""

    def __init__(self, answers: Sequence[bytes]) -> None:
        self.answers = list(answers)
        self.connections = 0
        self.requests: list[tuple[dict[str, str], bytes]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while self.answers:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:-2])
                raw = dict(line.split(": ", 1) for line in head.split("\r\n")[1:-2])
                headers |= {name.lower(): value for name, value in raw.items()}
                self.requests.append((headers, await reader.readexactly(int(headers["content-length"]))))
                answer = self.answers.pop(0)
                if not answer:
                    return
                writer.write(answer)
                await writer.drain()
            await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def send(*answers: bytes, secrets: Sequence[str] = (NEW,), timeout: float = 5.0) -> tuple[list[Outcome], RawServer]:
    """Post the message once for each answer."""
    raw = RawServer(answers)

    async def scenario() -> list[Outcome]:
        server = await asyncio.start_server(raw.serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/in"
        poster = Poster(allow_private=True, timeout=timeout)
        try:
            return [await poster.post(MESSAGE, url=url, secrets=secrets) for _ in answers]
        finally:
            await poster.aclose()
            server.close()

    return asyncio.run(scenario()), raw


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("200 OK", Verdict.OK),
        ("202 Accepted", Verdict.OK),
        ("204 No Content", Verdict.OK),
        ("302 Found", Verdict.RETRY),
        ("400 Bad Request", Verdict.DECLINED),
        ("404 Not Found", Verdict.DECLINED),
        ("408 Request Timeout", Verdict.RETRY),
        ("409 Conflict", Verdict.RETRY),
        ("410 Gone", Verdict.DECLINED),
        ("422 Unprocessable", Verdict.DECLINED),
        ("425 Too Early", Verdict.RETRY),
        ("429 Too Many Requests", Verdict.RETRY),
        ("500 Internal Server Error", Verdict.RETRY),
        ("503 Service Unavailable", Verdict.RETRY),
    ],
)
def test_what_each_status_means(status: str, verdict: Verdict) -> None:
    [outcome], _ = send(answer(status))
    assert outcome.verdict is verdict
    assert outcome.code == (None if verdict is Verdict.OK else f"http_{status[:3]}")


def test_the_message_is_signed_as_it_travels_under_its_own_key() -> None:
    _, raw = send(answer("202 Accepted"))
    [(headers, body)] = raw.requests
    assert verify([NEW], headers, body, now=int(time.time())) == MESSAGE.key
    assert json.loads(body) == {
        "type": "shipment.requested",
        "timestamp": "2026-11-20T15:00:00+09:00",
        "data": {"shipment": "SH-1", "ship_to": {"name": "サロン髙橋"}},
    }


@pytest.mark.parametrize("known_to_the_supplier", [OLD, NEW], ids=["old", "new"])
def test_while_a_secret_is_rotated_either_of_the_two_verifies(known_to_the_supplier: str) -> None:
    _, raw = send(answer("202 Accepted"), secrets=(NEW, OLD))
    [(headers, body)] = raw.requests
    assert verify([known_to_the_supplier], headers, body, now=int(time.time())) == MESSAGE.key


def test_a_repetition_keeps_the_webhook_id_and_the_connection() -> None:
    outcomes, raw = send(answer("503 Busy"), answer("202 Accepted"), answer("202 Accepted"))
    assert [outcome.verdict for outcome in outcomes] == [Verdict.RETRY, Verdict.OK, Verdict.OK]
    assert {headers["webhook-id"] for headers, _ in raw.requests} == {MESSAGE.key}
    assert raw.connections == 1


def test_a_redirect_is_not_followed() -> None:
    [outcome], raw = send(answer("307 Temporary Redirect", "location: http://127.0.0.1:1/elsewhere"))
    assert outcome.code == "http_307"
    assert len(raw.requests) == 1


def test_retry_after_is_passed_on() -> None:
    [outcome], _ = send(answer("429 Too Many Requests", "retry-after: 30"))
    assert outcome.retry_after == 30.0


def test_retry_after_may_name_a_moment() -> None:
    """RFC 9110: one that is over, and what is none, leaves it to the back-off."""
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    says = [later, "Wed, 21 Oct 2015 07:28:00 GMT", "soon", "-5", "Wed, 99 Oct 99999"]
    told, *others = send(*(answer("503 Service Unavailable", f"retry-after: {one}") for one in says))[0]
    assert told.retry_after == pytest.approx(3600, abs=60)
    assert [one.retry_after for one in others] == [None] * 4


@pytest.mark.parametrize(
    ("status", "verdict"),
    [("200 OK", Verdict.OK), ("404 Not Found", Verdict.DECLINED), ("503 Service Unavailable", Verdict.RETRY)],
)
def test_a_status_counts_though_its_answer_breaks_off(status: str, verdict: Verdict) -> None:
    """connect.md: 2xx ends it, whatever is said after it; an answer that never ends was asked for again for three days."""
    [outcome], _ = send(f"HTTP/1.1 {status}\r\ncontent-length: 500\r\n\r\nhello".encode(), timeout=0.3)
    assert outcome.verdict is verdict
    assert outcome.code == (None if verdict is Verdict.OK else f"http_{status[:3]}")


def test_an_endless_answer_is_not_read_to_its_end() -> None:
    promised = 10**12
    [outcome], _ = send(f"HTTP/1.1 200 OK\r\ncontent-length: {promised}\r\n\r\n".encode() + b"x" * 200_000)
    assert outcome.verdict is Verdict.OK


@pytest.mark.parametrize(
    ("bytes_back", "code"),
    [
        (b"", "connection_lost"),
        (b"not http\r\n\r\n", "connection_lost"),
        (b"HTTP/1.1 200", "timeout"),
    ],
)
def test_whatever_the_network_does_is_safe_to_repeat(bytes_back: bytes, code: str) -> None:
    [outcome], _ = send(bytes_back, timeout=0.3)
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, code)


@pytest.mark.parametrize(
    ("url", "secrets", "code"),
    [
        ("ftp://supplier.example/in", (NEW,), "bad_url"),
        ("http://supplier.example:port/in", (NEW,), "bad_url"),
        ("no address", (NEW,), "bad_url"),
        ("http://127.0.0.1:1/in", (), "no_secret"),
        ("http://127.0.0.1:1/in", ("whsec_",), "bad_secret"),
    ],
)
def test_a_wrong_registration_is_an_operators_matter_and_loses_nothing(
    url: str, secrets: Sequence[str], code: str
) -> None:
    outcome = asyncio.run(one(url, secrets))
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, code)
    assert NEW not in outcome.says


def test_a_partner_that_is_not_there_is_tried_again() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    outcome = asyncio.run(one(f"http://127.0.0.1:{port}/in", (NEW,)))
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "unreachable")


def test_a_certificate_that_is_not_trusted_is_told_as_what_it_is() -> None:
    """An expired one was "the address of maker-a is no URL", after which nobody looks at the certificate. Nothing is sent."""

    async def scenario() -> tuple[Outcome, str, int]:
        raw = RawServer([])
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(CERTIFICATE)
        server = await asyncio.start_server(raw.serve, "127.0.0.1", 0, ssl=tls)
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}/in"
        try:
            outcome = await one(url, (NEW,))
            async with httpx.AsyncClient(transport=PooledTransport()) as client:
                with pytest.raises(Unsettled) as unsettled:
                    await sent(client, client.build_request("POST", url))
        finally:
            server.close()
        assert not unsettled.value.sent
        return outcome, unsettled.value.code, len(raw.requests)

    outcome, of_a_gateway, requests = asyncio.run(scenario())
    assert (outcome.verdict, outcome.code) == (Verdict.RETRY, "certificate")
    assert outcome.says == "the certificate of maker-a is not trusted: self-signed certificate"
    assert (of_a_gateway, requests) == ("certificate", 0)


def test_nothing_is_posted_into_our_own_network() -> None:
    """Not even connected to: whatever the URL was when it was registered, and whoever registered it."""
    with socket.socket() as ours:
        ours.bind(("127.0.0.1", 0))
        ours.listen()
        ours.setblocking(False)
        url = f"http://localhost:{ours.getsockname()[1]}/in"
        outcome = asyncio.run(one(url, (NEW,), allow_private=False))
        assert (outcome.verdict, outcome.code) == (Verdict.DECLINED, "target_refused")
        with pytest.raises(BlockingIOError):
            ours.accept()


async def one(url: str, secrets: Sequence[str], *, allow_private: bool = True) -> Outcome:
    poster = Poster(allow_private=allow_private)
    try:
        return await poster.post(MESSAGE, url=url, secrets=secrets)
    finally:
        await poster.aclose()
