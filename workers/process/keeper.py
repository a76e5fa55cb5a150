"""One child of the supervisor: started, watched, started again, succeeded by its next process, ended."""

from __future__ import annotations

import math
import os
import re
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from workers.process.child import Running, bury, has_ended, kill_group, last_line, launch, wait_until, why
from workers.process.fork_server import Birth, ForkServer

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
"""Seconds before a dead child is started again: the pause doubles from the first to the longest."""
PROVEN = 10.0
"""Seconds of life after which the next pause is the first one again."""
FIRST_START, LONGEST_START = 20.0, 160.0
"""Seconds in which a child that was started again has to be ready: a thread that finds no memory as it begins keeps the one waiting that
started it, for ever. They double each time they were not enough, as they may not be on a busy machine."""
REFUSAL = 2
"""The exit of a process that refuses its settings: started again it would only refuse again."""
READY_FILE = "SHUKKA_READY_FILE"
"""Names to a process the file in which it puts a byte once it is ready for work."""
_REFUSED = re.compile(r"^shukka \w+: (.+?)(?=Worker with PID|$)", re.MULTILINE)
_numbers = count(1)

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Child:
    """One process of the service and how to treat it.

    ``env`` is its whole environment, None inherits ours. ``stop_signal`` goes to the process alone (a master passes it
    on itself); after ``grace`` seconds follows SIGKILL. ``tells``: path beside which the process makes a file when it is
    ready (READY_FILE names it to the process), ``tellers`` of its processes in the same one. ``ready`` is asked, beyond that, at the
    start before the next child starts.
    ``log``: file for its output, None leaves it on ours. ``group``: its descendants are killed with it when it is dead.
    ``sockets``: descriptors that it inherits. ``rolls``: a roll gives it a successor. ``together``: it is told to end
    when the child after it is, not once that one has ended. ``program``: the module that ``argv`` runs, whose ``main()`` is all
    that it runs, so that a fork server may; ``imports``: modules that it imports later.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0
    tells: Path | None = None
    tellers: int = 1
    ready: Callable[[], bool] | None = None
    log: Path | None = None
    group: bool = True
    sockets: Sequence[int] = ()
    rolls: bool = False
    together: bool = False
    program: str | None = None
    imports: Sequence[str] = ()


def tell_ready() -> None:
    """Tell the supervisor, if one started this process, that it is ready for work."""
    if told := os.environ.get(READY_FILE):
        file = os.open(told, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, b".")
        finally:
            os.close(file)


class Process:
    """One life of a child."""

    def __init__(self, child: Child, fork_server: ForkServer | None = None) -> None:
        """Start it, by ``fork_server`` if there is one. Raises OSError where there is no memory or no process to be had."""
        self.child = child
        self._told = child.tells and child.tells.with_name(f"{child.tells.name}.{os.getpid()}.{next(_numbers)}")
        self._asked_at = 0.0
        self._has_been_ready = False
        env = child.env
        if self._told is not None:
            self._told.unlink(missing_ok=True)
            env = {**(os.environ if env is None else env), READY_FILE: str(self._told)}
        self._running = _forked(child, env, fork_server) or launch(
            child.argv, death_signal=child.stop_signal, env=env, log=child.log, sockets=child.sockets
        )
        self._started_at = time.monotonic()

    @property
    def pid(self) -> int:
        """Its process id; a roll brings another."""
        return self._running.pid

    def has_ended(self) -> bool:
        """Whether it is dead."""
        return has_ended(self._running)

    def is_ready(self) -> bool:
        """Whether it runs and says that it is ready for work."""
        return not self.has_ended() and self.has_been_ready()

    def has_been_ready(self) -> bool:
        """Whether it said once that it is ready for work, or has nothing to say it by."""
        if not self._has_been_ready:
            self._has_been_ready = self._told is None or _size(self._told) >= self.child.tellers
        return self._has_been_ready

    def has_lived(self, seconds: float) -> bool:
        """Whether it was started so long ago."""
        return time.monotonic() - self._started_at >= seconds

    def ask_to_end(self) -> None:
        """Send the signal; from now on its grace runs."""
        self._asked_at = time.monotonic()
        with suppress(ProcessLookupError):
            os.kill(self.pid, self.child.stop_signal)

    def has_ended_or_had_its_grace(self) -> bool:
        """Whether it is dead, or has been asked to be for longer than it may take."""
        return self.has_ended() or time.monotonic() >= self._asked_at + self.child.grace

    def kill(self) -> None:
        """SIGKILL, for its group too if that is to die with it."""
        if self.child.group:
            kill_group(self.pid)
        else:
            self._running.kill()

    def bury(self, report: Report) -> int:
        """Kill it if it outlived its grace, with what is left of its group; answers its return code."""
        if not self.has_ended():
            report(f"{self.child.name} did not end within {self.child.grace:g} s and is killed")
            self.kill()
        if self._told is not None:
            self._told.unlink(missing_ok=True)
        return bury(self._running, group=self.child.group)


def _size(file: Path) -> int:
    """Bytes of ``file``, none where there is no such file."""
    with suppress(FileNotFoundError):
        return file.stat().st_size
    return 0


def _forked(child: Child, env: Mapping[str, str] | None, fork_server: ForkServer | None) -> Running | None:
    """Its process, if a fork server can make it."""
    if fork_server is None or child.program is None or not fork_server.is_ready():
        return None
    birth = Birth(
        child.program,
        child.argv,
        dict(os.environ if env is None else env),
        None if child.log is None else str(child.log),
        child.sockets,
        int(child.stop_signal),
        os.getpid(),
    )
    try:
        return fork_server.fork(birth)
    except OSError:
        return None


def end_all(processes: Sequence[Process], report: Report, *, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Ask all to end, make those end that outlive their grace; ``meanwhile`` is called while they are waited for."""
    for process in processes:
        process.ask_to_end()

    def all_ended() -> bool:
        meanwhile()
        return all(one.has_ended_or_had_its_grace() for one in processes)

    wait_until(all_ended, patience=max((one.child.grace for one in processes), default=0.0) + 1)
    for process in processes:
        process.bury(report)


class Keeper:
    """Keeps one Child running: starts it, notices its death and that it does not get ready, starts it again after a pause."""

    def __init__(self, child: Child, report: Report, again_within: float = FIRST_START) -> None:
        """``again_within``: seconds in which the child has to be ready when it was started again."""
        self.child = child
        self.last_end = ""
        self.refused = False
        #: Who starts its processes, while somebody does.
        self.fork_server: ForkServer | None = None
        self._report = report
        self._process: Process | None = None
        self._not_before = 0.0
        self._pause = FIRST_PAUSE
        self._again_within = again_within
        self._start_within = math.inf  # the supervisor watches the first start

    @property
    def pid(self) -> int | None:
        """The process id, None while it does not run."""
        return self._process.pid if self._process else None

    def check(self) -> None:
        """Start the child if it does not run and its pause is over; kill one that does not get ready. Never waits for it."""
        if self._process is not None:
            self._watch_start(self._process)
        if self._process is not None and self._process.has_ended():
            self._note_death(self._process)
        if self._process is None and time.monotonic() >= self._not_before:
            self._process = self.start()

    def is_ready(self) -> bool:
        """True if the child runs and says that it serves."""
        return self._process is not None and self._process.is_ready() and (not self.child.ready or self.child.ready())

    def start(self) -> Process | None:
        """One more process of the child; None, and a later moment for the next try, where the system has none."""
        try:
            return Process(self.child, self.fork_server)
        except OSError as fault:  # no memory or no process to be had: as passing as a death
            self._postpone(f"cannot be started ({fault.strerror})")
            return None

    def replace(self, successor: Process | None = None) -> Process | None:
        """Keep ``successor``, or nothing, from now on; the process that was kept before."""
        process, self._process = self._process, successor
        return process

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

    def _watch_start(self, process: Process) -> None:
        if process.has_been_ready():
            self._start_within = self._again_within
        elif process.has_lived(self._start_within) and not process.has_ended():
            self._report(f"{self.child.name} was not ready within {self._start_within:g} s and is killed")
            self._start_within = min(self._start_within * 2, LONGEST_START)
            process.kill()
            wait_until(process.has_ended, patience=1.0)

    def _note_death(self, process: Process) -> None:
        """Orphans of a killed master would take work beside its successor: its group goes before it comes back."""
        self._process = None
        returncode = process.bury(self._report)
        self.refused = returncode == REFUSAL
        if process.has_lived(PROVEN):
            self._pause = FIRST_PAUSE
        said = f": {self.said()}" if self.refused and self.said() else ""
        self._postpone(f"died ({why(returncode)}{said})")

    def _postpone(self, what: str) -> None:
        self.last_end = what
        self._not_before = time.monotonic() + self._pause
        self._report(f"{self.child.name} {what}; starting it again in {self._pause:g} s")
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
