"""The connection pool: as many at a time as it has connections, and none is lost to a failure."""

from __future__ import annotations

import asyncio
import gzip

import httpx
import pytest

from workers.http import pool
from workers.http.pool import PooledTransport
from workers.payments.asking import Unsettled, sent
from workers.sandbox.http_server import CUT, Reply, Request, serving


class Counting:
    """A server that knows how many requests it had at a time."""

    def __init__(self) -> None:
        self.now = 0
        self.most = 0

    async def handle(self, request: Request) -> Reply | None:
        if request.path == "/cut":
            return CUT
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.05)
        self.now -= 1
        return Reply(200)


@pytest.mark.parametrize(("connections", "requests", "at_a_time"), [(8, 40, 8), (64, 20, 20), (1, 5, 1)])
def test_requests_run_side_by_side_up_to_the_number_of_connections(
    connections: int, requests: int, at_a_time: int
) -> None:
    server = Counting()

    async def scenario() -> list[int]:
        async with serving(server.handle) as port, httpx.AsyncClient(transport=PooledTransport(connections)) as client:
            answers = await asyncio.gather(*(client.get(f"http://127.0.0.1:{port}/") for _ in range(requests)))
        return [answer.status_code for answer in answers]

    assert asyncio.run(scenario()) == [200] * requests
    assert server.most == at_a_time


@pytest.mark.parametrize(
    ("headers", "body", "says"),
    [
        pytest.param({}, b"x" * 1000, None, id="plain"),
        pytest.param({"content-encoding": "gzip"}, gzip.compress(b"x" * 1000), None, id="packed"),
        pytest.param({"content-encoding": "gzip"}, gzip.compress(b"x" * 1_000_000), "more than", id="a bomb"),
        pytest.param({}, b"x" * 1_000_000, "more than", id="long"),
        pytest.param({"content-encoding": "gzip"}, b"no gzip", "header", id="not what it says"),
    ],
)
def test_an_answer_is_unpacked_within_its_limit(
    headers: dict[str, str], body: bytes, says: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """300 kB unpacked to 300 MB in a worker that does all else besides; the call's outcome is not known then."""
    monkeypatch.setattr(pool, "MOST_BYTES", 100_000)

    async def answering(request: Request) -> Reply:
        return Reply(200, body, headers)

    async def scenario() -> bytes:
        async with serving(answering) as port, httpx.AsyncClient(transport=PooledTransport()) as client:
            response = await sent(client, client.build_request("GET", f"http://127.0.0.1:{port}/"))
            return response.content

    if says is None:
        assert asyncio.run(scenario()) == b"x" * 1000
        return
    with pytest.raises(Unsettled) as unsettled:
        asyncio.run(scenario())
    assert (unsettled.value.code, unsettled.value.sent) == ("unreadable", True)
    assert says in str(unsettled.value.__cause__)


def test_cut_connections_and_answers_left_unread_give_their_place_back() -> None:
    server = Counting()

    async def scenario() -> None:
        async with serving(server.handle) as port, httpx.AsyncClient(transport=PooledTransport(4)) as client:
            url = f"http://127.0.0.1:{port}"
            for _ in range(10):
                with pytest.raises(httpx.RemoteProtocolError):
                    await client.get(f"{url}/cut")
                async with client.stream("GET", url):
                    pass
            await asyncio.gather(*(client.get(url) for _ in range(4)))

    asyncio.run(scenario())
    assert server.most == 4
