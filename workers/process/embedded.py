"""The embedded engines: a PostgreSQL and a Valkey of our own, as direct children, for a machine that has neither."""

from __future__ import annotations

import socket
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from workers.process.engines import postgres as postgres_engine
from workers.process.engines import valkey as valkey_engine
from workers.process.engines.binaries import Binaries, installed_binaries, reachable
from workers.process.engines.directory import DataDirectory, default_data_dir, engine_account
from workers.process.engines.engine import Engine, Report, wait_ready
from workers.process.engines.postgres import Postgres
from workers.process.engines.valkey import Valkey

__all__ = ["EmbeddedEngines", "Urls", "default_data_dir", "running_engines"]

LONGEST_START = 600.0
"""Seconds: after a crash PostgreSQL first replays up to 2 GB of its log."""


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the engines listen; None for one that was not asked for.

    ``database_url`` is SQLAlchemy's (``postgresql+psycopg://``), ``redis_url`` redis-py's (``unix://``).
    """

    database_url: str | None
    redis_url: str | None


def running_engines(data: Path) -> Urls:
    """The engines that another process of ours keeps running in ``data``, for a command beside ``shukka up``.

    Raises Misconfigured only if nobody could run engines here at all.
    """
    run = DataDirectory(data, engine_account()).run
    return Urls(
        postgres_engine.url(run) if _listens(postgres_engine.socket_path(run)) else None,
        valkey_engine.url(run) if _listens(valkey_engine.socket_path(run)) else None,
    )


def _listens(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(1)
            line.connect(str(path))
    except OSError:
        return False
    return True


def print_line(line: str) -> None:
    """The default Report: one line on standard error."""
    print(line, file=sys.stderr, flush=True)


class EmbeddedEngines:
    """Both engines (or one) in the directory ``data``, which they keep between runs.

    They end when this process ends, however it ends; where the system cannot arrange that (it is not Linux), the next
    start finds and stops them. Use as a context manager, or ``start`` and ``stop``; ``ensure`` from any thread.
    """

    def __init__(
        self,
        data: Path,
        postgres: bool = True,
        valkey: bool = True,
        *,
        report: Report = print_line,
        binaries: Binaries | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        """Once ``stop`` is set, a start that is under way is given up: after a crash it may take minutes."""
        self.data = data
        self._wanted = (postgres, valkey)
        self._report = report
        self._binaries = binaries
        self._stop = stop or threading.Event()
        self._directory: DataDirectory | None = None
        self._engines: list[Engine] = []
        self._lock = threading.RLock()

    def start(self) -> Urls:
        """Start what was asked for and answer once it serves; the first time this makes the cluster.

        Raises Misconfigured (the path or wheel at fault and the way out) if the directory is in use or unusable, was
        made by another PostgreSQL, or a program does not run, and StoppedStarting where we are to end meanwhile; nothing is left
        running then.
        """
        with self._lock:
            try:
                return self._start()
            except BaseException:
                self.stop()
                raise

    def _start(self) -> Urls:
        postgres_wanted, valkey_wanted = self._wanted
        binaries = self._binaries or installed_binaries(postgres=postgres_wanted, valkey=valkey_wanted)
        self._directory = directory = DataDirectory(self.data, engine_account())
        directory.open()
        binaries = reachable(binaries, directory)
        postgres = Postgres(directory, binaries.postgres, self._report) if binaries.postgres else None
        valkey = Valkey(directory, binaries.valkey, self._report) if binaries.valkey else None
        self._engines = [engine for engine in (postgres, valkey) if engine is not None]
        for engine in self._engines:
            engine.stop_orphan()
        directory.fresh_run()
        for engine in self._engines:
            engine.prepare()
        wait_ready(self._engines, patience=LONGEST_START, stop=self._stop)
        if postgres:
            postgres.create_database()
        return Urls(
            postgres_engine.url(directory.run) if postgres else None,
            valkey_engine.url(directory.run) if valkey else None,
        )

    def ensure(self) -> None:
        """Start again what died. Cheap and never waits, so call it often; each death is reported in one line."""
        with self._lock:
            for engine in self._engines:
                engine.ensure()

    def pids(self) -> dict[str, int]:
        """The running engines' process ids by name."""
        with self._lock:
            return {engine.name: engine.process.pid for engine in self._engines if engine.process}

    def stop(self) -> None:
        """End the engines, PostgreSQL last, and leave nothing but the data. Does nothing if nothing runs."""
        with self._lock:
            for engine in reversed(self._engines):
                engine.stop()
            self._engines = []
            if self._directory is not None:
                self._directory.close()
                self._directory = None

    def __enter__(self) -> Urls:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
