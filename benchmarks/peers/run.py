"""What both paths share: a contender's run, its own engines, its processes and what they cost."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, TextIO

from sqlalchemy import Engine, text

from benchmarks.descendants import tree
from benchmarks.peers.job import SHOP, SUPPLIERS, differences
from benchmarks.peers.place import House, Place
from benchmarks.peers.tally import OURS, Books, tally
from benchmarks.processor import seconds_by_part
from models.database import OPERATOR, connect
from models.migrations import upgrade
from workers.enrolment import create_client
from workers.process.embedded import EmbeddedEngines

PATIENCE: Final = 900.0
"""Seconds in which the last order must rest."""


class Run(NamedTuple):
    """One contender's run: orders, seconds, processor seconds by part, and what it left undone."""

    orders: int
    seconds: float
    costs: Mapping[str, float]
    faults: Sequence[str]

    @property
    def rate(self) -> float:
        """Orders a second."""
        return self.orders / self.seconds

    @property
    def milliseconds(self) -> float:
        """Processor milliseconds an order, of its processes, PostgreSQL and Valkey."""
        return 1000 * sum(self.costs.values()) / self.orders


class Ground(NamedTuple):
    """The engines a contender has to itself, with Shukka's tables and suppliers."""

    folder: Path
    place: Place
    engine: Engine
    engines: EmbeddedEngines
    secrets: Mapping[str, str]
    books: Books = OURS

    def resting(self, which: str) -> int:
        """How many of the orders whose numbers begin with ``which`` are done."""
        with self.engine.connect() as connection:
            return int(connection.execute(text(self.books.done), {"which": f"{which}-%"}).scalar_one())

    def ids(self, which: str) -> list[int]:
        """Their ids."""
        with self.engine.connect() as connection:
            return list(connection.execute(text(self.books.ids), {"which": f"{which}-%"}).scalars())

    def until(self, is_over: Callable[[], bool], processes: Collection[subprocess.Popen[str]] = ()) -> None:
        """Wait. Raises TimeoutError, or RuntimeError where one of the ``processes`` ended."""
        until = time.monotonic() + PATIENCE
        while not is_over():
            if time.monotonic() > until:
                raise TimeoutError("the orders do not come to rest")
            for process in processes:
                if process.poll() is not None:
                    raise RuntimeError(f"{process.args!r} ended")
            time.sleep(0.05)

    def clocked(
        self,
        pids: Sequence[int],
        documents: Sequence[Mapping[str, Any]],
        house: House,
        go: Callable[[], object],
        is_over: Callable[[], bool],
        processes: Collection[subprocess.Popen[str]] = (),
    ) -> Run:
        """Start the clock, ``go``, and stop it when the last order rests; what the processes ``pids`` and all their children cost."""
        parts = {"processes": list(pids), **{name: [pid] for name, pid in self.engines.pids().items()}}
        before, began = seconds_by_part(parts), time.perf_counter()
        go()
        self.until(is_over, processes)
        seconds, after = time.perf_counter() - began, seconds_by_part(parts)
        with self.engine.connect() as connection:
            faults = list(differences(documents, house.shops[SHOP], tally(connection, self.books)))
        return Run(len(documents), seconds, {part: after[part] - before[part] for part in parts}, faults)


@contextmanager
def ground(suppliers: str = "http://127.0.0.1:1/") -> Iterator[Ground]:
    """Engines made for one run, and thrown away after it; ``suppliers``: where they listen, if they do."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="shukka-peers-"))
        Path(folder).chmod(0o711)
        engines = EmbeddedEngines(Path(folder) / "data")
        urls = stack.enter_context(engines)
        engine = connect(urls.database_url or "", OPERATOR)
        stack.callback(engine.dispose)
        upgrade(engine)
        made = {name: create_client(engine, "supplier", name, known_shops=(), url=suppliers) for name in SUPPLIERS}
        place = Place(urls.database_url or "", urls.redis_url or "", str(time.time()))
        yield Ground(Path(folder), place, engine, engines, {name: one.webhook_secret for name, one in made.items()})


def _log() -> TextIO:
    """build/peers.log, to write on."""
    place = Path("build/peers.log")
    place.parent.mkdir(exist_ok=True)
    return place.open("a")


@contextmanager
def process(
    argv: Sequence[str], place: Place, *, is_asked: bool = False, **settings: str
) -> Iterator[subprocess.Popen[str]]:
    """A process that is told of its ``place``, and ended with all its children; what it says of itself goes to build/peers.log.

    ``is_asked``: whether it is written to and read from.
    """
    pipe = subprocess.PIPE if is_asked else None
    with _log() as log:
        environment = {**os.environ, **place.environment(), **settings}
        started = subprocess.Popen(argv, env=environment, stdin=pipe, stdout=pipe or log, stderr=log, text=True)
        try:
            yield started
        finally:
            children = tree(started.pid)
            started.terminate()
            try:
                started.wait(20)
            except subprocess.TimeoutExpired:
                for pid in reversed(children):
                    os.kill(pid, 9)
                started.wait()


def prepared(commands: Sequence[Sequence[str]], place: Place) -> None:
    """Run each to its end. Raises CalledProcessError."""
    for argv in commands:
        with _log() as log:
            subprocess.run(argv, env={**os.environ, **place.environment()}, check=True, stdout=log, stderr=log)


def said(door: subprocess.Popen[str], word: str) -> None:
    """Wait for a line of ``door``. Raises RuntimeError for another than ``word``."""
    assert door.stdout is not None
    if (line := door.stdout.readline().strip()) != word:
        raise RuntimeError(f"{door.args!r} said {line!r} and not {word!r}; see build/peers.log")
