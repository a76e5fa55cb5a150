"""What both engines share: start as a direct child, notice death, start again with back-off, end for certain."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

from pipelines.errors import Misconfigured, ShukkaError
from workers.process.child import end, has_ended, last_line, launch, runs, wait_until, why
from workers.process.engines.binaries import engine_environment
from workers.process.engines.directory import DataDirectory

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
"""Seconds between attempts to start a dead engine: the pause doubles from the first to the longest."""

PASSING_FAULT = 60.0
"""Seconds after which even a fault that should end by itself is taken for lasting."""


class StoppedStarting(ShukkaError):
    """We were told to end before all engines answered."""


Report = Callable[[str], None]
"""Told one line for an operator when something happened; no personal data."""

_DISK_FULL = "the disk is full: free some space or set SHUKKA_DATA to a directory on another disk"
# What an engine says when the machine, not the engine, is at fault: (words in its log, the way out).
_KNOWN_FAULTS = (
    ("No space left on device", _DISK_FULL),
    ("Check free disk space", _DISK_FULL),  # PostgreSQL's hint where only a part of a page was written
    ("Cannot allocate memory", "there is not enough memory: PostgreSQL asks for 256 MB of shared memory"),
    ("Too many open files", "too few open files are allowed: raise ulimit -n"),
    ("Permission denied", "its files are closed to the user it runs as: give them back, or set SHUKKA_DATA elsewhere"),
)


class Engine(ABC):
    """One engine in one data directory. Not thread-safe: EmbeddedEngines holds a lock around every call."""

    name: str
    program: Path
    stopping: Sequence[tuple[signal.Signals, float]]
    """Signals and the seconds each is given, gentlest first."""

    def __init__(self, directory: DataDirectory, report: Report) -> None:
        self.directory = directory
        self.report = report
        self.home = directory.root / self.name
        self.log = directory.log / f"{self.name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._is_ready = False
        self._not_before = 0.0
        self._pause = FIRST_PAUSE
        self._was_down = False
        self._first_start = 0.0
        self._log_start = 0

    @abstractmethod
    def argv(self) -> list[str]:
        """The command line; ``identity`` is one word of it."""

    @abstractmethod
    def prepare(self) -> None:
        """Check the program and bring the files to where the engine can start. Raises Misconfigured."""

    @abstractmethod
    def recorded_pid(self) -> int | None:
        """The pid that the engine's own pid file names, right or wrong."""

    @abstractmethod
    def forget_pid(self) -> None:
        """Drop a pid file that names a process which is not this engine."""

    @abstractmethod
    def answers(self) -> bool:
        """True once the running engine serves requests. Never blocks for long."""

    @property
    def identity(self) -> str:
        """The word of the command line that tells this engine from the same program elsewhere."""
        return str(self.home)

    @abstractmethod
    def clear_leftovers(self) -> None:
        """End what a dead engine left running; called before each start."""

    @abstractmethod
    def is_passing(self, said: str) -> bool:
        """True if the engine died of something that ends by itself, so that trying again is right."""

    def stop_orphan(self) -> None:
        """End an engine that an earlier supervisor left alive on this directory (we hold the lock: it is nobody's)."""
        pid = self.recorded_pid()
        if pid is None:
            return
        if not self._is_me(pid):
            self.forget_pid()
            return
        self.report(f"{self.name} (process {pid}) was left over by a supervisor that died: stopping it first")
        if not end(pid, self.stopping, gone=lambda: not self._is_me(pid)):
            raise Misconfigured(str(self.home), f"is held by process {pid}, which does not end: stop it by hand")

    def ensure(self) -> None:
        """Start the engine if it is dead and its pause is over; cheap when all is well. Never waits."""
        if self.process is not None and not has_ended(self.process):
            if not self._is_ready and self.answers():
                self._note_ready()
            return
        if self.process is not None:
            self._note_death(self.process)
        if time.monotonic() >= self._not_before:
            try:
                self._spawn()
            except OSError as fault:  # no process, descriptor or space to be had now
                self._postpone()
                self.report(f"{self.name} cannot be started ({fault.strerror})")

    def is_ready(self) -> bool:
        """True if the engine answered since its last start."""
        return self._is_ready

    def check_start(self) -> None:
        """While starting: raise Misconfigured if the engine died of something that trying again will not heal."""
        is_late = self._first_start > 0 and time.monotonic() > self._first_start + PASSING_FAULT
        if self.process is None and is_late:
            raise self.fault("", "no process to be had")
        if self.process is None or not has_ended(self.process):
            return
        returncode = self.process.wait()
        said = self._said()
        if is_late or not self.is_passing(said):
            raise self.fault(said, f"ended with {why(returncode)}")

    def fault(self, said: str, otherwise: str) -> Misconfigured:
        """The reason and the way out, from what a failed engine said."""
        for words, way_out in _KNOWN_FAULTS:
            if words in said:
                return Misconfigured(str(self.home), way_out)
        telling = [line for line in said.splitlines() if "FATAL" in line or "PANIC" in line or "rror" in line]
        line = last_line("\n".join(telling) or said) or otherwise
        return Misconfigured(str(self.home), f"{self.name} does not start ({line}): see {self.log}")

    def stop(self) -> None:
        """End the engine and wait until it is gone; nothing happens if it does not run."""
        process, self.process, self._is_ready = self.process, None, False
        if process is None:
            return
        if not end(process.pid, self.stopping, gone=lambda: has_ended(process)):
            self.report(f"{self.name} (process {process.pid}) does not end")
            return
        process.wait()

    def _spawn(self) -> None:
        self.clear_leftovers()
        self._first_start = self._first_start or time.monotonic()
        self._is_ready = False
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        self.process = launch(
            self.argv(),
            death_signal=self.stopping[0][0],
            account=self.directory.account,
            env=engine_environment(),
            cwd=Path("/"),
            log=self.log,
        )
        if self.log.stat().st_size < self._log_start:  # it was set aside
            self._log_start = 0

    def _postpone(self) -> None:
        self._not_before = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def _note_ready(self) -> None:
        if self._was_down:
            self.report(f"{self.name} answers again")
        self._is_ready, self._was_down, self._pause = True, False, FIRST_PAUSE

    def _note_death(self, process: subprocess.Popen[bytes]) -> None:
        returncode = process.wait()
        self.process, was_ready, self._is_ready, self._was_down = None, self._is_ready, False, True
        if not was_ready:  # after a good life at once
            self._postpone()
        said = "" if was_ready else last_line(self._said())
        self.report(f"{self.name} died ({why(returncode)}){': ' + said if said else ''}; starting it again")

    def _said(self) -> str:
        try:
            with self.log.open("rb") as log:
                log.seek(self._log_start)
                return log.read(65536).decode(errors="replace")
        except OSError:
            return ""

    def _is_me(self, pid: int) -> bool:
        return runs(pid, self.program.name, self.identity)


def wait_ready(engines: Sequence[Engine], *, patience: float, stop: threading.Event) -> None:
    """Drive the engines until all answer. Raises Misconfigured if one cannot start, or not in ``patience`` seconds, and
    StoppedStarting once ``stop`` is set."""

    def all_ready() -> bool:
        if stop.is_set():
            raise StoppedStarting
        for engine in engines:
            engine.check_start()
            engine.ensure()
        return all(engine.is_ready() for engine in engines)

    if not wait_until(all_ready, patience=patience, pause=0.005):
        slow = ", ".join(engine.name for engine in engines if not engine.is_ready())
        raise Misconfigured(slow, f"does not answer after {patience:.0f} s: see the logs in {engines[0].log.parent}")
