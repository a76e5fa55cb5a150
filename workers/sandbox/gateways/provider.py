"""A fake of a real payment gateway: what each of them says for itself, and what all are served with.

A ``Provider`` is one gateway's protocol over a ``MoneyLedger``: pure and synchronous, given each request with the moment it
came. ``Served`` is the rest, alike for all: the journal from which a restart rebuilds everything by answering the same
requests again, faults at three points of every operation, notices delivered until they are acknowledged, late, twice, out
of order or never, and the doors of the people outside:

    POST /_faults   {"latency": 0.2, ...}                                      the switches of ``FAULTS``
    POST /_strike   {"operation": "capture", "point": "after", "how": "cut"}   the next such operation fails so, ``times`` times
    POST /_buyer    {"act": "pay", ...}                                        what a buyer does; each provider has its own acts
    POST /_clock    {"at": ISO}                                                the provider's clock is set ahead, and runs on
    GET  /_moves?order=shop/number                                             the ledger's moves, for judges

Faults (gateways.md 10): ``before`` nothing is done, ``after`` it is done and the answer fails, ``slow`` it is done and the
answer comes late. ``how`` is cut, 500, 502 (a proxy's HTML), 429, empty, or garbage (a 200 whose body is no document).
"""

from __future__ import annotations

import asyncio
import base64
import random
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import parse_qs

from pipelines.errors import Unreachable
from workers.clock import AnyClock
from workers.sandbox import process
from workers.sandbox.faults import Faults
from workers.sandbox.gateways.ledger import Impossible, MoneyLedger
from workers.sandbox.http_client import HttpClient
from workers.sandbox.http_server import CUT, Reply, Request
from workers.sandbox.journal import Journal, read

FAULTS: Final = {
    "latency": 0.0,  # seconds before anything is done
    "before_rate": 0.0,  # 500, nothing done
    "after_rate": 0.0,  # done, then the connection is cut
    "down_for": 0.0,  # seconds from now in which every connection is cut at once
    "per_second": 0.0,  # requests taken in a second, 429 for the rest; 0 takes all
    "slow": 3.0,  # seconds that a struck answer is late
    "notice_twice_rate": 0.0,
    "notice_lost_rate": 0.0,
    "notice_late": 0.0,  # at most so many seconds late, each by chance: so they also come out of order
}

_KEPT: Final = 10_000
_POINTS: Final = ("before", "after", "slow")
_FAILED: Final = Reply(500, {"error": "the system failed"})
_HOW: Final[Mapping[str, Reply | None]] = {
    "cut": CUT,
    "500": _FAILED,
    "502": Reply(502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", {"content-type": "text/html"}),
    "429": Reply(429, {}, {"retry-after": "2"}),
    "empty": Reply(200, b"", {"content-type": "application/json"}),
    "garbage": Reply(200, b'{"id": "pay_', {"content-type": "application/json"}),
}


@dataclass(frozen=True, slots=True)
class Posting:
    """A notice to be posted: ``id`` names it over all attempts, ``content`` is what it says, before it is signed."""

    id: str
    content: bytes


class Provider(ABC):
    """One gateway's protocol. Its state changes in ``answer``, ``buyer`` and ``tick`` alone, and depends on nothing else, so
    that the same calls at the same moments make the same state again."""

    name: str
    notice_retries: Sequence[float] = (0.2, 0.5, 1.0, 2.0, 5.0)
    """Real seconds between attempts at a notice; the last is repeated."""

    def __init__(self) -> None:
        self.ledger = MoneyLedger()
        self.outbox: deque[Posting] = deque()
        """Notices not handed to the courier yet; ``answer``, ``buyer`` and ``tick`` append."""
        self._count = 0

    @abstractmethod
    def operation(self, request: Request) -> str | None:
        """Which of authorize, register, capture, void, refund, renew, lookup or list it asks for; None: anything else."""

    @abstractmethod
    def answer(self, request: Request, now: datetime) -> Reply:
        """Do what is asked at ``now``, whole or not at all, and answer as the real one does, authentication included."""

    def failed(self, request: Request, reply: Reply) -> None:
        """Its own server failed after ``request`` was done and said ``reply``: for those that say the same to a repetition."""
        return

    def buyer(self, act: Mapping[str, Any], now: datetime) -> Reply:
        """What a buyer does: pays a slip, passes 3-D Secure, sends the wrong sum. 404 for an act that is not known."""
        return Reply(404, {"error": f"{self.name} knows no act {act.get('act')!r}"})

    @abstractmethod
    def tick(self, now: datetime) -> None:
        """What happens by time alone: holds and slips expire, keys are forgotten. Each at the moment it was due, however late
        ``now`` is, and once: a tick of which nothing is told is not remembered over a restart."""

    def under_way(self, request: Request) -> tuple[str, Reply] | None:
        """(the key of a repetition that must not run beside the first, the answer to the second), where the real one has it."""
        return None

    @abstractmethod
    def signed(self, posting: Posting, epoch: int) -> tuple[Mapping[str, str], bytes]:
        """Headers and body of a notice as it travels, signed at ``epoch`` (real seconds) where the real one signs."""

    def acknowledged(self, status: int, body: bytes) -> bool:
        """Whether the receiver's answer ends the attempts."""
        return 200 <= status < 300

    def identity(self, prefix: str) -> str:
        """A new id of the provider, the same in every run."""
        self._count += 1
        return f"{prefix}{self._count:08d}"


@dataclass
class _Strike:
    operation: str
    point: str
    how: str


@dataclass
class Served:
    """A provider on the wire. ``notices`` is where its notices are posted; None: it posts none."""

    provider: Provider
    journal: Journal
    clock: AnyClock
    faults: Faults
    client: HttpClient
    notices: str | None = None
    seed: object = 0
    requests: deque[Request] = field(default_factory=lambda: deque(maxlen=_KEPT))
    """The last requests of the gateway's own protocol, for assertions; never shown: they hold secrets."""
    told: deque[Posting] = field(default_factory=lambda: deque(maxlen=_KEPT))
    """The last notices, whether they are posted or lost."""
    broken: Impossible | None = None
    """The first move of money that could not be: the provider itself is wrong, and tests fail by it."""

    def __post_init__(self) -> None:
        self._strikes: list[_Strike] = []
        self._running: set[str] = set()
        self._posting: set[asyncio.Task[None]] = set()
        self._chance = random.Random(f"served:{self.seed}")  # noqa: S311 - a simulation
        self._ahead = timedelta()
        self._down_until = 0.0
        self._second, self._taken = 0, 0
        self._moves = 0
        self._restore()

    def now(self) -> datetime:
        """The provider's clock: the world's, or ahead of it where it was set so."""
        return self.clock.now() + self._ahead

    async def handle(self, request: Request) -> Reply | None:
        """Answer one request, or cut the connection."""
        if request.path.startswith("/_"):
            return await self._outside(request)
        # What the disk refused must not be answered from memory either.
        if self.journal.failed or asyncio.get_running_loop().time() < self._down_until:
            return CUT
        self.requests.append(request)
        if self._is_too_much():
            return _HOW["429"]
        operation = self.provider.operation(request)
        strike = self._struck(operation) if operation else None
        if operation and strike is None:
            strike = self._by_chance(operation)
        if strike is not None and strike.point == "before":
            return _HOW[strike.how]
        reply = await self._answered(request)
        if strike is not None and strike.point == "slow":
            await asyncio.sleep(self.faults["slow"])
            return reply
        return reply if strike is None else await self._spoilt(request, strike)

    async def _answered(self, request: Request) -> Reply:
        """What the provider says to ``request``, dated by its clock as every server's answers are."""
        running = self.provider.under_way(request)
        if running is not None and running[0] in self._running:
            return running[1]
        if running is not None:
            self._running.add(running[0])
        try:
            await asyncio.sleep(self.faults["latency"])
            reply = await self._done("answer", _recorded(request), lambda now: self.provider.answer(request, now))
        finally:
            if running is not None:
                self._running.discard(running[0])
        return replace(reply, headers={"date": _http_date(self.now()), **reply.headers})

    async def _spoilt(self, request: Request, strike: _Strike) -> Reply | None:
        """What goes out in place of the answer; the provider remembers a failure of its own server, not of the wire."""
        spoilt = _HOW[strike.how]
        if spoilt is _FAILED:
            self.provider.failed(request, _FAILED)
            await self.journal.write({"kind": "failed", **_recorded(request)})
        return spoilt

    async def tick(self) -> None:
        """Let time pass at the provider: call it now and then."""
        await self._done("tick", {}, lambda now: Reply(200))

    async def aclose(self) -> None:
        """Stop posting notices."""
        for task in self._posting:
            task.cancel()
        await asyncio.gather(*self._posting, return_exceptions=True)

    async def _done(self, what: str, request: Mapping[str, Any], act: Any) -> Reply:
        """Let the provider act, durably, before anything of it is told."""
        now = self.now()
        try:
            self.provider.tick(now)
            reply: Reply = act(now)
        except Impossible as error:
            self.broken = self.broken or error
            raise
        new = self.provider.ledger.moves[self._moves :]
        self._moves = len(self.provider.ledger.moves)
        posted = self._to_post()
        if what != "tick" or new or posted:
            moves = [move.record() for move in new]
            lost = [posting.id for posting, times in posted if not times]
            await self.journal.write({"kind": what, "at": now.isoformat(), **request, "moves": moves, "lost": lost})
        self._post(posted)
        return reply

    async def _outside(self, request: Request) -> Reply:
        if request.path == "/_moves":
            order = parse_qs(request.query).get("order", [""])[0]
            moves = self.provider.ledger.of_order(order) if order else self.provider.ledger.moves
            return Reply(200, {"moves": [move.record() for move in moves]})
        told = request.json()
        if request.path == "/_faults":
            reply = process.change_faults(self.faults, request)
            if reply.status == 200 and "down_for" in told:
                self._down_until = asyncio.get_running_loop().time() + self.faults["down_for"]
            return reply
        if request.path == "/_strike":
            strike = _Strike(told["operation"], told["point"], told["how"])
            if strike.point not in _POINTS or strike.how not in _HOW:
                return Reply(422, {"error": f"a strike is {', '.join(_POINTS)}, and how is {', '.join(_HOW)}"})
            self._strikes += [strike] * int(told.get("times", 1))
            return Reply(200)
        if request.path == "/_clock":
            self._ahead = max(self._ahead, datetime.fromisoformat(told["at"]) - self.clock.now())
            await self.tick()
            return Reply(200)
        if request.path == "/_buyer":
            return await self._done("buyer", {"act": told}, lambda now: self.provider.buyer(told, now))
        return Reply(404)

    def _struck(self, operation: str) -> _Strike | None:
        found = next((one for one in self._strikes if one.operation == operation), None)
        if found is not None:
            self._strikes.remove(found)
        return found

    def _by_chance(self, operation: str) -> _Strike | None:
        if self.faults.strikes("before_rate"):
            return _Strike(operation, "before", "500")
        return _Strike(operation, "after", "cut") if self.faults.strikes("after_rate") else None

    def _is_too_much(self) -> bool:
        """More requests in this second than are taken (gateways.md 10)."""
        second = int(time.monotonic())
        self._second, self._taken = second, self._taken + 1 if second == self._second else 1
        return 0 < self.faults["per_second"] < self._taken

    def _to_post(self) -> list[tuple[Posting, int]]:
        """Every new notice, and how often it is posted: 0 for one that is lost."""
        new = [self.provider.outbox.popleft() for _ in range(len(self.provider.outbox))]
        return [
            (one, 0 if self.faults.strikes("notice_lost_rate") else 1 + self.faults.strikes("notice_twice_rate"))
            for one in new
        ]

    def _post(self, posted: Sequence[tuple[Posting, int]]) -> None:
        for posting, times in posted:
            self.told.append(posting)
            for _ in range(times if self.notices is not None else 0):
                task = asyncio.create_task(self._deliver(posting, self.notices or ""))
                self._posting.add(task)
                task.add_done_callback(self._posting.discard)

    async def _deliver(self, posting: Posting, url: str) -> None:
        await asyncio.sleep(self._chance.uniform(0, self.faults["notice_late"]))
        for wait in [*self.provider.notice_retries, *([self.provider.notice_retries[-1]] * 1_000)]:
            headers, body = self.provider.signed(posting, int(time.time()))
            try:
                answer = await self.client.request("POST", url, headers, body)
                if self.provider.acknowledged(answer.status, answer.body):
                    await self.journal.write({"kind": "delivered", "id": posting.id})
                    return
            except Unreachable:
                pass
            await asyncio.sleep(wait)

    def _restore(self) -> None:
        ended, now = set[str](), None
        for record in read(self.journal.path):
            if record["kind"] == "delivered":
                ended.add(record["id"])
            elif record["kind"] == "failed":
                self.provider.failed(_replayed(record), _FAILED)
            else:
                now = datetime.fromisoformat(record["at"])
                self._repeat(record, now)
                ended.update(record["lost"])
        if now is not None:  # its clock never goes back
            self._ahead = max(timedelta(), now - self.clock.now())
        self._moves = len(self.provider.ledger.moves)
        self.provider.outbox = deque(posting for posting in self.provider.outbox if posting.id not in ended)

    def _repeat(self, record: Mapping[str, Any], now: datetime) -> None:
        self.provider.tick(now)
        if record["kind"] == "answer":
            self.provider.answer(_replayed(record), now)
        elif record["kind"] == "buyer":
            self.provider.buyer(record["act"], now)


def _recorded(request: Request) -> dict[str, Any]:
    """A request as the journal keeps it: whole, since a signature is over its bytes. The journal is its owner's alone."""
    return {
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "headers": dict(request.headers),
        "body": base64.b64encode(request.body).decode(),
    }


def _replayed(record: Mapping[str, Any]) -> Request:
    body = base64.b64decode(record["body"])
    return Request(record["method"], record["path"], record["headers"], body, record["query"])


def _http_date(now: datetime) -> str:
    return format_datetime(now.astimezone(UTC), usegmt=True)
