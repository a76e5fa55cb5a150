"""The supervisor: the service's processes and the embedded engines, kept alive, rolled, and ended without a trace."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from pipelines.errors import Misconfigured, Unreachable
from workers.process.child import wait_until
from workers.process.fork_server import ForkServer
from workers.process.keeper import FIRST_START, Child, Keeper, Process, Report, end_all
from workers.process.waking import Waking

_TICK = 0.1
_WHILE_ALL_RUN = 1.0
"""Seconds between two looks, unless a signal tells of something: while one is to be started again, and while all run."""
#: Processes for which a fork server pays.
_SHARING = 2


class Engines(Protocol):
    """What the supervisor asks of the embedded engines."""

    def ensure(self) -> None:
        """Start again what died; cheap, never waits."""
        ...


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
        again_within: float = FIRST_START,
        fork_server: ForkServer | None = None,
    ) -> None:
        """``fork_server`` serves until the first roll, or the end. ``again_within``: seconds in which a child that was started again
        after a death has to be ready; it is killed then, and has twice as long next."""
        self._given = fork_server
        self._fork_server: ForkServer | None = None
        self._keepers = [Keeper(child, report, again_within) for child in children]
        self._engines = engines
        self._report = report
        self._start_within = start_within

    def run_until(
        self,
        stop: threading.Event,
        on_ready: Callable[[], None] | None = None,
        roll: threading.Event | None = None,
        before_roll: Callable[[], bool] = lambda: True,
    ) -> None:
        """Start all, call ``on_ready``, keep all alive until ``stop`` is set, then stop all in reverse order.

        Whenever ``roll`` is set, it is cleared and all that rolls is rolled, unless ``before_roll`` says no.
        Raises Misconfigured with its own words if a child refuses its settings before all are ready, and Unreachable if
        one is not ready within ``start_within`` seconds of its start; nothing is left then.
        """
        try:
            self._share(stop)
            self._start(stop)
            if on_ready and not stop.is_set():
                on_ready()
            with Waking() as waking:
                while not stop.is_set():
                    self.check()
                    if roll is not None and roll.is_set():
                        roll.clear()
                        if before_roll():
                            self.roll(stop)
                    waking.sleep(_WHILE_ALL_RUN if all(keeper.pid for keeper in self._keepers) else _TICK)
        finally:
            self.stop()

    def stop(self) -> None:
        """Stop the children, last one first. Does nothing for those that do not run."""
        for keepers in self._endings():
            end_all([process for keeper in keepers if (process := keeper.replace())], self._report)
        self._end_fork_server()

    def roll(self, stop: threading.Event) -> bool:
        """Replace the process of every child that rolls, one child after the other: the next is ready before the one before
        is told to end. True if all were; a successor that does not get ready is ended, and all stays as it is from there on.
        """
        self._share(stop)
        for keeper in self._keepers:
            if keeper.child.rolls and not self._succeed(keeper, stop):
                return False
        self._report(f"rolled: {', '.join(keeper.child.name for keeper in self._keepers if keeper.child.rolls)}")
        return True

    def pids(self) -> dict[str, int]:
        """The running children's process ids by name."""
        return {keeper.child.name: keeper.pid for keeper in self._keepers if keeper.pid is not None}

    def check(self) -> None:
        """Look after the engines and every child once: what does not run and may, is started. Never waits for it."""
        self._check(self._keepers)

    def _share(self, stop: threading.Event) -> None:
        """From now on a new fork server, with the code that is installed now, forks those children that it can; where there is none they
        start by themselves."""
        self._end_fork_server()
        shared = [keeper for keeper in self._keepers if keeper.child.program is not None]
        fork_server = self._given or _fork_server([keeper.child for keeper in shared])
        self._given, self._fork_server = None, fork_server
        if fork_server is None:
            return

        def over() -> bool:
            self._check([])
            return stop.is_set() or fork_server.has_ended() or fork_server.is_ready()

        wait_until(over, patience=self._start_within, pause=0.02)
        for keeper in shared:
            keeper.fork_server = fork_server

    def _end_fork_server(self) -> None:
        for keeper in self._keepers:
            keeper.fork_server = None
        if self._fork_server is not None:
            self._fork_server.end()

    def _start(self, stop: threading.Event) -> None:
        for number, keeper in enumerate(self._keepers):
            started = self._keepers[: number + 1]

            def ready_or_stopped(keeper: Keeper = keeper, started: Sequence[Keeper] = started) -> bool:
                self._check(started)
                _refuse(started)
                return stop.is_set() or keeper.is_ready()

            if not wait_until(ready_or_stopped, patience=self._start_within, pause=0.02):
                raise Unreachable(_not_ready(keeper, self._start_within))
            if stop.is_set():
                return

    def _succeed(self, keeper: Keeper, stop: threading.Event) -> bool:
        """Start the child's next process beside the one there is, and end the latter once the former is ready."""
        successor = keeper.start()
        if successor is None:
            return False
        if not self._gets_ready(successor, stop):
            ended = successor.has_ended()
            end_all([successor], self._report, meanwhile=self.check)
            if not stop.is_set():
                what = "ended" if ended else f"was not ready within {self._start_within:g} s"
                said = f": {keeper.said()}" if keeper.said() else ""
                self._report(f"{keeper.child.name} is not rolled: its successor {what}{said}")
            return False
        if before := keeper.replace(successor):
            end_all([before], self._report, meanwhile=self.check)
        return True

    def _gets_ready(self, successor: Process, stop: threading.Event) -> bool:
        def over() -> bool:
            self.check()
            return stop.is_set() or successor.has_ended() or successor.is_ready()

        return wait_until(over, patience=self._start_within, pause=0.02) and successor.is_ready() and not stop.is_set()

    def _endings(self) -> Iterator[list[Keeper]]:
        """The keepers, last ones first, those that end together in one list."""
        together: list[Keeper] = []
        for keeper in reversed(self._keepers):
            if together and not keeper.child.together:
                yield together
                together = []
            together.append(keeper)
        yield together

    def _check(self, keepers: Sequence[Keeper]) -> None:
        if self._engines is not None:
            self._engines.ensure()
        for keeper in keepers:
            keeper.check()


def _fork_server(children: Sequence[Child]) -> ForkServer | None:
    """One for ``children``; None where there is nothing to share, or no way."""
    if len(children) < _SHARING or sys.platform != "linux":
        return None
    modules = [module for child in children for module in (child.program, *child.imports) if module is not None]
    sockets = [socket for child in children for socket in child.sockets]
    try:
        return ForkServer.launched(modules, children[0].env, sockets)
    except OSError:
        return None


def _refuse(keepers: Sequence[Keeper]) -> None:
    """Raise Misconfigured for the first child that refused its settings."""
    for keeper in keepers:
        if keeper.refused:
            raise Misconfigured(keeper.child.name, keeper.said() or "refused its settings")


def _not_ready(keeper: Keeper, patience: float) -> str:
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


def roll_on_hang_up(stop: threading.Event) -> threading.Event:
    """An event that SIGHUP sets from now on; ``stop`` instead, where it says that our terminal is gone. Main thread only."""
    roll = threading.Event()
    had_terminal = _has_terminal()

    def set_roll(_number: int, _frame: object) -> None:
        (stop if had_terminal and not _has_terminal() else roll).set()

    signal.signal(signal.SIGHUP, set_roll)
    return roll


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
