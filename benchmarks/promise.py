"""How many promises a second and core: the rule alone, and a whole answer over the ASGI interface.

``python -m benchmarks.promise [--seconds N]`` asks the packaged shops about changing moments, suppliers and regions.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from dramatiq.brokers.stub import StubBroker
from sqlalchemy import create_engine

from pipelines.orders.promise import asked_of, promise, unloaded
from pipelines.shops import load_shops
from pipelines.values.moment import read_moment
from workers.broker import Bell
from workers.clock import SystemClock
from workers.effects import queues
from workers.installation import INSTALLATION
from workers.mail.rendering import Renderer
from workers.settings import Settings
from workers.web.app import create_app
from workers.wiring import House

_SHOPS = load_shops(installation=INSTALLATION)
_START = read_moment("2026-11-16T00:00:00+09:00")
_REGIONS = ("愛知県", "東京都", "沖縄県", "")
_PRODUCTS: tuple[dict[str, str], ...] = (
    {},
    {"supplier": "store-1"},
    {"availability": "backorder", "expected_on": "2027-01-20"},
    {"method": "bank_transfer"},
)


def questions() -> Iterator[dict[str, str]]:
    """What product pages ask, one after another over a fortnight."""
    for number in itertools.count():
        at = _START + timedelta(seconds=number * 977 % 1_209_600)
        product = _PRODUCTS[number % len(_PRODUCTS)]
        shop = "reuse" if number % 2 else "salon"
        yield {"shop": shop, "region": _REGIONS[number % 3], "at": at.isoformat(), **product}


def a_second(seconds: float, ask: Callable[[dict[str, str]], object]) -> float:
    """Answers a second of processor time."""
    asked, started = 0, time.process_time()
    for question in questions():
        ask(question)
        asked += 1
        if asked % 100 == 0 and time.process_time() - started > seconds:
            break
    return asked / (time.process_time() - started)


def over_asgi() -> Callable[[dict[str, str]], object]:
    """A caller of the whole application, in this process; nothing of it touches the database."""
    settings = Settings(
        database_url="postgresql://nobody@/nothing?host=/nowhere",
        redis_url="redis://unused",
        smtp_url="smtp://unused",
        shukka_public_per_minute=0,  # or one address is soon asked to come again
    )
    engine = create_engine("postgresql+psycopg://nobody@/nothing?host=/nowhere")
    bell = Bell(StubBroker(middleware=[]), queues())
    environment = {"SANDBOX_GATEWAY_URL": "http://127.0.0.1:1", "SANDBOX_GATEWAY_KEY": "sandbox"}
    renderer = Renderer("orders@shop.example", "shop.example")
    house = House(settings, engine, _SHOPS, SystemClock(), bell, renderer, environment)
    app, loop = create_app(house), asyncio.new_event_loop()

    async def answered(question: dict[str, str]) -> int:
        status = 0

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "path": "/v1/promise",
        }
        sent = {
            "raw_path": b"/v1/promise",
            "query_string": urlencode(question).encode(),
            "headers": [],
            "scheme": "http",
        }
        await app(
            {**scope, **sent, "client": ("127.0.0.1", 1), "server": ("shukka", 80), "root_path": ""}, receive, send
        )
        return status

    def ask(question: dict[str, str]) -> None:
        status = loop.run_until_complete(answered(question))
        assert status == 200, (status, question)

    return ask


def main() -> None:
    """Print both figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="processor time of each run")
    seconds = parser.parse_args().seconds
    rule = a_second(seconds, lambda asked: promise(asked_of(asked), _SHOPS, _START, unloaded))
    whole = a_second(seconds, over_asgi())
    print(f"rule alone: {rule:,.0f} promises/s and core\nover ASGI:  {whole:,.0f} answers/s and core")


if __name__ == "__main__":
    main()
