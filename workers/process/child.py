"""Child processes: start one that cannot outlive us, learn why it died, end it and all it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

LOG_LIMIT = 10 * 1024 * 1024
"""Bytes after which a log is set aside as ``<name>.1`` when its process starts."""

_LAUNCH = Path(__file__).with_name("launch.py")

# Linux sends the parent-death signal when the THREAD that forked ends, so one thread that lives as long as the
# process does all the forking. Nothing starts before the first launch.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


class Running(Protocol):
    """A child process, as ``subprocess.Popen`` shows it: what it returned once it is reaped."""

    @property
    def pid(self) -> int:
        """Its process id."""
        ...

    returncode: int | None

    def poll(self) -> int | None:
        """Reap it if it is dead; what it returned."""
        ...

    def wait(self) -> int:
        """Reap it once it is dead; what it returned."""
        ...

    def kill(self) -> None:
        """SIGKILL, unless it was reaped."""
        ...


@dataclass(slots=True)
class Adopted:
    """A child process that somebody else started; Running."""

    pid: int
    returncode: int | None = None

    def poll(self) -> int | None:
        """Reap it if it is dead; what it returned."""
        return self._reap(os.WNOHANG)

    def wait(self) -> int:
        """Reap it once it is dead; what it returned."""
        returncode = self._reap(0)
        assert returncode is not None
        return returncode

    def kill(self) -> None:
        """SIGKILL, unless it was reaped."""
        if self.returncode is None:
            os.kill(self.pid, signal.SIGKILL)

    def _reap(self, options: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


@dataclass(frozen=True, slots=True)
class Account:
    """The operating-system user a process runs as; ``switch`` says that we are root and have to become it."""

    uid: int
    gid: int
    switch: bool = False


def launched(argv: Sequence[str], *, death_signal: signal.Signals, account: Account | None = None) -> list[str]:
    """``argv`` wrapped so that it switches to ``account``, gets ``death_signal`` when we end, and becomes ``argv``."""
    user = [str(account.uid), str(account.gid)] if account and account.switch else ["-", "-"]
    return [sys.executable, "-I", "-S", str(_LAUNCH), str(os.getpid()), str(int(death_signal)), *user, *argv]


def launch(
    argv: Sequence[str],
    *,
    death_signal: signal.Signals = signal.SIGTERM,
    account: Account | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    log: Path | None = None,
    sockets: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start ``argv`` in its own session (a terminal's Ctrl-C does not reach it); its pid stays the same through exec.

    Output is appended to ``log``, or goes where ours goes; ``sockets`` are descriptors that it inherits. ``env`` is the whole environment, None inherits ours.
    Raises OSError if not even the launcher can start; what ``argv`` does wrong is seen in its exit and its log.
    """

    def start() -> subprocess.Popen[bytes]:
        output = open_log(log) if log else None
        try:
            return subprocess.Popen(
                launched(argv, death_signal=death_signal, account=account),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=env,
                cwd=cwd,
                start_new_session=True,
                pass_fds=sockets,
            )
        finally:
            if output is not None:
                os.close(output)

    return _spawner.submit(start).result()


def open_log(path: Path) -> int:
    """A descriptor that appends to ``path`` (mode 0600); a file over LOG_LIMIT is first set aside as ``<name>.1``."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_name(path.name + ".1"))
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def last_line(text: str) -> str:
    """The last line of ``text`` that says something, or ''."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def why(returncode: int) -> str:
    """An exit as people read it: ``exit 1`` or ``SIGKILL``."""
    if returncode >= 0:
        return f"exit {returncode}"
    try:
        return signal.Signals(-returncode).name
    except ValueError:
        return f"signal {-returncode}"


def has_ended(process: Running) -> bool:
    """True once the process is dead. It is left unreaped where the system can, so its group id cannot be reused."""
    if process.returncode is not None:
        return True
    if sys.platform != "linux":
        return process.poll() is not None
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return process.poll() is not None


def bury(process: Running, *, group: bool = True) -> int:
    """Reap a dead process and kill what is left of its group; answers its return code."""
    if group:
        kill_group(process.pid)
    returncode = process.wait()
    if group:
        _reap_group(process.pid)
        wait_until(lambda: not group_exists(process.pid), patience=0.2)  # longer, and only zombies are left
    return returncode


def kill_group(pid: int) -> None:
    """SIGKILL for every process of the group that ``pid`` leads, if any is left."""
    with suppress(ProcessLookupError, PermissionError):  # macOS says "not permitted" for a group of zombies
        os.killpg(pid, signal.SIGKILL)


def _reap_group(pid: int) -> None:
    """Those of the group that are our children: orphans come to us while somebody is forked."""
    with suppress(ChildProcessError):
        while wait_until(lambda: os.waitpid(-pid, os.WNOHANG) != (0, 0), patience=0.2):
            pass


def group_exists(pid: int) -> bool:
    """True while any process, even a zombie, is in the group that ``pid`` led."""
    try:
        os.killpg(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def end(pid: int, steps: Sequence[tuple[signal.Signals, float]], *, gone: Callable[[], bool]) -> bool:
    """Send each signal of ``steps`` in turn, waiting its seconds for ``gone``; False if it outlived them all."""
    for step, patience in steps:
        if gone():
            return True
        with suppress(ProcessLookupError):
            os.kill(pid, step)
        if wait_until(gone, patience=patience):
            return True
    return gone()


def wait_until(condition: Callable[[], bool], *, patience: float, pause: float = 0.01) -> bool:
    """Poll ``condition`` for at most ``patience`` seconds; answers whether it came true."""
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause)
    return True


def runs(pid: int, program: str, argument: str) -> bool:
    """True if ``pid`` is alive and its command line is ``.../program ... argument ...``.

    A pid file alone proves nothing: the number may belong to another process by now. Zombies count as gone.
    """
    if pid <= 0:
        return False
    if Path("/proc/self/cmdline").exists():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            return False
        return Path(words[0]).name == program and argument in words
    listing = subprocess.run(
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout
    return program in listing and argument in listing


def processes_in(directory: Path, program: str) -> list[int]:
    """Pids whose working directory is ``directory`` and whose executable is called ``program`` (Linux; else empty)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile, or belongs to somebody else
            executable = os.readlink(entry / "exe").removesuffix(" (deleted)")
            if os.readlink(entry / "cwd") == str(directory) and Path(executable).name == program:
                found.append(int(entry.name))
    return found
