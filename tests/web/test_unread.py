"""Who sends a whole body before reading anything reads why it was refused, also where that was known before its end."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing

import pytest
from starlette.types import Message, Receive, Scope, Send

from tests.web.site import Site, served
from workers.web.unread import Unread

MIB = 1_048_576


def sent_at_once(url: str, head: str, body: bytes) -> bytes:
    """What a client reads that sends all first, and asks for the connection to be closed, as urllib does."""
    host, _, port = url.removeprefix("http://").partition(":")
    with closing(socket.create_connection((host, int(port)), timeout=20)) as client:
        client.sendall(f"{head}\r\nhost: shukka\r\nconnection: close\r\n".encode())
        client.sendall(body)
        answered = bytearray()
        while block := client.recv(65_536):
            answered += block
    return bytes(answered)


@pytest.mark.parametrize(
    ("path", "key", "framed", "status"),
    [
        ("/v1/orders", True, "announced", 413),
        ("/v1/orders", True, "in chunks", 413),
        ("/v1/orders", False, "announced", 401),
        ("/v1/webhooks/suppliers/warehouse", False, "announced", 413),
        ("/v1/nowhere", True, "announced", 404),
    ],
)
def test_a_refusal_is_read_by_who_sends_first(site: Site, path: str, key: bool, framed: str, status: int) -> None:
    """Contract: body over 1 MiB: 413."""
    head = f"POST {path} HTTP/1.1" + (f"\r\nauthorization: Bearer {site.storefront}" if key else "")
    body = b" " * (5 * MIB)
    if framed == "announced":
        framing, content = f"content-length: {len(body)}\r\n\r\n".encode(), body
    else:
        framing = b"transfer-encoding: chunked\r\n\r\n"
        content = b"".join(b"%x\r\n%b\r\n" % (MIB, body[:MIB]) for _ in range(5)) + b"0\r\n\r\n"
    with served(site.app) as url:
        for _ in range(5):
            answer = sent_at_once(url, head, framing + content)
            assert answer.startswith(f"HTTP/1.1 {status} ".encode())
            assert b"application/problem+json" in answer


@pytest.mark.parametrize(("most", "taken"), [(1_000_000, 7), (100, 2)], ids=["to its end", "to its limit"])
def test_what_is_unread_is_taken_up_to_a_size_and_for_a_time(most: int, taken: int) -> None:
    got, told = 0, list[Message]()

    async def refuses(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 413, "headers": []})
        await send({"type": "http.response.body", "body": b"too large"})

    async def receive() -> Message:
        nonlocal got
        got += 1
        return {"type": "http.request", "body": b"x" * 60, "more_body": got < 7}

    async def never() -> Message:
        await asyncio.sleep(3600)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        told.append(message)

    def asked(receive: Receive, *headers: tuple[bytes, bytes]) -> bytes:
        told.clear()
        scope = {"type": "http", "method": "POST", "headers": list(headers)}
        asyncio.run(Unread(refuses, most, 0.05)(scope, receive, send))
        assert not told[-1].get("more_body", False)
        return b"".join(one.get("body", b"") for one in told)

    length = (b"content-length", b"420")
    assert (asked(receive, length), got) == (b"too large", taken)
    assert asked(never, length) == b"too large"
    assert asked(receive) == asked(receive, length, (b"expect", b"100-continue")) == b"too large"
    assert got == taken, "nothing is on its way"
