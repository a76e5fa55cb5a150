"""The web interface as clients meet it: keys, signed webhooks, JSON in and out."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx
import uvicorn
from fastapi import FastAPI
from standardwebhooks import Webhook

from tests.application import application
from tests.world import World

Result = TypeVar("Result")
_ids = itertools.count(1)


class Site:
    """The application on a world, with a client of every kind."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.app: FastAPI = application(world.house)
        enrol = world.enrol
        self.storefront = enrol("storefront", "shops", shops=["salon", "clinic", "apparel"]).key
        self.stranger = enrol("storefront", "others", shops=["reuse"]).key
        self.operator = enrol("operator", "operations").key
        partners = [enrol("supplier", "warehouse"), enrol("supplier", "maker-a"), enrol("gateway", "bank")]
        self.keys = {one.name: one.key for one in partners}
        self.secrets = {one.name: one.webhook_secret for one in partners}
        self._asyncio = asyncio.Runner()
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False), base_url="http://shukka"
        )

    def close(self) -> None:
        """Let the last bells ring."""
        self.run(self._client.aclose)
        self._asyncio.close()
        self.app.state.shukka.desk.close()

    def run(self, scenario: Callable[[], Awaitable[Result]]) -> Result:
        """Run ``scenario`` in the application's event loop."""

        async def whole() -> Result:
            return await scenario()

        return self._asyncio.run(whole())

    async def request(self, method: str, path: str, *, key: str | None = "", **options: Any) -> httpx.Response:
        """One request; as the storefront unless ``key`` says otherwise, None for nobody."""
        headers = dict(options.pop("headers", {}))
        if key is not None:
            headers["authorization"] = f"Bearer {key or self.storefront}"
        return await self._client.request(method, path, headers=headers, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.run(lambda: self.request("GET", path, **options))

    def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        content = {"json": body} if body is not None else {}
        return self.run(lambda: self.request("POST", path, **content, **options))

    def put(self, path: str, **options: Any) -> httpx.Response:
        return self.run(lambda: self.request("PUT", path, **options))

    def order(self, body: Any, **options: Any) -> httpx.Response:
        """Send one order."""
        return self.post("/v1/orders", body, **options)

    def hook(
        self,
        body: Any,
        *,
        sender: str = "warehouse",
        path: str | None = None,
        headers: Mapping[str, str | None] | None = None,
        raw: bytes | None = None,
        event_id: str | None = None,
        age: float = 0,
        secret: str | None = None,
    ) -> httpx.Response:
        """Post a webhook signed by the peer's own library; ``headers`` replaces single headers, None leaves one out."""
        content = json.dumps(body).encode() if raw is None else raw
        signed = signature(secret or self.secrets[sender], content, event_id or f"msg-{next(_ids)}", age)
        sent = {name: value for name, value in {**signed, **(headers or {})}.items() if value is not None}
        where = path or f"/v1/webhooks/{'payments' if sender == 'bank' else 'suppliers'}/{sender}"
        return self.run(lambda: self.request("POST", where, key=None, content=content, headers=sent))


def signature(secret: str, content: bytes, event_id: str, age: float = 0) -> dict[str, str]:
    """The three headers of a webhook, made by the package ``standardwebhooks``."""
    at = datetime.now(UTC) - timedelta(seconds=age)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(event_id, at, content.decode("utf-8", "surrogateescape"))
        if _is_text(content)
        else "v1,bm9uZQ==",
    }


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem document of a refusal (RFC 9457)."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    document: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail"} <= set(document)
    assert document["status"] == status
    assert document["detail"]
    return document


def fields(answer: httpx.Response) -> list[str]:
    """The fields that a 422 names, each with a sentence."""
    listed = problem(answer, 422)["errors"]
    assert all(one["message"] for one in listed)
    return [one["field"] for one in listed]


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The application behind a real server; its URL."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
