"""Become another program, tied to the life of the process that asked for it.

Run by path: ``python -I -S launch.py PARENT SIGNAL UID GID PROGRAM ARGUMENT...`` (``-`` for UID and GID
keeps the user). A program of its own because Python code between fork and exec (``preexec_fn``) can deadlock a process
that has threads, and because the interpreter may be out of reach for the user to become.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
CANNOT_RUN = 127


def become_user(uid: int, gid: int) -> None:
    """Give up root for good: groups first, the user last, while we still may."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def die_with(parent: int, death_signal: int) -> None:
    """Ask Linux for ``death_signal`` when ``parent`` ends. After the user switch, which clears the request."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:  # it ended before we could ask
        sys.exit(CANNOT_RUN)


def main(arguments: list[str]) -> None:
    """Switch user, arrange the end, execute; a failure is one line on stderr and exit 127."""
    parent, death_signal, uid, gid, *command = arguments
    # Python ignores SIGPIPE, a background shell ignores SIGINT, and exec would pass that on.
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
        signal.signal(ignored, signal.SIG_DFL)
    try:
        if uid != "-":
            become_user(int(uid), int(gid))
        die_with(int(parent), int(death_signal))
        os.execvp(command[0], command)  # noqa: S606 - without a shell is the point
    except OSError as fault:
        sys.stderr.write(f"cannot run {command[0]}: {fault.strerror}\n")
        sys.exit(CANNOT_RUN)


if __name__ == "__main__":
    main(sys.argv[1:])
