"""Simulated warehouse and makers (倉庫, メーカー): ``python -m workers.sandbox.supplier --name warehouse --secret ...``.

One process plays any number of suppliers, each under its own path: ``POST /{name}`` takes signed instructions
(``shipment.requested``, ``shipment.cancel_requested``) and answers 202 once they are in the journal; the same
webhook-id again is a 200.  What the supplier then does goes to ``--callback`` as signed events in the clock's time.
With ``--channel`` it looks for its work itself, and answers by the same way (``workers.sandbox.channels``).
``POST /_faults`` changes the switches of ``workers.sandbox.shipping_plan.FAULTS``.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson

from pipelines.errors import Misconfigured, Unreachable
from workers.clock import AnyClock
from workers.http.signing import SignatureRefused, verify
from workers.sandbox import process
from workers.sandbox.agenda import Agenda
from workers.sandbox.channels.channel import CANCEL, CANCEL_ACCEPTED, REQUESTED, SupplierChannel
from workers.sandbox.channels.options import add_options, channels_of
from workers.sandbox.courier import Courier, Event
from workers.sandbox.faults import Faults
from workers.sandbox.http_client import HttpClient
from workers.sandbox.http_server import Reply, Request
from workers.sandbox.journal import Journal, read
from workers.sandbox.scans import Scan, Scanner, scans_of
from workers.sandbox.shipping_plan import FAULTS, Habits, Sending, plan

#: Business time between two looks of a supplier that comes for its work.
LOOKS_EVERY: Final = timedelta(minutes=3)
#: Business time until a cancel is said yes to.
ANSWERS_AFTER: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Supplier:
    """One supplier: its webhook secret (both ways), where it reports to, and how it works. With ``channel`` nobody posts to it.
    One that ``refuses_first`` will not send the first that it is asked for; one that ``ships_regardless`` heeds no cancel."""

    name: str
    secret: str
    callback: str
    habits: Habits
    channel: SupplierChannel | None = None
    refuses_first: bool = False
    ships_regardless: bool = False


class SupplierDesk:
    """Takes instructions in and plays them out."""

    def __init__(
        self,
        suppliers: Mapping[str, Supplier],
        journal: Journal,
        courier: Courier,
        *,
        clock: AnyClock,
        faults: Faults,
        seed: int,
        scanner: Scanner | None = None,
    ) -> None:
        self._suppliers = suppliers
        self._journal = journal
        self._courier = courier
        self._clock = clock
        self._faults = faults
        self._seed = seed
        self._scanner = scanner
        self.agenda = Agenda(clock)
        self._seen: dict[str, asyncio.Future[None]] = {}
        self._asked: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._called_off: set[tuple[str, str]] = set()
        self._refused: set[str] = set()
        self._shipped: set[str] = set()
        self._restore()
        for supplier in suppliers.values():
            if supplier.channel is not None:
                self.agenda.plan(clock.now(), partial(self._look, supplier, supplier.channel))

    async def _look(self, supplier: Supplier, channel: SupplierChannel) -> None:
        """Take in what its channel has for it, and look again in a while whatever comes of that."""
        try:
            with suppress(Unreachable, OSError):  # nothing is lost: it stands there at the next look
                for told in await channel.look():
                    await self._take(supplier, told.id, told.type, told.data, told.noted)
                channel.took()
        finally:
            self.agenda.plan(self._clock.now() + LOOKS_EVERY, partial(self._look, supplier, channel))

    async def handle(self, request: Request) -> Reply | None:
        """Answer one request."""
        if request.method != "POST":
            return Reply(405)
        if request.path == "/_faults":
            return process.change_faults(self._faults, request)
        supplier = self._suppliers.get(request.path.strip("/"))
        if supplier is None:
            return Reply(404)
        try:
            webhook_id = verify([supplier.secret], request.headers, request.body, now=int(time.time()))
        except SignatureRefused as error:
            return Reply(401, {"detail": str(error)})
        try:
            message = request.json()
            return await self._take(supplier, webhook_id, message["type"], message["data"])
        except (ValueError, KeyError, TypeError) as error:
            return Reply(400, {"detail": f"no instruction: {error}"})

    async def _take(
        self,
        supplier: Supplier,
        webhook_id: str,
        kind: str,
        data: Mapping[str, Any],
        noted: Mapping[str, Any] | None = None,
    ) -> Reply:
        known = self._seen.get(f"{supplier.name}/{webhook_id}")
        if known is not None:
            await asyncio.shield(known)  # not answered before the first one is durable
            return Reply(200)
        record: dict[str, Any] = {
            "kind": "instruction",
            "supplier": supplier.name,
            "id": webhook_id,
            "type": kind,
            "shipment": data["shipment"],
            "at": self._clock.now().isoformat(),
            "channel": "webhook" if supplier.channel is None else supplier.channel.name,
            **(noted or {}),
        }
        if kind == REQUESTED:
            record |= self._requested(supplier, data)
        elif kind == CANCEL:
            record |= self._cancelled(supplier, data["shipment"])
        else:
            return Reply(400, {"detail": f"{kind} is no instruction"})
        self._apply(record)
        durable = asyncio.ensure_future(self._journal.write(record))
        self._seen[f"{supplier.name}/{webhook_id}"] = durable
        await asyncio.shield(durable)
        self._play(record)
        return Reply(202)

    def _requested(self, supplier: Supplier, data: Mapping[str, Any]) -> dict[str, Any]:
        """What the journal keeps of a request, the plan with it; the address is needed by nobody here."""
        shipment = data["shipment"]
        kept = {name: data[name] for name in ("shop", "order", "dispatch_on", "lines")}
        kept["collect"] = data.get("collect")
        if self._asked[shipment] and shipment not in self._refused:
            return {**kept, "plan": []}  # asked again under another id: the goods are on their way already
        sendings = plan(
            {**data, "supplier": supplier.name},
            attempt=self._asked[shipment] + 1,
            now=self._clock.now(),
            seed=self._seed,
            habits=replace(supplier.habits, refuses=supplier.refuses_first and not self._told[supplier.name]),
            faults=self._faults,
        )
        if supplier.channel is None:
            return {**kept, "plan": [one.record() for one in sendings]}
        says = supplier.channel.says
        told = [one.record() for one in sendings if one.event.type in says]
        return {**kept, "plan": told, "scans": [*scans_of(sendings, says)] if self._scanner is not None else []}

    def _cancelled(self, supplier: Supplier, shipment: str) -> dict[str, Any]:
        """Whether the cancel comes in time, and the yes to it where its channel has a place for one."""
        effective = shipment not in self._shipped and not supplier.ships_regardless
        if not effective or supplier.channel is None or CANCEL_ACCEPTED not in supplier.channel.says:
            return {"effective": effective}
        at = self._clock.now() + ANSWERS_AFTER
        yes = Event(f"{shipment}:{CANCEL_ACCEPTED}:1", CANCEL_ACCEPTED, at.isoformat(), {"shipment": shipment})
        return {"effective": effective, "plan": [Sending(at, yes).record()]}

    def _apply(self, record: Mapping[str, Any]) -> None:
        shipment = record["shipment"]
        if record["type"] == CANCEL:
            if record["effective"]:
                self._called_off.add((record["supplier"], shipment))
            return
        self._asked[shipment] += 1
        self._told[record["supplier"]] += 1
        if record["plan"]:
            self._refused.discard(shipment)
        if any(sending["event"]["type"] == "shipment.refused" for sending in record["plan"]):
            self._refused.add(shipment)

    def _play(self, record: Mapping[str, Any], delivered: frozenset[str] = frozenset()) -> None:
        supplier = self._suppliers.get(record["supplier"])
        if supplier is None:
            return
        for sending in map(Sending.of_record, record.get("plan", ())):
            if sending.event.id not in delivered:
                self.agenda.plan(sending.at, partial(self._send, supplier, sending))
        for scan in record.get("scans", ()):
            self.agenda.plan(datetime.fromisoformat(scan["at"]), partial(self._scan, supplier, scan))

    async def _scan(self, supplier: Supplier, scan: Scan) -> None:
        if self._scanner is not None and (supplier.name, scan["shipment"]) not in self._called_off:
            await self._scanner.scan(scan)

    async def _send(self, supplier: Supplier, sending: Sending) -> None:
        shipment = sending.event.data["shipment"]
        if (supplier.name, shipment) in self._called_off and sending.event.type != CANCEL_ACCEPTED:
            return
        if sending.event.type == "shipment.shipped":
            self._shipped.add(shipment)
        if supplier.channel is not None:
            await supplier.channel.say(sending.event)
            return
        deliver = partial(self._courier.deliver, sending.event, url=supplier.callback, secret=supplier.secret)
        await asyncio.gather(*(deliver() for _ in range(sending.copies)))

    def _restore(self) -> None:
        instructions: list[dict[str, Any]] = []
        delivered: set[str] = set()
        durable = asyncio.get_running_loop().create_future()
        durable.set_result(None)
        for record in read(self._journal.path):
            if record["kind"] == "delivered":
                delivered.add(record["id"])
                if record["type"] == "shipment.shipped":
                    self._shipped.add(record["id"].split(":")[0])
            elif record["kind"] == "instruction":
                self._seen[f"{record['supplier']}/{record['id']}"] = durable
                self._apply(record)
                instructions.append(record)
        for record in instructions:
            self._play(record, frozenset(delivered))


def suppliers_of(
    arguments: argparse.Namespace, channels: Mapping[str, SupplierChannel] | None = None
) -> dict[str, Supplier]:
    """The suppliers the options name. Raises Misconfigured where one has no secret or no address of its own."""
    secrets = dict(zip(arguments.name, arguments.secret, strict=False))
    if arguments.secrets_file is not None:
        secrets |= orjson.loads(arguments.secrets_file.read_bytes())
    if missing := [name for name in arguments.name if name not in secrets]:
        raise Misconfigured("--secret", f"is missing for {', '.join(missing)}; give one for each --name")
    if len(arguments.name) > 1 and "{supplier}" not in arguments.callback:
        raise Misconfigured("--callback", "must contain {supplier} where one process plays several")
    return {name: _supplier(name, secrets[name], arguments, (channels or {}).get(name)) for name in arguments.name}


def _supplier(name: str, secret: str, arguments: argparse.Namespace, channel: SupplierChannel | None) -> Supplier:
    carriers = dict(word.split("=", 1) for word in arguments.carrier)
    habits = Habits(
        arguments.delay_minutes,
        arguments.delivery_hours,
        carrier=carriers.get(name, "yamato"),
        no_tracking=name in arguments.no_tracking,
        slow_minutes=arguments.slow_minutes if name in arguments.slow else 0.0,
    )
    return Supplier(
        name,
        secret,
        arguments.callback.replace("{supplier}", name),
        habits,
        channel,
        refuses_first=name in arguments.refuses_first,
        ships_regardless=name in arguments.ships_regardless,
    )


def _pair(word: str) -> str:
    if "=" not in word:
        raise argparse.ArgumentTypeError(f"{word!r} must be NAME=CARRIER, such as maker-b=sagawa")
    return word


def _options() -> argparse.ArgumentParser:
    options = process.parser("workers.sandbox.supplier", "Simulated suppliers.")
    options.add_argument("--name", action="append", required=True, help="a supplier to play; may be repeated")
    options.add_argument("--secret", action="append", default=[], help="its webhook secret, in the order of --name")
    options.add_argument("--secrets-file", type=Path, help='JSON {"name": "whsec_..."}')
    options.add_argument("--callback", required=True, help="where events go; {supplier} stands for the name")
    options.add_argument("--delay-minutes", type=process.range_of, default=(20.0, 90.0), metavar="A,B")
    options.add_argument("--delivery-hours", type=process.range_of, default=(4.0, 9.0), metavar="A,B")
    options.add_argument("--carrier", type=_pair, action="append", default=[], metavar="NAME=CARRIER")
    options.add_argument(
        "--carriers", metavar="URL", help="the inquiry pages that learn how parcels fare (docs/demo-world.md)"
    )
    options.add_argument("--no-tracking", action="append", default=[], metavar="NAME", help="often gives no number")
    add_options(options)
    return options


async def main() -> None:
    """Serve until SIGTERM."""
    arguments = _options().parse_args()
    faults = Faults(FAULTS, seed=arguments.seed)
    faults.set_flags(arguments.fault)
    clock = process.clock_of(arguments)
    stop = process.stop_signal()
    async with Journal(arguments.journal) as journal, HttpClient() as client:
        courier = Courier(journal, client)
        suppliers = suppliers_of(arguments, channels_of(arguments, client, courier, journal))
        scanner = Scanner(arguments.carriers, client, journal) if arguments.carriers else None
        desk = SupplierDesk(
            suppliers, journal, courier, clock=clock, faults=faults, seed=arguments.seed, scanner=scanner
        )
        await process.serve_with(desk.handle, desk.agenda, arguments.port, stop)


if __name__ == "__main__":
    process.run(main)
