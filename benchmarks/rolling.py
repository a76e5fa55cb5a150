"""``make rolling``: orders, questions and webhooks come in while every process is replaced again and again; none is lost.

The whole service as ``shukka up`` runs it, told SIGHUP one time after the other. Clients of a few lines count each request's
fate, and repeat none: an answer, a refused connection, or one that broke off after the request was sent. A client that finds
its kept connection closed before it sends anything opens another one; that is counted for itself and lost nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from models.database import OPERATOR, connect
from pipelines.shops import load_shops
from workers.clock import TOKYO
from workers.demo.orders import orders
from workers.enrolment import create_client
from workers.http.signing import signed_headers
from workers.installation import INSTALLATION
from workers.process.embedded import running_engines
from workers.process.service import free_port

#: Clients that keep their connection, and that open one for each request.
KEEPING, CLOSING = 8, 4
#: Seconds between two requests of a client: at random up to the first, now and then up to the second.
PAUSE, LONG_PAUSE = 0.1, 2.0
SUPPLIER: Final = "warehouse"
#: Seconds for a start, and for a roll.
PATIENCE = 240.0
ANSWER_WITHIN = 30.0


@dataclass
class Fates:
    """What became of requests, by what was asked and whether the connection was kept."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    reopened: int = 0
    announced: int = 0
    accepted: set[tuple[str, str]] = field(default_factory=set)
    longest: float = 0.0
    rolls: int = 0
    stored: int = 0

    @property
    def requests(self) -> int:
        """How many were made."""
        return self.statuses.total() + self.refused.total() + self.broken.total()

    @property
    def faults(self) -> int:
        """Answers of 5xx."""
        return sum(count for (_, status), count in self.statuses.items() if status >= 500)

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost, and something was asked."""
        lost = self.faults + self.refused.total() + self.broken.total()
        return not lost and len(self.accepted) > 0 and self.stored == len(self.accepted)


class Line(NamedTuple):
    """A connection to the service."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Client:
    """One client; requests one after the other over a connection of its own, each sent once."""

    def __init__(self, port: int, fates: Fates, *, keeps: bool) -> None:
        self._port = port
        self._fates = fates
        self._keeps = keeps
        self._line: Line | None = None

    async def request(
        self, what: str, method: str, path: str, headers: dict[str, str], body: bytes = b""
    ) -> int | None:
        """Ask; the answer's status, None where there was none. Its fate is counted under ``what``."""
        began = time.monotonic()
        fates = self._fates
        try:
            reader, writer = await self._connected()
        except OSError:
            fates.refused[what] += 1
            return None
        connection = "keep-alive" if self._keeps else "close"
        head = {"host": "shukka", "connection": connection, "content-length": str(len(body)), **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        try:
            writer.write(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body)
            async with asyncio.timeout(ANSWER_WITHIN):
                status, closes = await _answer(reader)
        except (OSError, EOFError, TimeoutError):
            fates.broken[what] += 1
            self.close()
            return None
        fates.announced += closes and self._keeps
        if closes or not self._keeps:
            self.close()
        fates.statuses[what, status] += 1
        fates.longest = max(fates.longest, time.monotonic() - began)
        return status

    async def _connected(self) -> Line:
        if self._line is not None and self._line.reader.at_eof():
            self._fates.reopened += 1
            self.close()
        if self._line is None:
            self._line = Line(*await asyncio.open_connection("127.0.0.1", self._port))
        return self._line

    def close(self) -> None:
        """Give the connection up."""
        if self._line is not None:
            self._line.writer.close()
            self._line = None


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.split("content-length: ")[1].split("\r\n")[0])
    await reader.readexactly(length)
    return int(head.split(" ")[1]), "\r\nconnection: close" in head


@dataclass(frozen=True, slots=True)
class Keys:
    """With what clients prove who they are."""

    storefront: str
    supplier_secret: str


async def _customer(client: Client, stop: asyncio.Event, fates: Fates, keys: Keys, number: int) -> None:
    """Post an order, ask for it, and let a supplier tell something, until ``stop``."""
    chance = random.Random(number)
    now = datetime.now(TOKYO)
    bearer = {"authorization": f"Bearer {keys.storefront}", "content-type": "application/json"}
    for turn in range(1_000_000):
        (order,) = orders(number * 1_000_003 + turn, 1, now, now)
        order["number"] = f"R-{number}-{turn}"
        shop, number_ = where = (str(order["shop"]), str(order["number"]))
        if await client.request("POST order", "POST", "/v1/orders", bearer, orjson.dumps(order)) == 202:
            fates.accepted.add(where)
        await _pause(chance)
        await client.request("GET order", "GET", f"/v1/orders/{shop}/{number_}", bearer)
        await _pause(chance)
        news = orjson.dumps(_news(f"{number_}-unknown"))
        signed = signed_headers([keys.supplier_secret], f"roll-{number}-{turn}", int(time.time()), news)
        await client.request("POST webhook", "POST", f"/v1/webhooks/suppliers/{SUPPLIER}", signed, news)
        await _pause(chance)
        if stop.is_set():
            break
    client.close()


def _news(shipment: str) -> dict[str, Any]:
    return {
        "type": "shipment.acknowledged",
        "timestamp": datetime.now(TOKYO).isoformat(),
        "data": {"shipment": shipment},
    }


async def _pause(chance: random.Random) -> None:
    await asyncio.sleep(chance.uniform(0, LONG_PAUSE if chance.random() < 0.02 else PAUSE))


class Up:
    """``shukka up`` in a process of its own; what it says is read as it comes."""

    def __init__(self, data: Path, port: int) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
        argv = [sys.executable, "-m", "workers.cli.main", "up", "--port", str(port), "--data", str(data)]
        self._process = subprocess.Popen(
            argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        self._lines: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._lines.append(line)

    def wait_for(self, words: str, times: int = 1) -> None:
        """Wait until it has said ``words`` so many times; raises RuntimeError with what it said instead."""
        deadline = time.monotonic() + PATIENCE
        while sum(words in line for line in self._lines) < times:
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError("".join(self._lines))
            time.sleep(0.02)

    def roll(self, times: int) -> None:
        """Tell it to roll, for the ``times``-th time, and wait until it has."""
        self._process.send_signal(signal.SIGHUP)
        self.wait_for("rolled: worker, clock, web", times)

    def stop(self) -> None:
        """Stop it as a Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait()


@contextmanager
def service() -> Iterator[tuple[Up, int, str]]:
    """``shukka up`` on engines of its own: it, its port, and the URL of its database."""
    with tempfile.TemporaryDirectory(prefix="shukka-roll-") as folder:
        Path(folder).chmod(0o711)
        data, port = Path(folder) / "data", free_port()
        up = Up(data, port)
        try:
            up.wait_for("Shukka answers at")
            yield up, port, running_engines(data).database_url or ""
        finally:
            up.stop()


async def _ask_while_rolling(up: Up, port: int, keys: Keys, fates: Fates, requests: int, rolls: int) -> None:
    stop = asyncio.Event()
    clients = [Client(port, fates, keeps=n < KEEPING) for n in range(KEEPING + CLOSING)]
    async with asyncio.TaskGroup() as group:
        for number, client in enumerate(clients):
            group.create_task(_customer(client, stop, fates, keys, number))
        try:
            while fates.rolls < rolls:
                await asyncio.to_thread(up.roll, fates.rolls + 1)
                fates.rolls += 1
            while fates.requests < requests:
                await asyncio.sleep(0.1)
        finally:
            stop.set()


def measure(requests: int, rolls: int) -> Fates:
    """The fates of at least ``requests`` requests while everything is rolled ``rolls`` times."""
    fates = Fates()
    with service() as (up, port, database_url):
        engine = connect(database_url, OPERATOR, application="shukka-bench")
        shops = load_shops(installation=INSTALLATION)
        storefront = create_client(engine, "storefront", "rolling", known_shops=shops)
        supplier = create_client(engine, "supplier", SUPPLIER, known_shops=shops)
        keys = Keys(storefront.key, supplier.webhook_secret)
        asyncio.run(_ask_while_rolling(up, port, keys, fates, requests, rolls))
        with engine.connect() as connection:
            stored = connection.execute(text("SELECT shop, number FROM shop_order")).all()
        fates.stored = len(fates.accepted & {(row.shop, row.number) for row in stored})
        engine.dispose()
    return fates


def print_table(fates: Fates, console: Console) -> None:
    """What was asked, and what became of it."""
    table = Table("asked", "answers", "5xx", "refused", "broken off", box=None)
    for what in sorted({what for what, _ in fates.statuses} | set(fates.refused) | set(fates.broken)):
        found = {status: count for (asked, status), count in fates.statuses.items() if asked == what}
        says = ", ".join(f"{count} x {status}" for status, count in sorted(found.items()))
        faults = sum(count for status, count in found.items() if status >= 500)
        table.add_row(what, says, str(faults), str(fates.refused[what]), str(fates.broken[what]))
    console.print(table)
    console.print(
        f"{fates.requests} requests, {fates.rolls} rolls of worker, clock and web; longest answer {fates.longest:.1f} s; "
        f"{fates.announced} kept connections were closed with word of it, {fates.reopened} while idle, before anything was "
        f"sent; {fates.stored} of {len(fates.accepted)} acknowledged orders are stored"
    )


def main() -> int:
    """1 if any request was lost, or too little was asked."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.rolling")
    options.add_argument("--requests", type=int, default=10_000)
    options.add_argument("--rolls", type=int, default=10)
    given = options.parse_args()
    fates = measure(given.requests, given.rolls)
    print_table(fates, Console())
    return int(not fates.is_good)


if __name__ == "__main__":
    raise SystemExit(main())
