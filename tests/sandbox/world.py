"""Starts the processes of the simulated world, and stands in for Shukka's webhook receiver."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workers.http.signing import new_secret, verify
from workers.sandbox.http_server import Reply, Request, serving
from workers.sandbox.journal import read

SECRET = new_secret()


@dataclass
class Running:
    """One process that said it is ready."""

    process: subprocess.Popen[bytes]
    ready: Mapping[str, Any]
    journal: Path

    @property
    def port(self) -> int:
        return int(self.ready["port"])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to stop; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=10)

    def records(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in read(self.journal) if record["kind"] == kind]


@contextmanager
def running(module: str, journal: Path, *options: str, room: str = "sandbox") -> Iterator[Running]:
    """The process ``workers.<room>.<module>``, ready; ended on leaving if it still runs."""
    command = [sys.executable, "-m", f"workers.{room}.{module}", "--journal", str(journal), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield Running(process, json.loads(line), journal)
        finally:
            if process.poll() is None:
                process.kill()


@dataclass
class Receiver:
    """Takes signed events as Shukka does, and answers what the test wants."""

    statuses: list[int] = field(default_factory=list)
    """Answers of the next events; 202 when used up."""
    ids: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0
    secret: str = SECRET

    async def handle(self, request: Request) -> Reply:
        self.ids.append(verify([self.secret], request.headers, request.body, now=int(time.time())))
        self.bodies.append({"path": request.path, **request.json()})
        return Reply(self.statuses.pop(0) if self.statuses else 202)

    @property
    def types(self) -> list[str]:
        return [body["type"] for body in self.bodies]


@asynccontextmanager
async def receiving(statuses: Sequence[int] = (), secret: str = SECRET) -> AsyncIterator[Receiver]:
    """A receiver on a port of its own."""
    receiver = Receiver(list(statuses), secret=secret)
    async with serving(receiver.handle) as port:
        receiver.port = port
        yield receiver


async def eventually(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until ``holds``; fails after ``seconds``."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)
