"""The fork server: a process that has imported what the service's processes run, and forks them.

They share the memory of it, and start in a moment. A process that it forked is the supervisor's own child: it is forked twice, and
whoever is left without a parent goes to the supervisor while that is a subreaper (``prctl(2)``). So whatever befalls the fork server
befalls nobody else; from then on processes start by themselves. Linux only.

Run as ``python -m workers.process.fork_server DESCRIPTOR MODULE...`` where it has to have the code that is installed now.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, NoReturn, Self

from setproctitle import setproctitle

from workers.process.child import Adopted, Running, bury, has_ended, launch, open_log, wait_until
from workers.process.launch import die_with

_PR_SET_CHILD_SUBREAPER: Final = 36
#: Seconds that a fork may take, and that the forked process waits for its parent.
_PATIENCE: Final = 10.0
_RATHER_OFTEN: Final = 0.001
_READY: Final = b"\n"
_STANDARD: Final = 3
"""Descriptors below are input, output and errors."""


@dataclass(frozen=True, slots=True)
class Birth:
    """A process to be, as ``argv`` (``python -m MODULE ARGUMENT...``) would be: ``main()`` of ``module``; ``env`` is its whole environment.

    It writes to ``log``, or where we write; it gets ``death_signal`` when we end; of open descriptors it has ``sockets``.
    """

    module: str
    argv: Sequence[str]
    env: Mapping[str, str]
    log: str | None
    sockets: Sequence[int]
    death_signal: int
    parent: int


class ForkServer:
    """What the supervisor holds of a fork server."""

    def __init__(self, running: Running, control: socket.socket) -> None:
        self._running = running
        self._control = control
        self._is_ready = False
        self._is_over = False

    @classmethod
    def launched(cls, modules: Sequence[str], env: Mapping[str, str] | None, sockets: Sequence[int]) -> Self:
        """One that imports ``modules`` as they are installed now. Raises OSError if none can be started."""
        ours, theirs = socket.socketpair()
        with theirs:
            argv = [sys.executable, "-m", __spec__.name, str(theirs.fileno()), *modules]
            running = launch(argv, death_signal=signal.SIGKILL, env=env, sockets=[theirs.fileno(), *sockets])
        return cls(running, ours)

    @classmethod
    def forked(cls, modules: Sequence[str], env: Mapping[str, str]) -> Self | None:
        """One that shares our memory too, with ``modules`` in it; None where we have threads, whose locks nobody would open in it.
        ``env`` is added to our environment, as modules read it when they are imported. Raises OSError if none can be started."""
        if threading.active_count() > 1:
            return None
        ours, theirs = socket.socketpair()
        parent = os.getpid()

        def begin() -> None:
            os.setsid()
            _die_with(parent, signal.SIGKILL)
            ours.close()
            _serve(theirs)

        os.environ.update(env)
        _import(modules)  # here, not there: what is imported once two share a page is written into a copy of it
        process = get_context("fork").Process(target=begin)
        process.start()
        theirs.close()
        assert process.pid is not None
        return cls(Adopted(process.pid), ours)

    def is_ready(self) -> bool:
        """Whether it has imported all and forks at once."""
        if not self._is_ready and not self._is_over:
            with contextlib.suppress(BlockingIOError):
                self._is_ready = self._control.recv(1, socket.MSG_DONTWAIT) == _READY
        return self._is_ready and not self._is_over

    def has_ended(self) -> bool:
        """Whether it is dead, and forks nobody."""
        return self._is_over or has_ended(self._running)

    def fork(self, birth: Birth) -> Running:
        """The process of ``birth``. Raises OSError if there is none, and is over then: nobody may be born after we have stopped
        waiting. What goes wrong in the process is seen in its exit and its log."""
        _adopt(True)  # from when the one between ends until it is ours, which it is before the answer
        try:
            self._control.settimeout(_PATIENCE)
            self._control.sendall(json.dumps(asdict(birth)).encode() + b"\n")
            pid = int(self._control.recv(32) or 0)
            if pid == 0:
                raise ChildProcessError("the fork server has ended, or could not fork")
        except OSError:
            self.end()
            raise
        finally:
            _adopt(False)
        return Adopted(pid)

    def end(self) -> None:
        """End it, and nobody it forked. Does nothing the second time."""
        if self._is_over:
            return
        self._is_over = True
        self._control.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._running.pid, signal.SIGKILL)
        bury(self._running, group=False)


def _adopt(orphans: bool) -> None:
    """Be the one to whom processes go that are left without a parent, or be it no longer."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(orphans), 0, 0, 0)


def _die_with(parent: int, death_signal: int) -> None:
    """Get ``death_signal`` when ``parent`` ends, which is our parent, or becomes it in a moment."""
    wait_until(lambda: os.getppid() == parent, patience=_PATIENCE, pause=_RATHER_OFTEN)
    die_with(parent, death_signal)


def _serve(control: socket.socket) -> NoReturn:
    """Fork what is asked for, until nobody can ask any more."""
    setproctitle(f"{sys.executable} -m {__spec__.name}")
    with (
        contextlib.suppress(ConnectionError),
        control.makefile("rb") as asked,
    ):  # it ended and never heard that we are ready
        control.sendall(_READY)
        for line in asked:
            control.sendall(b"%d\n" % _twice(Birth(**json.loads(line))))
    os._exit(0)


def _import(modules: Sequence[str]) -> None:
    """Import what is to be shared. The collector leaves all of it alone from now on: whoever looks an object over writes into it, and
    its page is shared no more."""
    for module in modules:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()


def _twice(birth: Birth) -> int:
    """Fork a process whose parent ends at once; its pid, 0 if there is none."""
    reading, writing = os.pipe()
    between = os.fork()
    if between == 0:
        os.close(reading)
        process = get_context("fork").Process(target=_live, args=(birth,))
        process.start()
        os.write(writing, b"%d" % (process.pid or 0))
        os._exit(0)
    os.close(writing)
    try:
        return int(os.read(reading, 32) or 0)
    finally:
        os.close(reading)
        os.waitpid(between, 0)


def _live(birth: Birth) -> None:
    """Be the process of ``birth``: its session, its death, its output, its environment, its command line, its program."""
    os.setsid()
    _close_all_but(birth.sockets)
    _die_with(birth.parent, birth.death_signal)
    if birth.log is not None:
        output = open_log(Path(birth.log))
        for standard in (1, 2):
            os.dup2(output, standard)
        os.close(output)
    setproctitle(" ".join(birth.argv))  # which looks for the room of the old title beside the old environment
    os.environ.clear()
    os.environ.update(birth.env)
    sys.argv = list(birth.argv[2:])
    main: Callable[[], Any] = importlib.import_module(birth.module).main
    sys.exit(main())


def _close_all_but(sockets: Sequence[int]) -> None:
    """Of open descriptors leave the standard ones and ``sockets``. Objects that hold others are never let go of here: their frames
    do not end."""
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if descriptor >= _STANDARD and descriptor not in sockets:
            with contextlib.suppress(OSError):  # the one by which we looked
                os.close(descriptor)


if __name__ == "__main__":
    _import(sys.argv[2:])
    _serve(socket.socket(fileno=int(sys.argv[1])))
