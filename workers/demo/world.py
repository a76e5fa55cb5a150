"""How the outside world's processes are started: mail server, card gateway, suppliers, bank and storefronts.

They get ports, keys and secrets of their own, enrol at Shukka as any partner does, and share its clock and nothing else.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event

import orjson
from sqlalchemy import Engine

from pipelines.errors import Unreachable
from workers.clock import SettableClock
from workers.demo import makers
from workers.demo.orders import SHOPS
from workers.enrolment import create_client
from workers.process.child import bury, end, has_ended, launch
from workers.process.keeper import Child, Report
from workers.process.service import free_port
from workers.process.supervisor import Supervisor

SUPPLIERS = ("warehouse", "maker-a", "maker-b", "maker-c")
"""Everybody the storefronts' catalogue names as a source."""
BANK = "bank"
EVENTS = "events"
"""Where the storefronts hear of their orders."""
OPERATOR = "operator"
CARRIERS = "carriers"
"""Their inquiry pages, where Shukka asks how parcels fare."""


@dataclass(frozen=True, slots=True)
class WorldPlan:
    """What the outside world will do.

    ``orders`` are placed over ``hours`` of the clock from its start. The rest are further options of the processes, as
    on their command lines.
    """

    orders: int
    hours: float
    seed: int = 1
    storefront: Sequence[str] = ()
    suppliers: Sequence[str] = ()
    sink: Sequence[str] = ()
    bank: Sequence[str] = ()
    events: Sequence[str] = ()
    has_makers: bool = False
    """Makers on every channel, and an operator who settles what they leave open (``workers.demo.makers``)."""


class Attended:
    """A supervisor at work in a thread of its own, so that the caller can watch meanwhile."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._stop = Event()
        self.roll = Event()
        """Set, and every child that rolls gets a successor; cleared when that begins."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="supervisor")
        self._work: Future[None] | None = None

    def start(self) -> None:
        """Start every child and return once all are ready; raises what the supervisor raises."""
        ready = Event()
        self._work = self._thread.submit(self._supervisor.run_until, self._stop, ready.set, self.roll)
        while not ready.wait(0.02):
            if self._work.done():
                self._work.result()
                raise Unreachable("the processes were stopped before they were ready")

    def pids(self) -> dict[str, int]:
        """The running children's process ids by name."""
        return self._supervisor.pids()

    def stop(self) -> None:
        """Stop every child. Does nothing the second time."""
        self._stop.set()
        if self._work is not None:
            work, self._work = self._work, None
            work.result()
        self._thread.shutdown()


@dataclass
class World:
    """The outside world with its journals and logs under ``root``; call in the order enrol, open, trade, hush, close."""

    root: Path
    plan: WorldPlan
    report: Report
    ports: dict[str, int] = field(
        default_factory=lambda: {
            name: free_port() for name in ("sink", "gateway", "suppliers", BANK, EVENTS, OPERATOR, CARRIERS)
        }
    )
    doors: dict[str, int] = field(default_factory=dict)
    """The ports at which Shukka finds them, by name, where those are not their own: sink, gateway, a supplier, a shop's events."""
    gateway_key: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    _suppliers: dict[str, str] = field(default_factory=dict)
    _bank: str = ""
    _servers: list[Attended] = field(default_factory=list)
    _callers: list[Attended] = field(default_factory=list)
    _storefront: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What Shukka's processes must be told to find the world."""
        return {
            "SMTP_URL": f"smtp://127.0.0.1:{self._door('sink')}",
            "SANDBOX_GATEWAY_URL": f"http://127.0.0.1:{self._door('gateway')}",
            "SANDBOX_GATEWAY_KEY": self.gateway_key,
            **(self._of_makers() if self.plan.has_makers else {}),
        }

    def _of_makers(self) -> dict[str, str]:
        return {"SHUKKA_FILES": str(self._place("files")), "SHUKKA_INQUIRY_YAMATO_URL": f"{self._carriers}/yamato"}

    @property
    def _carriers(self) -> str:
        return f"http://127.0.0.1:{self._door(CARRIERS)}"

    def profiles(self) -> Path | None:
        """The directory of the shops' profiles, written where the makers need some of their own; None: those that ship."""
        if not self.plan.has_makers:
            return None
        directory = self._place("shops")
        if not directory.exists():
            makers.write_profiles(directory)
        return directory

    @property
    def journals(self) -> Path:
        """The directory of the journals, ``<process>.jsonl``."""
        return self.root / "journals"

    def enrol(self, engine: Engine, shops: Collection[str]) -> None:
        """Register a storefront a shop, the suppliers and the bank; keys and secrets go to files only we can read."""
        storefronts = {
            shop: create_client(engine, "storefront", shop, shops=[shop], known_shops=shops, url=self._events_of(shop))
            for shop in SHOPS
            if shop in shops
        }
        keys = {}
        for name in self._names():
            url = f"http://127.0.0.1:{self.doors.get(name, self.ports['suppliers'])}/{name}"
            reached = url if not self.plan.has_makers or makers.CHANNELS.get(name, "webhook") == "webhook" else None
            made = create_client(engine, "supplier", name, known_shops=shops, url=reached)
            self._suppliers[name], keys[name] = made.webhook_secret, made.key
        if self.plan.has_makers:
            _write_private(self._file("maker-keys"), keys)
            _write_private(self._file(OPERATOR), create_client(engine, "operator", OPERATOR, known_shops=shops).key)
        self._bank = create_client(engine, "gateway", BANK, known_shops=shops).webhook_secret
        _write_private(self._file("keys"), {shop: made.key for shop, made in storefronts.items()})
        _write_private(self._file(EVENTS), {shop: made.webhook_secret for shop, made in storefronts.items()})
        _write_private(self._file("secrets"), self._suppliers)

    def open(self, url: str, clock: SettableClock) -> None:
        """Start the servers, which report to Shukka at ``url``; returns once they listen. Raises Unreachable."""
        callback = f"{url}/v1/webhooks/suppliers/{{supplier}}"
        names = [word for name in self._names() for word in ("--name", name)]
        servers = [
            self._child("sink", "sink", "--port", str(self.ports["sink"]), *self._mailbox(), *self.plan.sink),
            self._child(
                "gateway",
                "gateway",
                *self._serving("gateway", clock),
                "--webhook-url",
                f"{url}/v1/webhooks/payments/sandbox",
                SANDBOX_GATEWAY_KEY=self.gateway_key,
            ),
            self._child(
                EVENTS,
                "listener",
                *self._serving(EVENTS, clock),
                "--secrets-file",
                str(self._file(EVENTS)),
                *self.plan.events,
            ),
            *([self._child(CARRIERS, "carriers", *self._serving(CARRIERS, clock))] if self.plan.has_makers else ()),
        ]
        callers = [
            self._child(
                "suppliers", "supplier", *self._serving("suppliers", clock), *names,
                "--secrets-file", str(self._file("secrets")), "--callback", callback,
                "--carrier", "maker-b=sagawa", "--no-tracking", "maker-c", *self._makers(url), *self.plan.suppliers,
            ),
            self._child(
                BANK, "bank", *self._serving(BANK, clock),
                "--callback", f"{url}/v1/webhooks/payments/{BANK}", *self.plan.bank, BANK_WEBHOOK_SECRET=self._bank,
            ),
            *self._operators(url, clock),
        ]  # fmt: skip
        for children, kept in ((servers, self._servers), (callers, self._callers)):
            attended = Attended(Supervisor(children, report=self.report))
            attended.start()
            kept.append(attended)

    def trade(self, url: str, clock: SettableClock) -> None:
        """Let the customers in: the storefront posts its orders at their times and then ends by itself."""
        plan = self.plan
        argv = self._argv(
            "storefront", "demo.storefront", *_clock_flags(clock), "--url", url, "--seed", str(plan.seed),
            "--key-file", str(self._file("keys")), "--bank-url", f"http://127.0.0.1:{self.ports[BANK]}",
            "--orders", str(plan.orders), "--hours", repr(plan.hours), *self._sources(), *plan.storefront,
        )  # fmt: skip
        self._storefront = launch(argv, log=self._log("storefront"))

    def close_shops(self) -> None:
        """No customer does anything more; the storefront ends once what they began is answered."""
        if self._storefront is not None:
            with suppress(ProcessLookupError):
                os.kill(self._storefront.pid, signal.SIGUSR1)

    @property
    def is_trading(self) -> bool:
        """True while the storefront has orders to post, payments to make or cancels to ask for."""
        return self._storefront is not None and not has_ended(self._storefront)

    def hush(self) -> None:
        """Nobody speaks to Shukka any more: customers, suppliers and bank are gone; it can still speak to the rest."""
        process, self._storefront = self._storefront, None
        if process is not None:
            end(process.pid, [(signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)], gone=lambda: has_ended(process))
            bury(process)
        _stop(self._callers)

    def close(self) -> None:
        """Stop every process. Does nothing the second time."""
        self.hush()
        _stop(self._servers)

    def _names(self) -> Sequence[str]:
        return tuple(dict.fromkeys((*SUPPLIERS, *makers.CHANNELS))) if self.plan.has_makers else SUPPLIERS

    def _mailbox(self) -> list[str]:
        if not self.plan.has_makers:
            return []
        return [
            "--keep",
            str(self._place("mailbox")),
            *(w for one in makers.written_to() for w in ("--keep-only", one)),
        ]

    def _makers(self, url: str) -> Sequence[str]:
        if not self.plan.has_makers:
            return ()
        options = makers.options(url, self._file("maker-keys"), self._place("mailbox"), self._place("files"))
        return (*options, "--carriers", self._carriers)

    def _sources(self) -> list[str]:
        sources = makers.SOURCES if self.plan.has_makers else {}
        return [word for sku, name in sources.items() for word in ("--source", f"{sku}={name}")]

    def _operators(self, url: str, clock: SettableClock) -> list[Child]:
        if not self.plan.has_makers:
            return []
        flags = (
            "--url",
            url,
            "--key-file",
            str(self._file(OPERATOR)),
            "--other",
            makers.WILLING,
            "--hears-no-cancel",
            makers.REGARDLESS,
        )
        heard = self.journals / f"{EVENTS}.jsonl"
        argv = self._argv(OPERATOR, "demo.operator", *self._serving(OPERATOR, clock), *flags, "--events", str(heard))
        ready = partial(_listens, self.ports[OPERATOR])
        return [Child(OPERATOR, argv, dict(os.environ), ready=ready, log=self._log(OPERATOR))]

    def _place(self, name: str) -> Path:
        return self.root / name

    def _serving(self, name: str, clock: SettableClock) -> list[str]:
        return ["--port", str(self.ports[name]), "--seed", str(self.plan.seed), *_clock_flags(clock)]

    def _child(self, name: str, module: str, *options: str, **secret: str) -> Child:
        """A server of the outside world; its ``secret`` is in its environment, where no list of processes shows it."""
        argv, port = self._argv(name, f"sandbox.{module}", *options), self.ports[name]
        return Child(name, argv, {**os.environ, **secret}, ready=lambda: _listens(port), log=self._log(name))

    def _argv(self, name: str, module: str, *options: str) -> list[str]:
        journal = self.journals / f"{name}.jsonl"
        return [sys.executable, "-m", f"workers.{module}", "--journal", str(journal), *options]

    def _events_of(self, shop: str) -> str:
        return f"http://127.0.0.1:{self.doors.get(shop, self.ports[EVENTS])}/{shop}"

    def _door(self, name: str) -> int:
        return self.doors.get(name, self.ports[name])

    def _log(self, name: str) -> Path:
        return self.root / "log" / f"{name}.log"

    def _file(self, name: str) -> Path:
        return self.root / f"{name}.json"


def _clock_flags(clock: SettableClock) -> list[str]:
    return [
        "--clock", clock.start.isoformat(), "--clock-rate", repr(clock.rate), "--clock-anchor", repr(clock.anchor),
    ]  # fmt: skip


def _write_private(path: Path, content: dict[str, str] | str) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content.encode() if isinstance(content, str) else orjson.dumps(content))


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _stop(attended: list[Attended]) -> None:
    while attended:
        attended.pop().stop()
