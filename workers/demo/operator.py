"""The simulated operator of the demo: ``python -m workers.demo.operator --url ... --key-file FILE --events FILE``.

Hears of held orders as the storefronts do, from the journal of their events, and answers what a maker left open by a way out that the
order itself offers: what one refuses goes to another maker, what left after its cancel is settled and released. Once, a customer
telephones while his goods are being packed, and the operator cancels the order. He asks for the returns of customers who telephone
(`workers.demo.returns`) and sees them through, and settles parcels that were lost. Everything asked is in its journal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import orjson

from pipelines.errors import Unreachable
from workers.clock import AnyClock
from workers.demo.returns import Returns
from workers.sandbox import process
from workers.sandbox.agenda import Agenda
from workers.sandbox.http_client import Answer, HttpClient
from workers.sandbox.http_server import Reply, Request
from workers.sandbox.journal import Journal, read

#: Business time between two looks.
LOOKS_EVERY: Final = timedelta(minutes=2)
_REASON: Final = {"reason": "settled with the maker by telephone"}
_UNDER_WAY: Final = ("planned", "instructed", "acknowledged")


class Operator:
    """Answers holds with the operator's ``key``. ``other`` is the maker that is given what another one refuses; while
    ``regardless`` packs his goods, one customer changes his mind."""

    def __init__(
        self,
        journal: Journal,
        client: HttpClient,
        *,
        clock: AnyClock,
        url: str,
        key: str,
        events: Path,
        other: str,
        regardless: str,
    ) -> None:
        self._journal = journal
        self._client = client
        self._clock = clock
        self._url = url.rstrip("/")
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._events = events
        self._other = other
        self._regardless = regardless
        self._read = 0
        self._to_do: dict[tuple[str, str], None] = {}
        self._given_on: set[str] = set()
        self._returns = Returns()
        self._arrived: list[tuple[str, str]] = []
        done = list(read(journal.path))
        self._has_cancelled = any(one["action"] == "cancel" and one["status"] == 202 for one in done)
        self.agenda = Agenda(clock)
        self.agenda.plan(clock.now(), self._look)

    async def handle(self, request: Request) -> Reply | None:
        """Nobody asks it anything."""
        return Reply(404)

    async def _look(self) -> None:
        try:
            for event in self._heard():
                await self._consider(event)
            for shop, number in list(self._to_do):
                if await self._settle(shop, number):
                    del self._to_do[shop, number]
            await self._take_returns()
        except Unreachable:
            pass  # looked at again
        finally:
            self.agenda.plan(self._clock.now() + LOOKS_EVERY, self._look)

    def _heard(self) -> Iterator[Mapping[str, Any]]:
        """What storefronts were told since."""
        if not self._events.exists():
            return
        with self._events.open("rb") as lines:
            lines.seek(self._read)
            for line in lines:
                if not line.endswith(b"\n"):
                    return
                self._read += len(line)
                yield orjson.loads(line)

    async def _consider(self, event: Mapping[str, Any]) -> None:
        said = event["data"]
        if event["type"] == "order.held":
            self._to_do[said["shop"], said["number"]] = None
        elif (
            event["type"] == "order.state_changed"
            and said["to"] == "delivered"
            and self._returns.ways.get(said["shop"])
        ):
            self._arrived.append((said["shop"], said["number"]))
        elif event["type"] == "shipment.state_changed" and said["to"] == "acknowledged" and not self._has_cancelled:
            await self._cancel(said["shop"], said["number"])

    async def _cancel(self, shop: str, number: str) -> None:
        """The customer telephones: all of it is still here, and one that heeds no cancel has a part."""
        order = await self._order(shop, number)
        shipments = order.get("shipments", [])
        if number in self._given_on:
            return
        theirs = any((one["supplier"], one["state"]) == (self._regardless, "acknowledged") for one in shipments)
        if theirs and all(one["state"] in _UNDER_WAY for one in shipments):
            self._has_cancelled = await self._ask(shop, number, "cancel", _REASON)

    async def _settle(self, shop: str, number: str) -> bool:
        """Answer what is held for a maker; whether nothing of that is left to do."""
        order = await self._order(shop, number)
        settled = True
        for hold in order.get("holds", []):
            if hold["reason"] == "supplier_refused":
                theirs = next(one["supplier"] for one in order["shipments"] if one["id"] == hold["about"])
                way = "shipments:ask_again" if theirs == self._other else "shipments:reroute"
                to = {} if theirs == self._other else {"supplier": self._other}
                self._given_on.add(number)
                settled &= await self._ask(shop, number, way, {"shipment": hold["about"], **to, **_REASON})
            elif hold["reason"] in ("shipped_after_cancel", "cancel_refused"):
                settled &= await self._ask(shop, number, "release", _REASON)
            elif hold["reason"] == "transit_accident":
                lost = next(one for one in order["shipments"] if one["id"] == hold["about"])
                lines = [{"line": one["line"], "quantity": one["shipped"]} for one in lost["lines"]]
                settled &= await self._ask(shop, number, "lines:return", {"lines": lines, "fault": "shop", **_REASON})
        return settled

    async def _take_returns(self) -> None:
        """Ask for returns of what has arrived since, and go a step on with each that is open."""
        while self._arrived:
            shop, number = self._arrived.pop()
            if (asked := self._returns.request(shop, await self._order(shop, number))) is not None:
                answer = await self._say(shop, number, "returns", f"{self._place(shop, number)}/returns", asked)
                if answer.ok:
                    self._returns.opened(shop, number, answer.json()["return"])
        for id_, (_, shop, number) in list(self._returns.open.items()):
            where = f"{self._url}/v1/returns/{id_}"
            one = (await self._client.request("GET", where, self._headers)).json()
            if self._returns.is_over(one):
                del self._returns.open[id_]
            elif (step := self._returns.step(one, await self._order(shop, number))) is not None:
                await self._say(shop, number, f"returns:{step[0]}", f"{where}/{step[0]}", step[1])

    async def _order(self, shop: str, number: str) -> dict[str, Any]:
        return (await self._client.request("GET", self._place(shop, number), self._headers)).json()

    async def _ask(self, shop: str, number: str, action: str, said: Mapping[str, Any]) -> bool:
        return (await self._say(shop, number, action, f"{self._place(shop, number)}/{action}", said)).ok

    async def _say(self, shop: str, number: str, action: str, where: str, said: Mapping[str, Any]) -> Answer:
        answer = await self._client.request("POST", where, self._headers, orjson.dumps(said))
        await self._journal.write(
            {
                "kind": "asked", "shop": shop, "number": number, "action": action, "said": said,
                "status": answer.status, "at": self._clock.now().isoformat(),
            }
        )  # fmt: skip
        return answer

    def _place(self, shop: str, number: str) -> str:
        return f"{self._url}/v1/orders/{shop}/{quote(number, safe='')}"


async def main() -> None:
    """Settle until SIGTERM."""
    options = process.parser("workers.demo.operator", "A simulated operator.")
    options.add_argument("--url", required=True, help="Shukka's address")
    options.add_argument("--key-file", type=Path, required=True, help="the operator's key")
    options.add_argument("--events", type=Path, required=True, help="the journal of the storefronts' events")
    options.add_argument("--other", required=True, help="the maker that is given what another one refuses")
    options.add_argument("--hears-no-cancel", required=True, help="the maker that ships what is cancelled")
    arguments = options.parse_args()
    clock, stop = process.clock_of(arguments), process.stop_signal()
    async with Journal(arguments.journal) as journal, HttpClient() as client:
        operator = Operator(
            journal,
            client,
            clock=clock,
            url=arguments.url,
            key=arguments.key_file.read_text().strip(),
            events=arguments.events,
            other=arguments.other,
            regardless=arguments.hears_no_cancel,
        )
        await process.serve_with(operator.handle, operator.agenda, arguments.port, stop)


if __name__ == "__main__":
    process.run(main)
