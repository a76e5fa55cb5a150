"""A simulated bank (銀行振込): ``python -m workers.sandbox.bank --callback URL --secret ...``.

``POST /transfers {"shop", "number", "amount", "name", "at"?}`` is a customer paying; it answers 202 with the transfer's
``reference`` once the journal has it.  The shop hears of it by a signed ``deposit.received`` at ``at`` (business time,
at once if left out), repeated until it answers 2xx.  With an ``Idempotency-Key`` a transfer is made only once.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from pipelines.errors import Misconfigured
from workers.clock import AnyClock
from workers.sandbox import process
from workers.sandbox.agenda import Agenda
from workers.sandbox.courier import Courier, Event
from workers.sandbox.faults import Faults
from workers.sandbox.http_client import HttpClient
from workers.sandbox.http_server import Reply, Request
from workers.sandbox.journal import Journal, read

FAULTS = {
    "duplicate_rate": 0.0,  # the notice is posted twice under its webhook-id
    "renamed_rate": 0.0,  # it is told once more under another webhook-id
}

_TRANSFER = {"shop": str, "number": str, "amount": int, "name": str}


class Bank:
    """Takes transfers and reports them."""

    def __init__(
        self, journal: Journal, courier: Courier, *, clock: AnyClock, faults: Faults, callback: str, secret: str
    ) -> None:
        self._journal = journal
        self._courier = courier
        self._clock = clock
        self._faults = faults
        self._callback = callback
        self._secret = secret
        self.agenda = Agenda(clock)
        self._transfers = 0
        self._by_key: dict[str, asyncio.Future[str]] = {}
        self._restore()

    async def handle(self, request: Request) -> Reply | None:
        """Answer one request."""
        if request.method != "POST" or request.path not in ("/transfers", "/_faults"):
            return Reply(404)
        if request.path == "/_faults":
            return process.change_faults(self._faults, request)
        try:
            transfer = _transfer(request.json(), self._clock.now())
        except ValueError as error:
            return Reply(422, {"detail": str(error)})
        key = request.headers.get("idempotency-key")
        if key is None:
            return Reply(202, {"reference": await self._pay(transfer, None)})
        if key not in self._by_key:
            self._by_key[key] = asyncio.ensure_future(self._pay(transfer, key))
        return Reply(202, {"reference": await asyncio.shield(self._by_key[key])})

    async def _pay(self, transfer: Mapping[str, Any], key: str | None) -> str:
        self._transfers += 1
        record = {"kind": "transfer", "reference": f"FT{self._transfers:08d}", "key": key, "transfer": transfer}
        await self._journal.write(record)
        self._plan(record)
        return str(record["reference"])

    def _plan(self, record: Mapping[str, Any]) -> None:
        self.agenda.plan(datetime.fromisoformat(record["transfer"]["at"]), partial(self._report, record))

    async def _report(self, record: Mapping[str, Any]) -> None:
        at = record["transfer"]["at"]
        data = {**record["transfer"], "reference": record["reference"]}
        event = Event(f"deposit:{record['reference']}", "deposit.received", at, data)
        told = [event] * (2 if self._faults.strikes("duplicate_rate") else 1)
        if self._faults.strikes("renamed_rate"):
            told.append(replace(event, id=f"{event.id}:again"))
        await asyncio.gather(*(self._courier.deliver(one, url=self._callback, secret=self._secret) for one in told))

    def _restore(self) -> None:
        loop = asyncio.get_running_loop()
        records = list(read(self._journal.path))
        delivered = {record["id"] for record in records if record["kind"] == "delivered"}
        for record in records:
            if record["kind"] != "transfer":
                continue
            self._transfers += 1
            if record["key"] is not None:
                self._by_key[record["key"]] = loop.create_future()
                self._by_key[record["key"]].set_result(record["reference"])
            if f"deposit:{record['reference']}" not in delivered:
                self._plan(record)


def _transfer(asked: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The transfer that ``asked`` describes, with its time. Raises ValueError naming the field that is wrong."""
    for name, kind in _TRANSFER.items():
        if type(asked.get(name)) is not kind:
            raise ValueError(f"{name} must be {'a whole number of yen' if kind is int else 'a text'}")
    if asked["amount"] < 1:
        raise ValueError("amount must be at least 1 yen")
    at = datetime.fromisoformat(asked["at"]) if asked.get("at") else now
    if at.tzinfo is None:
        raise ValueError("at must name its offset, such as +09:00")
    return {**{name: asked[name] for name in _TRANSFER}, "at": at.isoformat()}


def _options() -> argparse.ArgumentParser:
    options = process.parser("workers.sandbox.bank", "A simulated bank.")
    options.add_argument("--callback", required=True, help="where deposit notices are posted")
    options.add_argument("--secret", default=os.environ.get("BANK_WEBHOOK_SECRET"), help="webhook secret")
    return options


async def main() -> None:
    """Serve until SIGTERM."""
    arguments = _options().parse_args()
    if not arguments.secret:
        raise Misconfigured("BANK_WEBHOOK_SECRET", "is missing; deposit notices are signed with it")
    faults = Faults(FAULTS, seed=arguments.seed)
    faults.set_flags(arguments.fault)
    clock = process.clock_of(arguments)
    stop = process.stop_signal()
    async with Journal(arguments.journal) as journal, HttpClient() as client:
        bank = Bank(
            journal,
            Courier(journal, client),
            clock=clock,
            faults=faults,
            callback=arguments.callback,
            secret=arguments.secret,
        )
        await process.serve_with(bank.handle, bank.agenda, arguments.port, stop)


if __name__ == "__main__":
    process.run(main)
