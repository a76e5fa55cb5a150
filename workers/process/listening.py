"""The listening socket: opened here, inherited from ``shukka up``, or handed over by systemd."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Mapping
from typing import Final

from pipelines.errors import Misconfigured

#: Connections that wait to be accepted while a process starts or is rolled.
BACKLOG: Final = 2_000
#: The first descriptor that systemd hands over.
_FIRST_FD: Final = 3


def listening(host: str, port: int) -> socket.socket:
    """A TCP socket that listens on ``host:port``; 0 is any free port. Raises Misconfigured where it is taken."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as fault:
        listener.close()
        if isinstance(fault, socket.gaierror):
            raise Misconfigured("--host", f"{host} is no address ({fault.strerror}); write it as 127.0.0.1") from None
        raise Misconfigured("--port", f"{host}:{port} cannot be used ({fault.strerror}); choose another") from None
    return listener


def inherited(fd: int) -> socket.socket:
    """The listening socket that was left open for us as ``fd``. Raises Misconfigured if that is none."""
    try:
        if not stat.S_ISSOCK(os.fstat(fd).st_mode):
            raise OSError
        listener = socket.socket(fileno=fd)
        if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            listener.detach()  # it is not ours to close
            raise OSError
    except OSError:
        raise Misconfigured("--fd", f"descriptor {fd} is no socket that listens") from None
    listener.setblocking(False)
    return listener


def handed_over(environment: Mapping[str, str]) -> int | None:
    """The descriptor that systemd's socket activation handed to this very process, if it did (sd_listen_fds(3)).

    Raises Misconfigured for more than one.
    """
    if environment.get("LISTEN_PID") != str(os.getpid()):
        return None
    count = environment.get("LISTEN_FDS", "0")
    if count != "1":
        raise Misconfigured("LISTEN_FDS", f"{count} sockets were handed over; one is served")
    return _FIRST_FD


def listener(host: str, port: int, fd: int | None, environment: Mapping[str, str]) -> socket.socket:
    """The socket to serve: ``fd``, else what systemd handed over, else one of our own on ``host:port``."""
    given = handed_over(environment) if fd is None else fd
    return listening(host, port) if given is None else inherited(given)
