"""One connection that sends too much or too slowly is ended, and holds up nobody else."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import uvicorn

from tests.process.world import eventually
from workers.web.protocol import MOST_HEAD, LimitedProtocol

Message = MutableMapping[str, Any]


class Impatient(LimitedProtocol):
    head_seconds = 0.3


async def echo(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answers every request with its body."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def serving(protocol: type[LimitedProtocol], limit_concurrency: int | None = None) -> Iterator[int]:
    """The port of a server with that protocol."""
    config = uvicorn.Config(
        echo,
        host="127.0.0.1",
        port=0,
        http=protocol,
        log_level="critical",
        lifespan="off",
        limit_concurrency=limit_concurrency,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert eventually(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)


async def talk(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send ``parts`` one after the other; everything that is answered until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answered = bytearray()

    async def listen() -> None:
        with suppress(OSError):
            while block := await reader.read(65_536):
                answered.extend(block)

    listening = asyncio.create_task(listen())
    with suppress(OSError):
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
    await asyncio.wait_for(listening, 10)
    writer.close()
    return bytes(answered)


def request(*headers: bytes, body: bytes = b"") -> bytes:
    head = b"\r\n".join((b"POST / HTTP/1.1", b"host: shukka", b"content-length: %d" % len(body), *headers))
    return head + b"\r\n\r\n" + body


CLOSE = b"connection: close"


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([request(CLOSE, body=b"{}")], b"200"),
        ([request(b"x: " + b"a" * (MOST_HEAD - 200), CLOSE)], b"200"),
        ([request(b"x: " + b"a" * (MOST_HEAD - 200), CLOSE, body=b"b" * 100_000)], b"200"),
        ([request(body=b"b" * 100_000) + request(CLOSE, body=b"c")], b"200"),
        ([b"POST / HTTP/1.1\r\nx: ", *[b"a" * 8_000] * 5], b"431"),
        ([b"POST / HTTP/1.1\r\n" + b"x: " + b"a" * 2 * MOST_HEAD], b"431"),
        ([b"POST / HTTP/1.1\r\n", *[b"x: aaaaaaaaaa\r\n" * 500] * 5], b"431"),
        ([b"GET /" + b"a" * 2 * MOST_HEAD], b"431"),
    ],
    ids=["small", "long", "long, with a body", "pipelined", "endless line", "at once", "many lines", "address"],
)
def test_a_head_has_a_limit_and_a_body_is_no_head(parts: list[bytes], status: bytes) -> None:
    with serving(LimitedProtocol) as port:
        answer = asyncio.run(talk(port, *parts))
    assert answer.startswith(b"HTTP/1.1 " + status)


def refusal(answer: bytes) -> dict[str, Any]:
    """The problem document (RFC 9457) that ``answer``, the only one of its connection, is."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    document: dict[str, Any] = json.loads(body)
    assert str(document["status"]).encode() == head.split()[1]
    assert document["title"]
    assert document["detail"].endswith(".")
    return document


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST / HTTP/1.1\r\n" + b"x: " + b"a" * 2 * MOST_HEAD, 431),
        ("GET /v1/orders/salon/注文 HTTP/1.1\r\nhost: shukka\r\n\r\n".encode(), 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n", 408),
    ],
    ids=["too long", "not encoded", "TLS", "too slow"],
)
def test_what_no_handler_sees_is_refused_by_a_problem_document_too(sent: bytes, status: int) -> None:
    """Contract: errors are ``application/problem+json``."""
    with serving(Impatient) as port:
        assert refusal(asyncio.run(talk(port, sent)))["status"] == status


CHUNKED = b"POST / HTTP/1.1\r\nhost: shukka\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([b"1\r\nb\r\n" * 2_000, b"0\r\n\r\n"], b"200"),
        ([b"5;a=b\r\nabcde\r\n0\r\nx: y\r\n\r\n"], b"200"),
        ([b"10000\r\n" + b"b" * 65_536 + b"\r\n", b"0\r\n\r\n"], b"200"),
        ([b"0\r\nx: ", *[b"a" * 16_384] * 5], b"431"),
        ([b"0\r\n", *[b"x: y\r\n" * 2_000] * 5], b"431"),
        ([b"5;", *[b"a" * 16_384] * 5], b"431"),
    ],
    ids=[
        "small chunks",
        "extension and trailer",
        "large chunk",
        "endless trailer",
        "many trailers",
        "endless extension",
    ],
)
def test_what_stands_around_a_body_has_a_limit(parts: list[bytes], status: bytes) -> None:
    """The parser grows these by copying too, and no handler ever sees them."""
    with serving(LimitedProtocol) as port:
        answer = asyncio.run(talk(port, CHUNKED, *parts, pause=0.01))
    assert answer.startswith(b"HTTP/1.1 " + status)


SMUGGLED = b"0\r\n\r\nGET /v1/orders/salon/S-1 HTTP/1.1\r\nhost: shukka\r\nconnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        b"content-length: 5\r\ntransfer-encoding: chunked",
        b"transfer-encoding: chunked\r\ncontent-length: 5",
        b"content-length: 5\r\ncontent-length: 6",
        b"content-length: +5",
        b"content-length : 5",
        b"transfer-encoding: xchunked",
        b"transfer-encoding: chunked, identity",
        b"x: a\r\n b",
        b"x: a\x00b",
        b"x: a\ncontent-length: 5",
    ],
)
def test_what_a_proxy_could_read_otherwise_is_refused(headers: bytes) -> None:
    """Request smuggling: where two servers disagree on where a request ends, the rest of it becomes somebody else's."""
    with serving(LimitedProtocol) as port:
        answer = asyncio.run(talk(port, b"POST / HTTP/1.1\r\nhost: shukka\r\n" + headers + b"\r\n\r\n" + SMUGGLED))
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1


def test_one_connection_too_many_is_answered_at_once_and_those_there_are_are_served() -> None:
    async def crowd(port: int) -> tuple[bytes, bytes]:
        half = []
        for _ in range(3):
            half.append(await asyncio.open_connection("127.0.0.1", port))
            reader, writer = half[-1]
            writer.write(request(CLOSE, b"expect: 100-continue", body=b"hell!")[:-1])
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100"), "it is being served"
        refused = await talk(port, request(CLOSE))
        await asyncio.sleep(0.2)  # until the server too has seen the end of the one it refused
        reader, writer = half[0]
        writer.write(b"!")
        return refused, await reader.read()

    with serving(LimitedProtocol, limit_concurrency=4) as port:  # of which uvicorn keeps one for the refusal
        refused, served = asyncio.run(crowd(port))
    assert refusal(refused)["status"] == 503
    assert b"retry-after: 1" in refused.lower()
    assert served.endswith(b"hell!")


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([], b"408"),
        ([b"GET / HTTP/1.1\r\nhost: x\r\n"], b"408"),
        ([b"GET ", b"/ HT", b"TP/1.1\r\n", b"a: b\r\n", b"c: d\r\n"], b"408"),
    ],
    ids=["nothing", "half a head", "drop by drop"],
)
def test_a_head_must_come_in_time(parts: list[bytes], status: bytes) -> None:
    with serving(Impatient) as port:
        assert asyncio.run(talk(port, *parts, pause=0.1)).startswith(b"HTTP/1.1 " + status)


def test_a_slow_body_is_not_a_slow_head() -> None:
    whole = request(CLOSE, body=b"abcdef")
    with serving(Impatient) as port:
        answer = asyncio.run(
            talk(port, whole[:-6], *(whole[n : n + 1] for n in range(len(whole) - 6, len(whole))), pause=0.1)
        )
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"abcdef")


def test_others_are_served_while_one_sends_without_end() -> None:
    async def both(port: int) -> tuple[bytes, bytes]:
        flood = asyncio.create_task(talk(port, b"GET / HTTP/1.1\r\nx: ", *[b"a" * 65_536] * 50))
        polite = await talk(port, request(CLOSE, body=b"hello"))
        return polite, await flood

    with serving(LimitedProtocol) as port:
        polite, flood = asyncio.run(both(port))
    assert polite.endswith(b"hello")
    assert b"HTTP/1.1 200" not in flood
