"""The supervisor: the service's processes and the embedded engines, kept alive, and ended without a trace."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipelines.errors import Misconfigured, Unreachable
from workers.process.child import bury, end, has_ended, kill_group, last_line, launch, wait_until, why

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
"""Seconds before a dead child is started again: the pause doubles from the first to the longest."""
PROVEN = 10.0
"""Seconds of life after which the next pause is the first one again."""
REFUSAL = 2
"""The exit of a process that refuses its settings: started again it would only refuse again."""
_TICK = 0.1
_REFUSED = re.compile(r"^shukka \w+: (.+?)(?=Worker with PID|$)", re.MULTILINE)

Report = Callable[[str], None]


class Engines(Protocol):
    """What the supervisor asks of the embedded engines."""

    def ensure(self) -> None:
        """Start again what died; cheap, never waits."""
        ...


@dataclass(frozen=True, slots=True)
class Child:
    """One process of the service and how to treat it.

    ``env`` is its whole environment, None inherits ours. ``stop_signal`` goes to the process alone (a master passes it
    on itself); after ``grace`` seconds follows SIGKILL. ``ready`` is asked at the start before the next child starts.
    ``log``: file for its output, None leaves it on ours. ``group``: its descendants are killed with it when it is dead.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0
    ready: Callable[[], bool] | None = None
    log: Path | None = None
    group: bool = True


class _Keeper:
    """Keeps one Child running: starts it, notices its death, starts it again after a pause."""

    def __init__(self, child: Child, report: Report) -> None:
        self.child = child
        self.last_end = ""
        self._report = report
        self.refused = False
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._not_before = 0.0
        self._pause = FIRST_PAUSE

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def check(self) -> None:
        """Start the child if it does not run and its pause is over. Never waits for it."""
        if self._process is not None and has_ended(self._process):
            self._note_death(self._process)
        if self._process is None and time.monotonic() >= self._not_before:
            self._start()

    def is_ready(self) -> bool:
        """True if the child runs and says that it serves."""
        return (
            self._process is not None and not has_ended(self._process) and (not self.child.ready or self.child.ready())
        )

    def stop(self) -> None:
        """Ask the child to end, make it end after its grace, and kill what is left of its group."""
        process, self._process = self._process, None
        if process is None:
            return
        if not end(process.pid, [(self.child.stop_signal, self.child.grace)], gone=lambda: has_ended(process)):
            self._report(f"{self.child.name} did not end within {self.child.grace:g} s and is killed")
            if self.child.group:
                kill_group(process.pid)
            else:
                process.kill()
        bury(process, group=self.child.group)

    def said(self) -> str:
        """The last line of its log, or ''."""
        if self.child.log is None or not self.child.log.exists():
            return ""
        with self.child.log.open("rb") as log:
            log.seek(max(0, self.child.log.stat().st_size - 4096))
            text = log.read().decode(errors="replace")
        # A master may write on behind what its worker said last.
        refusals = _REFUSED.findall(text)
        return refusals[-1] if self.refused and refusals else last_line(text)

    def _start(self) -> None:
        child = self.child
        try:
            self._process = launch(child.argv, death_signal=child.stop_signal, env=child.env, log=child.log)
        except OSError as fault:  # no memory or no process to be had: as passing as a death
            self._postpone(f"cannot be started ({fault.strerror})")
        self._started_at = time.monotonic()

    def _note_death(self, process: subprocess.Popen[bytes]) -> None:
        """Orphans of a killed master would take work beside its successor: its group goes before it comes back."""
        self._process = None
        returncode = bury(process, group=self.child.group)
        self.refused = returncode == REFUSAL
        if time.monotonic() - self._started_at >= PROVEN:
            self._pause = FIRST_PAUSE
        said = f": {self.said()}" if self.refused and self.said() else ""
        self._postpone(f"died ({why(returncode)}{said})")

    def _postpone(self, what: str) -> None:
        self.last_end = what
        self._not_before = time.monotonic() + self._pause
        self._report(f"{self.child.name} {what}; starting it again in {self._pause:g} s")
        self._pause = min(self._pause * 2, LONGEST_PAUSE)


def print_line(line: str) -> None:
    """The default Report: one line on standard error."""
    print(line, file=sys.stderr, flush=True)


class Supervisor:
    """Runs ``children`` in their order, each in its own session, so that a Ctrl-C reaches only the supervisor.

    A child that dies is started again with back-off and one line that says why. ``engines`` is looked after in the same
    loop but neither started nor stopped: it must live longer than the children.
    """

    def __init__(
        self,
        children: Sequence[Child],
        engines: Engines | None = None,
        *,
        report: Report = print_line,
        start_within: float = 60.0,
    ) -> None:
        self._keepers = [_Keeper(child, report) for child in children]
        self._engines = engines
        self._start_within = start_within

    def run_until(self, stop: threading.Event, on_ready: Callable[[], None] | None = None) -> None:
        """Start all, call ``on_ready``, keep all alive until ``stop`` is set, then stop all in reverse order.

        Raises Misconfigured with its own words if a child refuses its settings before all are ready, and Unreachable if
        one is not ready within ``start_within`` seconds of its start; nothing is left then.
        """
        try:
            self._start(stop)
            if on_ready and not stop.is_set():
                on_ready()
            while not stop.is_set():
                self.check()
                # Not stop.wait(): it holds the lock that a signal handler, in this very thread, needs to set the event.
                time.sleep(_TICK)
        finally:
            self.stop()

    def stop(self) -> None:
        """Stop the children, last one first. Does nothing for those that do not run."""
        for keeper in reversed(self._keepers):
            keeper.stop()

    def pids(self) -> dict[str, int]:
        """The running children's process ids by name."""
        return {keeper.child.name: keeper.pid for keeper in self._keepers if keeper.pid is not None}

    def check(self) -> None:
        """Look after the engines and every child once: what does not run and may, is started. Never waits for it."""
        self._check(self._keepers)

    def _start(self, stop: threading.Event) -> None:
        for number, keeper in enumerate(self._keepers):
            started = self._keepers[: number + 1]

            def ready_or_stopped(keeper: _Keeper = keeper, started: Sequence[_Keeper] = started) -> bool:
                self._check(started)
                _refuse(started)
                return stop.is_set() or keeper.is_ready()

            if not wait_until(ready_or_stopped, patience=self._start_within, pause=0.02):
                raise Unreachable(_not_ready(keeper, self._start_within))
            if stop.is_set():
                return

    def _check(self, keepers: Sequence[_Keeper]) -> None:
        if self._engines is not None:
            self._engines.ensure()
        for keeper in keepers:
            keeper.check()


def _refuse(keepers: Sequence[_Keeper]) -> None:
    """Raise Misconfigured for the first child that refused its settings."""
    for keeper in keepers:
        if keeper.refused:
            raise Misconfigured(keeper.child.name, keeper.said() or "refused its settings")


def _not_ready(keeper: _Keeper, patience: float) -> str:
    """One sentence: which child, what happened to it, what it said last, where to read on."""
    child = keeper.child
    sentence = f"{child.name} was not ready within {patience:g} s"
    if keeper.last_end:
        sentence += f", it {keeper.last_end}"
    if child.log is not None and child.log.exists():
        sentence += f": {keeper.said()} (see {child.log})" if keeper.said() else f": see {child.log}"
    return sentence


def stop_on_signals() -> threading.Event:
    """An event that SIGINT (Ctrl-C) and SIGTERM set from now on. Main thread only."""
    stop = threading.Event()

    def set_stop(_number: int, _frame: object) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, set_stop)
    return stop
