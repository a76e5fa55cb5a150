"""What the tests of real processes ask the operating system, and the small services they run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import redis

from workers.process.embedded import Urls

CHECKOUT = Path(__file__).parents[2]


def eventually(condition: Callable[[], bool], *, within: float = 10) -> bool:
    """Poll ``condition`` for at most ``within`` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def processes_of(mark: str | Path) -> list[str]:
    """Command lines of live processes (zombies have none) that mention ``mark``, ours excepted."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(mark) in line and int(entry.name) != os.getpid():
            found.append(line)
    return found


def shared_memory(data: Path) -> set[str]:
    """What the PostgreSQL that runs in ``data`` has mapped: POSIX files under /dev/shm and a System V segment."""
    postmaster = (data / "postgres" / "postmaster.pid").read_text().split()[0]
    mapped = {line.split()[5] for line in Path(f"/proc/{postmaster}/maps").read_text().splitlines() if "/" in line}
    found = {name for name in mapped if name.startswith(("/dev/shm/PostgreSQL.", "/SYSV"))}
    assert len(found) >= 2
    return found


def left_over(memory: set[str]) -> set[str]:
    """Those of ``memory`` that the system still keeps."""
    segments = {int(line.split()[0]) for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]}
    return {
        name
        for name in memory
        if (int(name.removeprefix("/SYSV"), 16) in segments if name.startswith("/SYSV") else Path(name).exists())
    }


def sql(urls: Urls, statement: str) -> list[tuple[object, ...]]:
    """Run one statement in a connection of its own; its rows, if it has any."""
    assert urls.database_url is not None
    with psycopg.connect(urls.database_url.replace("+psycopg", ""), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def valkey(urls: Urls) -> redis.Redis:
    """A client of the embedded Valkey."""
    assert urls.redis_url is not None
    return redis.Redis.from_url(urls.redis_url, decode_responses=True)


SERVICE = """
import sys
from pathlib import Path
from workers.process.embedded import EmbeddedEngines
from workers.process.keeper import Child
from workers.process.supervisor import Supervisor, stop_on_signals

data = Path(sys.argv[1])
stop = stop_on_signals()
engines = EmbeddedEngines(data)
with engines as urls:
    sleeper = Child("sleeper", [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)", f"sleeper {data}"])
    Supervisor([sleeper], engines).run_until(stop, on_ready=lambda: print("ready", flush=True))
print("stopped", flush=True)
"""


def start_service(data: Path, *, python: str = sys.executable, **options: object) -> subprocess.Popen[str]:
    """A supervisor with both engines and one child, in a process and session of its own; returns once it is ready."""
    service = subprocess.Popen(  # type: ignore[call-overload]
        [python, "-c", SERVICE, str(data)],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )
    line = service.stdout.readline()
    if line != "ready\n":
        service.kill()
        raise AssertionError(service.communicate()[1])
    return service  # type: ignore[no-any-return]
