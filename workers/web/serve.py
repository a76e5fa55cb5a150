"""The web process: ``shukka web``, or ``python -m workers.web.serve``."""

from __future__ import annotations

import argparse
from typing import Final

import uvicorn

from workers.web.protocol import LimitedProtocol

MOST_CONNECTIONS: Final = 2_000
"""Connections a process holds; one more is answered 503 at once, so that those it has are served."""


def serve(host: str, port: int, stop_within: int = 10) -> None:
    """Serve until a signal; requests under way are finished within ``stop_within`` seconds."""
    config = uvicorn.Config(
        "workers.web.app:create_app",
        factory=True,
        host=host,
        port=port,
        http=LimitedProtocol,
        ws="none",
        access_log=False,
        log_level="warning",
        limit_concurrency=MOST_CONNECTIONS,
        backlog=MOST_CONNECTIONS,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=stop_within,
        headers=[("server", "shukka")],
        server_header=False,
    )
    uvicorn.Server(config).run()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The web process.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    serve(options.host, options.port)
