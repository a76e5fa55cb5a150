"""The simulated storefronts of the four shops: ``python -m workers.demo.storefront --url ... --key-file FILE``.

Posts orders when the clock reaches the time they are placed at, with an ``Idempotency-Key``, again and again until they
are acknowledged, and journals every acknowledgement.  Customers who pay by bank transfer then ask for the amount and pay
at the bank, those who pay at a store, by a loan or by a card whose issuer asks for them go where they were told to; a few cancel.  A storefront that is started again with its journal goes on where it stopped.  It ends when
everything is done, or at SIGTERM; at SIGUSR1 no customer does anything more, and it ends once what they began is answered.
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import signal
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from pipelines.errors import Misconfigured, Unreachable
from workers.clock import TOKYO, AnyClock
from workers.demo.orders import SHOPS, ordered, orders, sent_by
from workers.sandbox import process
from workers.sandbox.agenda import Agenda
from workers.sandbox.faults import Faults, seeded
from workers.sandbox.http_client import Answer, HttpClient
from workers.sandbox.journal import Journal, read
from workers.sandbox.payment_ledger import CHALLENGED

__all__ = ["Storefront", "orders"]

FAULTS = {
    "duplicate_rate": 0.0,  # an order is posted twice at the same time
    "invalid_rate": 0.0,  # an order that is wrong on purpose is posted beside the good one
    "cancel_rate": 0.01,  # the customer asks to cancel
    "unpaid_rate": 0.02,  # a bank transfer never comes
    "underpaid_rate": 0.0,  # a bank transfer is 100 yen short
    "twice_paid_rate": 0.0,  # a customer transfers the whole sum twice
    "late_paid_rate": 0.0,  # a customer cancels what is to be paid by transfer, and pays it nevertheless
    "race_rate": 0.0,  # the customer asks to cancel, twice at once, the moment the order stands
}

_FIRST_WAIT, _LONGEST_WAIT = 0.1, 5.0
#: Methods whose customers go to a page: what they, or who pays for them, do there, and the other way that it may end.
_VISITS: Mapping[str, tuple[str, ...]] = {"konbini": ("pay",), "loan": ("approve", "refuse")}
#: How many loans are refused, and challenges not passed.
_REFUSED = 0.15
#: Business time from a cancel to the transfer that was not called off.
_AFTERTHOUGHT = timedelta(minutes=30)

# how an order can be wrong -> (field, value that no shop accepts)
_WRONGS: tuple[tuple[str, Any], ...] = (
    ("lines", []),
    ("placed_at", "yesterday"),
    ("payment", {"method": "cash", "token": None}),
    ("surprise", True),
)


class Storefront:
    """Plays the customers of all shops against the public API. Business time unless said otherwise."""

    def __init__(
        self,
        journal: Journal,
        client: HttpClient,
        *,
        clock: AnyClock,
        faults: Faults,
        url: str,
        keys: Mapping[str, str],
        bank: str | None,
        seed: int,
    ) -> None:
        """``keys``: shop -> storefront key; ``bank``: the bank's address, None where nobody pays by transfer."""
        self._journal = journal
        self._client = client
        self._clock = clock
        self._faults = faults
        self._url = url.rstrip("/")
        self._keys = keys
        self._bank = bank
        self._seed = seed
        self.agenda = Agenda(clock)
        self._done = {
            (record["kind"], record["shop"], record["number"]) for record in read(journal.path) if "number" in record
        }

    def plan(self, order: Mapping[str, Any]) -> None:
        """Have ``order`` posted at its time, unless the journal says that it was."""
        placed_at = datetime.fromisoformat(order["placed_at"])
        if self._has("ack", order) or self._has("refused", order):
            self._plan_sequel(order)
        else:
            self.agenda.plan(placed_at, partial(self._place, order))
        if self._drawn("invalid", order) and not self._has("invalid", order):
            self.agenda.plan(placed_at, partial(self._post_invalid, order))

    async def finished(self) -> None:
        """Returns once nothing is left to do."""
        while self.agenda.open:
            await asyncio.sleep(0.05)
        await self._journal.write({"kind": "finished"})

    async def _place(self, order: Mapping[str, Any]) -> None:
        twice = self._drawn("duplicate", order)
        answers = await asyncio.gather(*(self._post(order) for _ in range(2 if twice else 1)))
        for answer, tries in answers:
            state = answer.json().get("state")
            kept = {"ordered": ordered(order)} if answer.ok else {}
            kind = "ack" if answer.ok else "refused"
            await self._note(kind, order, status=answer.status, state=state, tries=tries, **kept)
        if answers[0][0].ok:
            self._plan_sequel(order)

    async def _post(self, order: Mapping[str, Any]) -> tuple[Answer, int]:
        key = f"{order['shop']}:{order['number']}"
        return await self._until_answered("POST", "/v1/orders", order["shop"], orjson.dumps(order), key)

    async def _post_invalid(self, order: Mapping[str, Any]) -> None:
        field, value = seeded(self._seed, "wrong", order["number"]).choice(_WRONGS)
        wrong = {**copy.deepcopy(dict(order)), "number": f"{order['number']}-X", field: value}
        answer, _ = await self._until_answered("POST", "/v1/orders", order["shop"], orjson.dumps(wrong))
        await self._note("invalid", order, field=field, status=answer.status)

    def _plan_sequel(self, order: Mapping[str, Any]) -> None:
        """What the customer does once the order stands."""
        if self._has("refused", order):
            return
        chance = seeded(self._seed, "sequel", order["shop"], order["number"])
        placed_at = datetime.fromisoformat(order["placed_at"])
        cancel_at = placed_at + timedelta(minutes=chance.uniform(1, 60))
        pay_at = placed_at + timedelta(minutes=chance.uniform(20, 120))
        pays = order["payment"]["method"] == "bank_transfer" and self._bank is not None
        visits = order["payment"]["method"] in _VISITS or order["payment"]["token"] == CHALLENGED
        if self._drawn("race", order):
            if not self._has("cancel", order):
                self.agenda.plan(placed_at, partial(self._cancel, order, times=2))
            return
        pays_late = pays and self._drawn("late_paid", order)
        if pays_late or self._drawn("cancel", order):
            if not self._has("cancel", order):
                self.agenda.plan(cancel_at, partial(self._cancel, order))
            if pays_late and not self._has("paid", order):
                self.agenda.plan(cancel_at + _AFTERTHOUGHT, partial(self._pay, order, is_late=True))
            return
        if (pays or visits) and not self._drawn("unpaid", order) and not self._has("paid", order):
            self.agenda.plan(pay_at, partial(self._visit if visits else self._pay, order))

    async def _cancel(self, order: Mapping[str, Any], times: int = 1) -> None:
        path, body = f"{_path(order)}/cancel", orjson.dumps({"reason": "customer"})
        answers = await asyncio.gather(*(self._until_answered("POST", path, order["shop"], body) for _ in range(times)))
        for answer, _ in answers:
            await self._note("cancel", order, status=answer.status)

    async def _pay(self, order: Mapping[str, Any], is_late: bool = False) -> None:
        answer, _ = await self._until_answered("GET", _path(order), order["shop"])
        amount = answer.json().get("totals", {}).get("grand_total")
        is_off = answer.json().get("state") == "cancelled" and not is_late
        if not isinstance(amount, int) or amount < 1 or is_off:
            await self._note("paid", order, status=answer.status, amount=0)
            return
        if self._drawn("underpaid", order):
            amount -= min(100, amount - 1)
        transfer = {"shop": order["shop"], "number": order["number"], "amount": amount}
        transfer["name"] = order["customer"]["name"]
        key, body = f"{order['shop']}:{order['number']}", orjson.dumps(transfer)
        for again in ("", ":again") if self._drawn("twice_paid", order) else ("",):
            await self._until_answered("POST", f"{self._bank}/transfers", None, body, f"{key}{again}")
        await self._note("paid", order, status=answer.status, amount=amount)

    async def _visit(self, order: Mapping[str, Any]) -> None:
        """Go where the order's instructions lead: to the till, the lender's form or the issuer's question."""
        answer, _ = await self._until_answered("GET", _path(order), order["shop"])
        url = ((answer.json().get("payment") or {}).get("instructions") or {}).get("url")
        chance = seeded(self._seed, "visit", order["shop"], order["number"])
        acts = _VISITS.get(order["payment"]["method"], ("pass", "fail"))
        act = acts[0] if chance.random() >= _REFUSED or len(acts) == 1 else acts[1]
        if url:
            answer, _ = await self._until_answered("POST", url, None, orjson.dumps({"act": act}))
        await self._note("paid", order, status=answer.status, act=act if url else None)

    async def _until_answered(
        self, method: str, path: str, shop: str | None, body: bytes = b"", key: str | None = None
    ) -> tuple[Answer, int]:
        """The first answer that settles something, and how many tries it took."""
        headers = {"content-type": "application/json"}
        if shop is not None:
            headers["authorization"] = f"Bearer {self._keys[shop]}"
        if key is not None:
            headers["idempotency-key"] = key
        url = f"{self._url}{path}" if path.startswith("/") else path
        wait, tries = _FIRST_WAIT, 0
        while True:
            tries += 1
            try:
                answer = await self._client.request(method, url, headers, body)
                if not _unsettled(answer):
                    return answer, tries
            except Unreachable:
                pass
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def _note(self, kind: str, order: Mapping[str, Any], **more: object) -> None:
        record = {"kind": kind, "shop": order["shop"], "number": order["number"]}
        await self._journal.write({**record, "at": self._clock.now().isoformat(), **more})

    def _has(self, kind: str, order: Mapping[str, Any]) -> bool:
        return (kind, order["shop"], order["number"]) in self._done

    def _drawn(self, what: str, order: Mapping[str, Any]) -> bool:
        """Drawn per order and not in passing, so that a restart plays the same day."""
        chance = seeded(self._seed, what, order["shop"], order["number"]).random()
        return chance < self._faults[f"{what}_rate"]


def _unsettled(answer: Answer) -> bool:
    """True where the same request has to be made again."""
    if answer.status == 409:
        return "retry-after" in answer.headers  # an identical request is still in flight
    return answer.status == 429 or answer.status >= 500


def _path(order: Mapping[str, Any]) -> str:
    return f"/v1/orders/{order['shop']}/{quote(order['number'], safe='')}"


def _keys(file: Path) -> dict[str, str]:
    try:
        keys = orjson.loads(file.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        raise Misconfigured("--key-file", 'must be a JSON file such as {"salon": "key"}') from None
    if not isinstance(keys, dict) or not keys:
        raise Misconfigured("--key-file", "must hold at least one shop and its key")
    if strange := sorted(keys.keys() - set(SHOPS)):
        raise Misconfigured("--key-file", f"{strange[0]} is no shop; there is {', '.join(SHOPS)}")
    return keys


def _options() -> argparse.ArgumentParser:
    options = process.parser("workers.demo.storefront", "Simulated storefronts.")
    options.add_argument("--url", required=True, help="Shukka's address")
    options.add_argument("--key-file", type=Path, required=True, help='JSON {"shop": "key"}; these shops take part')
    options.add_argument("--orders", type=int, required=True, help="how many orders")
    options.add_argument("--hours", type=float, default=9.0, help="the time over which they are placed")
    options.add_argument("--bank-url", help="where bank transfers are made; without it nobody pays by transfer")
    options.add_argument("--source", action="append", default=[], metavar="SKU=SUPPLIER", help="who sends it today")
    options.add_argument("--connections", type=int, default=32)
    return options


async def main() -> None:
    """Post everything, then end; or end at SIGTERM."""
    arguments = _options().parse_args()
    keys, clock = _keys(arguments.key_file), process.clock_of(arguments)
    faults = Faults(FAULTS, seed=arguments.seed)
    faults.set_flags(arguments.fault)
    stop = process.stop_signal()
    async with Journal(arguments.journal) as journal, HttpClient(connections=arguments.connections) as client:
        start = await _opening(journal, clock, arguments.clock)
        storefront = Storefront(
            journal,
            client,
            clock=clock,
            faults=faults,
            url=arguments.url,
            keys=keys,
            bank=arguments.bank_url,
            seed=arguments.seed,
        )
        end = start + timedelta(hours=arguments.hours)
        sources = dict(word.split("=", 1) for word in arguments.source)
        for order in orders(arguments.seed, arguments.orders, start, end, tuple(keys)):
            storefront.plan(sent_by(order, sources))
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, storefront.agenda.drop)
        process.announce(None)
        await _play(storefront, stop)


async def _opening(journal: Journal, clock: AnyClock, given: str | None) -> datetime:
    """When the first order may be placed: the clock's start, and after a restart the same as before."""
    for record in read(journal.path):
        if record["kind"] == "opened":
            return datetime.fromisoformat(record["at"])
    start = clock.now() if given is None else datetime.fromisoformat(given)
    start = start.replace(tzinfo=TOKYO) if start.tzinfo is None else start.astimezone(TOKYO)
    await journal.write({"kind": "opened", "at": start.isoformat()})
    return start


async def _play(storefront: Storefront, stop: asyncio.Event) -> None:
    agenda = asyncio.create_task(storefront.agenda.run())
    tasks = {agenda, asyncio.create_task(storefront.finished()), asyncio.create_task(_until(stop))}
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()


if __name__ == "__main__":
    process.run(main)
