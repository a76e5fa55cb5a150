"""A request has its answer in bounded time; that of the client does not count."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.web.site import problem
from workers.web.deadline import Deadline

#: Seconds that a request has here.
WITHIN = 0.2


def answering(answer: Callable[[Request], Awaitable[Response]]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await answer(Request(scope, receive))
        await response(scope, receive, send)

    return app


async def asked(app: ASGIApp, content: AsyncIterator[bytes] | None = None) -> httpx.Response:
    transport = httpx.ASGITransport(Deadline(app, WITHIN))
    async with httpx.AsyncClient(transport=transport, base_url="http://shukka") as client:
        return await client.post("/", content=content)


async def stuck(request: Request) -> Response:
    await asyncio.sleep(60)
    raise AssertionError


async def echo(request: Request) -> Response:
    return PlainTextResponse(await request.body())


async def streamed(request: Request) -> Response:
    async def parts() -> AsyncIterator[str]:
        for part in "abc":
            await asyncio.sleep(WITHIN)
            yield part

    return StreamingResponse(parts())


async def impatient(request: Request) -> Response:
    raise TimeoutError


async def slowly() -> AsyncIterator[bytes]:
    for part in (b"a", b"b", b"c"):
        await asyncio.sleep(WITHIN)
        yield part


def test_what_does_not_end_is_answered_503() -> None:
    answer = asyncio.run(asked(answering(stuck)))
    assert problem(answer, 503)["title"] == "Database away"
    assert int(answer.headers["retry-after"]) >= 1


def test_the_time_in_which_the_client_sends_or_reads_is_its_own() -> None:
    assert asyncio.run(asked(answering(echo), slowly())).text == "abc"
    assert asyncio.run(asked(answering(streamed))).text == "abc"


def test_a_time_out_of_something_else_is_none_of_its_business() -> None:
    with pytest.raises(TimeoutError):
        asyncio.run(asked(answering(impatient)))
