"""``python -m benchmarks.intake``: ``POST /v1/orders`` beside a bare FastAPI endpoint that makes one INSERT, in the same run, in turns.

Each server is one process; the requests are made ready beforehand and come over 1, 16 and 64 connections that stay open. Workers do
not run, so that what is measured is taking in: a request until its order is durable.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console

from benchmarks.part import Figure, Part, show
from benchmarks.partners.installed import Installed, grounded, order, served
from benchmarks.partners.outside import Outside
from workers.process.child import wait_until
from workers.process.service import free_port

CONNECTIONS: Final = (1, 16, 64)
#: Orders in an array.
ARRAY: Final = 100
_LENGTH: Final = b"content-length:"
#: The limits of a storefront are not what is measured.
_UNLIMITED: Final = {"SHUKKA_REQUESTS_PER_MINUTE": "0", "SHUKKA_ORDERS_PER_MINUTE": "0"}

_numbers = itertools.count(1)


def _orders(count: int) -> list[dict[str, Any]]:
    return [order(f"I-{n}", n) for n in itertools.islice(_numbers, count)]


def _request(path: str, key: str, body: object) -> bytes:
    sent = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {len(sent)}\r\n\r\n"
    return head.encode() + sent


async def _burst(port: int, requests: Sequence[bytes], connections: int, expected: bytes) -> float:
    """Send ``requests`` over so many connections, one at a time on each; seconds until the last answer. Each must have the status
    ``expected``, and no order may be refused."""
    left = iter(requests)

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for one in left:
            writer.write(one)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = head[head.index(_LENGTH) + len(_LENGTH) :].split(b"\r\n", 1)[0]
            body = await reader.readexactly(int(length))
            if head.split(b" ", 2)[1] != expected or b'"errors"' in body:
                raise AssertionError(f"{head.decode()}{body[:500].decode()}")
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(connection() for _ in range(connections)))
    return time.perf_counter() - began


@contextmanager
def _bare(url: str) -> Iterator[int]:
    """The port of the bare endpoint's process."""
    port = free_port()
    argv = [
        sys.executable,
        "-m",
        "uvicorn",
        "benchmarks.intake_bare:app",
        "--port",
        str(port),
        "--log-level",
        "warning",
    ]
    process = subprocess.Popen([*argv, "--no-access-log"], env={**os.environ, "DATABASE_URL": url})
    try:
        if not wait_until(lambda: _answers(port), patience=60, pause=0.05):
            raise TimeoutError("the bare endpoint did not start")
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _rates(here: Installed, bare: int, key: str, connections: int, requests: int, size: int) -> tuple[float, float]:
    """Orders a second of the product and of the bare endpoint, ``size`` orders in a request."""

    def rate(port: int, path: Callable[[Any], bytes], status: bytes) -> float:
        made = [_orders(size) for _ in range(requests)]
        return requests * size / asyncio.run(_burst(port, [path(one) for one in made], connections, status))

    if size == 1:
        ours = rate(here.service.port, lambda made: _request("/v1/orders", key, made[0]), b"202")
        theirs = rate(bare, lambda made: _request("/orders", key, made[0]), b"202")
    else:
        ours = rate(here.service.port, lambda made: _request("/v1/orders:batch", key, {"orders": made}), b"207")
        theirs = rate(bare, lambda made: _request("/orders:batch", key, {"orders": made}), b"202")
    return ours, theirs


def measure(requests: int, rounds: int) -> Iterator[Figure]:
    """Rates and ratios by connections, single orders and arrays; medians of ``rounds`` that take turns."""
    with (
        Outside() as outside,
        grounded(outside) as ground,
        served(ground, outside, only=("web", "gateway"), environment=_UNLIMITED) as here,
        _bare(ground.database) as bare,
    ):
        for size in (1, ARRAY):
            for connections in CONNECTIONS:
                many = max(4 * connections, requests if size == 1 else requests // 25)
                many = many if connections > 1 or size > 1 else many // 4
                _rates(here, bare, ground.key, connections, max(connections, many // 10), size)
                pairs = [_rates(here, bare, ground.key, connections, many, size) for _ in range(rounds)]
                name = f"{'an order' if size == 1 else f'{ARRAY} orders'} a request, {connections} connections"
                yield Figure.of(name, [ours for ours, _ in pairs], "orders/s")
                yield Figure.of(f"{name}: of the bare endpoint", [ours / theirs for ours, theirs in pairs], "times")


PART = Part(
    "intake",
    "POST /v1/orders and /v1/orders:batch beside a bare FastAPI endpoint with one INSERT, one process each, in turns",
    "workers (they would take processor time from both), TLS, the network; the client shares the machine; validation, prices, keys, terms of "
    "search and points are in ours, and in the bare endpoint there is nothing of them",
    lambda short: measure(200 if short else 3000, 1 if short else 3),
)


def main() -> int:
    """Print rates and ratios."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.intake")
    options.add_argument("--requests", type=int, default=3000, help="with single orders, over several connections")
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    show(Console(width=140), PART, measure(given.requests, given.rounds))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
