"""The whole service as processes: what `shukka up` and `shukka demo` start, with which environment."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.shops import Shop
from workers import payments
from workers.clock import SettableClock, from_settings
from workers.process.fork_server import ForkServer
from workers.process.keeper import Child
from workers.process.told import tell
from workers.settings import Settings, read
from workers.stopping import STOP_WITHIN
from workers.web.links import keep_secret

#: Lost connections are taken up within half a second; dramatiq reads these when it is imported, its own value is three
#: seconds.
DRAMATIQ = {"dramatiq_restart_delay": "500", "dramatiq_queue_prefetch": "2"}


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


WORKER, CLOCK, WEB = "workers.process.master", "workers.pacemaker", "workers.web.serve"
"""The programs of the service's processes."""
_LATER = "workers.process.shared_imports"
"""What they import later."""


def worker_argv(processes: int = 2, stop_within: float = STOP_WITHIN) -> list[str]:
    """The worker's command line. Told to stop, it has ended ``stop_within`` seconds later."""
    return _argv(WORKER, "--processes", processes, "--stop-within", stop_within)


def _argv(program: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", program, *map(str, arguments)]


def fork_server() -> ForkServer | None:
    """A fork server for the service that shares our own memory; None where there can be none. Before anything else is started."""
    if sys.platform != "linux":
        return None
    try:
        return ForkServer.forked([WORKER, CLOCK, WEB, _LATER], DRAMATIQ)
    except OSError:
        return None


@dataclass
class Service:
    """One installation: engines are running, ``database_url`` and ``redis_url`` lead to them.

    ``listener`` listens on ``host:port``: web processes inherit it, one after the other, so that nobody who asks meanwhile is
    refused; without it the web process opens its own.
    """

    settings: Settings
    shops: Mapping[str, Shop]
    data: Path
    database_url: str
    redis_url: str
    port: int
    host: str = "127.0.0.1"
    processes: int = 2
    listener: socket.socket | None = None
    logs: bool = True
    extra: dict[str, str] = field(default_factory=dict)
    sandboxes: list[Child] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.extra.update(DATABASE_URL=self.database_url, REDIS_URL=self.redis_url, SHUKKA_DATA=str(self.data))
        settings = self.settings
        clock = from_settings(settings.shukka_clock, settings.shukka_clock_rate, settings.shukka_clock_anchor)
        if isinstance(
            clock, SettableClock
        ):  # all three for every process: one that is started again goes on, and does not begin anew
            self.extra.update(SHUKKA_CLOCK=clock.start.isoformat(), SHUKKA_CLOCK_ANCHOR=repr(clock.anchor))
            self.extra.update(SHUKKA_CLOCK_RATE=repr(clock.rate))
        self._add_links()
        self._add_gateway()
        self._note_test_mode()
        self._add_sink()

    def tell_commands(self) -> None:
        """Let commands of the data directory know our Clock, our address and our sandbox gateway, as they know the database."""
        tell(self.data, self.extra)

    def _add_links(self) -> None:
        """Links in mails open at this installation, and go on doing so after a restart."""
        if not self.settings.shukka_link_secret:
            self.extra["SHUKKA_LINK_SECRET"] = keep_secret(self.data)
        self.extra["SHUKKA_PUBLIC_URL"] = self.settings.shukka_public_url or self.url

    def _add_gateway(self) -> None:
        """Shops that name the sandbox get it, unless one is configured elsewhere."""
        if "sandbox" not in payments.asked(self.shops.values()) or self.environment.get("SANDBOX_GATEWAY_URL"):
            return
        port, key = free_port(), secrets.token_urlsafe(24)
        self.extra.update(SANDBOX_GATEWAY_URL=f"http://127.0.0.1:{port}", SANDBOX_GATEWAY_KEY=key)
        self.sandboxes.append(
            self.sandbox(
                "gateway",
                "--port",
                str(port),
                "--webhook-url",
                f"{self.url}/v1/webhooks/payments/sandbox",
                *self._clock_flags(),
                env={"SANDBOX_GATEWAY_KEY": key},
            )
        )

    def _note_test_mode(self) -> None:
        """Say which gateways only pretend; raises Misconfigured for a setting that one misses."""
        gateways = payments.asked(self.shops.values()).items()
        tests = [name for name, one in gateways if one.test_mode(read(one.settings, self.environment))]
        if tests:
            self.notes["test"] = f"{', '.join(tests)}: nobody is charged"

    def _add_sink(self) -> None:
        """Without SMTP_URL mails end in a folder, visibly, instead of nowhere."""
        if self.settings.smtp_url:
            self.notes["mails"] = "sent through SMTP_URL"
            return
        port = free_port()
        self.extra["SMTP_URL"] = f"smtp://127.0.0.1:{port}"
        folder = self.data / "mails"
        self.sandboxes.append(self.sandbox("sink", "--port", str(port), "--keep", str(folder)))
        self.notes["mails"] = f"kept in {folder} (set SMTP_URL to send them)"

    def _clock_flags(self) -> list[str]:
        if "SHUKKA_CLOCK" not in self.extra:
            return []
        rate, anchor = self.extra["SHUKKA_CLOCK_RATE"], self.extra["SHUKKA_CLOCK_ANCHOR"]
        return ["--clock", self.extra["SHUKKA_CLOCK"], "--clock-rate", rate, "--clock-anchor", anchor]

    def sandbox(self, name: str, *arguments: str, env: Mapping[str, str] | None = None, label: str = "") -> Child:
        """A process of the outside world, ``workers.sandbox.<name>``, with its journal in the data directory."""
        label = label or name
        journal = self.data / "journals" / f"{label}.jsonl"
        journal.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        argv = [sys.executable, "-m", f"workers.sandbox.{name}", "--journal", str(journal), *arguments]
        return Child(name=label, argv=argv, env={**self.environment, **(env or {})}, log=self._log(label))

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every process: ours, the engines, the clock, the sandboxes."""
        return {**os.environ, **DRAMATIQ, **self.extra}

    @property
    def url(self) -> str:
        """Where the web process answers."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def _log(self, name: str) -> Path | None:
        if not self.logs:
            return None
        folder = self.data / "log"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder / f"{name}.log"

    def children(self) -> Sequence[Child]:
        """The sandboxes first, then worker, clock and web, which end together and are rolled."""
        env = self.environment
        # Web last: while it starts the others do too, and when it is ready orders find somebody at work.
        return [
            *self.sandboxes,
            self._process("worker", WORKER, worker_argv(self.processes), env, together=True, tellers=self.processes),
            self._process("clock", CLOCK, _argv(CLOCK), env, together=True),
            self._process("web", WEB, self._web(), env, ready=self.is_ready, sockets=self._sockets()),
        ]

    def _process(self, name: str, program: str, argv: Sequence[str], env: Mapping[str, str], **how: Any) -> Child:
        """One of ours: it ends by itself in time, or says why it cannot start."""
        how |= {"tells": self.data / f"{name}.ready", "log": self._log(name)}
        return Child(name, argv, env, grace=STOP_WITHIN + 1, rolls=True, program=program, imports=[_LATER], **how)

    def _web(self) -> list[str]:
        web = _argv(WEB, "--host", self.host, "--port", self.port)
        return [*web, "--fd", str(self.listener.fileno())] if self.listener else web

    def _sockets(self) -> Sequence[int]:
        return [self.listener.fileno()] if self.listener else []

    def is_ready(self) -> bool:
        """True once ``GET /readyz`` answers 200."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False
