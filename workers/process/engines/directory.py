"""The data directory: where it is, who owns which part of it, and that only one supervisor uses it.

::

    DATA/lock          held while a supervisor lives; its pid
    DATA/postgres/     cluster, owned by the engines' account, 0700
    DATA/valkey/       append-only file, likewise
    DATA/run/          sockets, likewise (under /tmp if DATA is too deep for a socket path)
    DATA/log/          logs, ours, 0700
    DATA/engines/      copy of the binaries, only where the account cannot reach the installed ones
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import pwd
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import Misconfigured
from workers.process.child import Account

SOCKET_LIMIT = 103
"""Bytes in the path of a unix socket: 107 on Linux, 103 on macOS and the BSDs."""

_LONGEST_SOCKET = ".s.PGSQL.5432.lock"
# What neither a connection URL (colon) nor a list of directories (comma, quotes, blanks) could misread.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+@-]+")


def default_data_dir() -> Path:
    """``SHUKKA_DATA``, else a directory of this user; for root one that the engines' account can reach too."""
    if chosen := os.environ.get("SHUKKA_DATA"):
        return Path(chosen).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/shukka")
    if base := os.environ.get("XDG_DATA_HOME"):
        return Path(base) / "shukka"
    return Path.home() / ".local" / "share" / "shukka"


def engine_account() -> Account:
    """Whom the engines run as: ourselves, or ``nobody`` when we are root (PostgreSQL refuses to run as root)."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise Misconfigured(
            "user nobody", "does not exist and PostgreSQL does not run as root: start Shukka as another user"
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid, switch=True)


def out_of_reach(path: Path, account: Account) -> Path | None:
    """The first directory on the way to ``path`` (itself included) that ``account`` may not traverse, or None."""
    for step in [*reversed(path.parents), path]:
        status = step.stat()
        if status.st_uid == account.uid:
            allowed = status.st_mode & stat.S_IXUSR
        elif status.st_gid == account.gid:
            allowed = status.st_mode & stat.S_IXGRP
        else:
            allowed = status.st_mode & stat.S_IXOTH
        if not allowed:
            return step
    return None


@contextmanager
def disk_faults(path: Path) -> Iterator[None]:
    """Turn what the file system refuses under ``path`` into Misconfigured with the way out."""
    try:
        yield
    except OSError as fault:
        if fault.errno in (errno.ENOSPC, errno.EDQUOT):
            reason = "the disk is full: free some space or set SHUKKA_DATA to a directory on another disk"
        elif fault.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            reason = f"cannot be written ({fault.strerror}): set SHUKKA_DATA to a directory of your own"
        else:
            reason = f"cannot be used ({fault.strerror}): set SHUKKA_DATA to another directory"
        raise Misconfigured(str(path), reason) from fault


class DataDirectory:
    """One data directory, ours alone between ``open`` and ``close``."""

    def __init__(self, root: Path, account: Account) -> None:
        self.root = Path(os.path.realpath(root))
        self.account = account
        self.log = self.root / "log"
        self.run = self._socket_directory()
        self._lock: int | None = None
        self._run_is_ours = False

    def open(self) -> None:
        """Create what is missing and take the lock. Raises Misconfigured, naming the path and the way out."""
        with disk_faults(self.root):
            self.root.mkdir(mode=0o711, parents=True, exist_ok=True)
            self._let_account_in()
            self._take_lock()
            self.log.mkdir(mode=0o700, exist_ok=True)

    def close(self) -> None:
        """Remove the sockets and give the lock back."""
        if self._lock is None:
            return
        if self._run_is_ours:
            shutil.rmtree(self.run, ignore_errors=True)
        os.close(self._lock)
        self._lock = None

    def fresh_run(self) -> None:
        """An empty directory for the sockets; what a crash left there is removed. Only with no engine alive."""
        with disk_faults(self.run):
            if self.run.is_symlink() or (self.run.exists() and self.run.stat().st_uid not in {0, self.account.uid}):
                raise Misconfigured(str(self.run), "belongs to another user: remove it or set SHUKKA_DATA elsewhere")
            self._run_is_ours = True
            shutil.rmtree(self.run, ignore_errors=True)
            self.run.mkdir(mode=0o700)
            self._give(self.run)

    def part(self, name: str) -> Path:
        """``DATA/<name>``, made if missing, owned by the engines' account, closed to everybody else."""
        path = self.root / name
        with disk_faults(path):
            if not path.exists():
                path.mkdir(mode=0o700)
                self._give(path)
            owner = path.stat().st_uid
        if owner != self.account.uid:
            raise Misconfigured(
                str(path),
                f"belongs to {_user(owner)}, the engines run as {_user(self.account.uid)}: "
                "start Shukka as the user it was first started as, or set SHUKKA_DATA to another directory",
            )
        return path

    def _give(self, path: Path) -> None:
        if self.account.switch:
            os.chown(path, self.account.uid, self.account.gid)

    def _let_account_in(self) -> None:
        """Only DATA itself may be opened for passing through; its parents are not ours to change."""
        if not self.account.switch:
            return
        obstacle = out_of_reach(self.root, self.account)
        if obstacle == self.root and self._is_ours():
            self.root.chmod(self.root.stat().st_mode | stat.S_IXOTH)
            obstacle = None
        if obstacle is not None:
            raise Misconfigured(
                str(self.root),
                f"PostgreSQL does not run as root, and the user nobody cannot pass through {obstacle}: "
                "set SHUKKA_DATA to a directory that every user can reach, such as /var/lib/shukka",
            )

    def _is_ours(self) -> bool:
        return (self.root / "lock").exists() or not any(self.root.iterdir())

    def _take_lock(self) -> None:
        """flock, not a pid file: the kernel gives it back when the holder dies, however it dies."""
        lock = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(lock, 20, 0).decode(errors="replace").strip() or "unknown"
            os.close(lock)
            raise Misconfigured(
                str(self.root),
                f"is in use by another Shukka (process {holder}): stop it, or set SHUKKA_DATA to another directory",
            ) from None
        except OSError:
            os.close(lock)
            raise
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        self._lock = lock

    def _socket_directory(self) -> Path:
        """``DATA/run``, or a short name under /tmp that is the same for the same DATA."""
        near = self.root / "run"
        if len(os.fsencode(near / _LONGEST_SOCKET)) <= SOCKET_LIMIT and _PLAIN_PATH.fullmatch(str(near)):
            return near
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        return Path("/tmp") / f"shukka-{digest}"  # noqa: S108 - the name is fixed, so its owner is checked


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
