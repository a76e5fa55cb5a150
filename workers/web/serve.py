"""The web process: ``shukka web``, or ``python -m workers.web.serve``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Callable
from email.utils import formatdate
from typing import Final

import uvicorn

from pipelines.errors import Misconfigured
from workers.process.keeper import tell_ready
from workers.process.listening import BACKLOG, listener
from workers.stopping import SIGNALS, STOP_WITHIN, Stop
from workers.web.protocol import LimitedProtocol

MOST_CONNECTIONS: Final = BACKLOG
"""Connections a process holds; one more is answered 503 at once, so that those it has are served."""
#: Seconds after which an idle connection is closed: fewer than a stopping process waits for its connections to end.
KEEP_ALIVE: Final = 5
#: Of the seconds to stop within, those for requests that outlast the wait for all connections.
_LATE: Final = 0.2


class DrainingServer(uvicorn.Server):
    """uvicorn's server with an end that costs no request: it accepts no more, says ``Connection: close`` in every answer, and
    leaves a connection alone until it has had such an answer or was idle for as long as it may be at any time."""

    def __init__(self, config: uvicorn.Config, stop: Stop) -> None:
        """``stop``: how long all of it may take."""
        super().__init__(config)
        self._stop = stop
        self._told: Callable[[], object] = lambda: None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve, and tell who started us; of all signals the first one drains. uvicorn's second one would cut off what is
        under way."""
        await super().startup(sockets)
        self._stop.on(*SIGNALS, then=self._drain)
        tell_ready()

    async def main_loop(self) -> None:
        """Serve until told to stop, and renew the answers' date every second. uvicorn looks ten times a second whether it was
        told, and makes a new list of headers, which the answers to requests under way no longer have."""
        loop, told = asyncio.get_running_loop(), asyncio.Event()
        self._told = lambda: loop.call_soon_threadsafe(told.set)
        headers = self.server_state.default_headers
        while not self.should_exit:
            headers[:] = [(b"date", formatdate(usegmt=True).encode()), *self.config.encoded_headers]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await told.wait()

    def _drain(self) -> None:
        self.should_exit = True
        self._told()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then what uvicorn does with connections that are left."""
        for server in self.servers:
            server.close()
        # In place, since requests under way have this very list.
        self.server_state.default_headers.append((b"connection", b"close"))
        while self.server_state.connections and self._stop.finishing():
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)


def serve(host: str, port: int, stop_within: float = STOP_WITHIN, fd: int | None = None) -> None:
    """Serve until a signal, on the open socket ``fd`` if one is given; ``stop_within`` seconds later it has ended, and what
    was asked is answered. Raises Misconfigured where it cannot listen."""
    config = uvicorn.Config(
        "workers.web.app:create_app",
        factory=True,
        http=LimitedProtocol,
        ws="none",
        access_log=False,
        log_level="warning",
        limit_concurrency=MOST_CONNECTIONS,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=max(1, round(_LATE * stop_within)),
        headers=[("server", "shukka")],
        server_header=False,
    )
    DrainingServer(config, Stop(stop_within)).run([listener(host, port, fd, os.environ)])


def main() -> int:
    """Serve until a signal; 2, and a line, where it cannot."""
    parser = argparse.ArgumentParser(description="The web process.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--fd", type=int)
    options = parser.parse_args()
    try:
        serve(options.host, options.port, fd=options.fd)
    except Misconfigured as wrong:
        print(f"shukka web: {wrong}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
