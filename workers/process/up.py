"""``shukka up``: engines, migrations and processes in the foreground until Ctrl-C."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import rich.status  # noqa: F401 - what the spinner needs is imported before anybody is forked
from rich.console import Console

from pipelines.shops import load_shops
from workers.installation import INSTALLATION
from workers.process.embedded import EmbeddedEngines
from workers.process.engines.engine import StoppedStarting
from workers.process.keeper import Report
from workers.process.listening import listening
from workers.process.service import Service, fork_server
from workers.process.supervisor import Supervisor, print_line, roll_on_hang_up, stop_on_signals
from workers.settings import Settings, load


@contextmanager
def engines(
    settings: Settings, data: Path, report: Report = print_line, stop: threading.Event | None = None
) -> Iterator[tuple[EmbeddedEngines | None, str, str]]:
    """The embedded engines that the environment does not replace: (engines, database URL, Redis URL). Raises StoppedStarting where
    ``stop`` is set before they answer."""
    wants_database, wants_redis = settings.database_url is None, settings.redis_url is None
    if settings.broker_url is not None:
        wants_redis = False
    if not wants_database and not wants_redis:
        yield None, settings.database_url or "", settings.redis_url or ""
        return
    embedded = EmbeddedEngines(data, postgres=wants_database, valkey=wants_redis, report=report, stop=stop)
    with embedded as urls:
        yield embedded, settings.database_url or urls.database_url or "", settings.redis_url or urls.redis_url or ""


def run_up(*, port: int, host: str, console: Console) -> None:
    """Run everything until a signal; raises Misconfigured before anything is started for what cannot work."""
    settings = load()
    shops = load_shops(settings.shops_dir, INSTALLATION)
    settings.clock.now()
    listener = listening(host, port)
    forks = fork_server()
    stop = stop_on_signals()
    roll = roll_on_hang_up(stop)
    with (
        suppress(StoppedStarting),
        listener,
        console.status("starting") as spinner,
        engines(settings, settings.data, stop=stop) as (embedded, database_url, redis_url),
    ):
        service = Service(settings, shops, settings.data, database_url, redis_url, port, host, listener=listener)
        service.tell_commands()
        prepared = _shukka("prepare", service.environment)
        if prepared.returncode != 0:
            spinner.stop()
            sys.stderr.write(prepared.stderr)
            raise SystemExit(prepared.returncode)
        console_path = prepared.stdout.strip()

        def ready() -> None:
            spinner.stop()
            console.print(f"Shukka answers at [bold]{service.url}[/bold]; Ctrl-C stops it.")
            console.print(f"  shops   {', '.join(sorted(shops))}")
            console.print(f"  engines {_engines(settings)}, logs in {settings.data / 'log'}", soft_wrap=True)
            for name, note in service.notes.items():
                console.print(f"  {name:<7} {note}", soft_wrap=True)
            if console_path:
                console.print(
                    f"  console {service.url}{console_path} (signs in once, within half an hour)", soft_wrap=True
                )

        Supervisor(service.children(), embedded, fork_server=forks).run_until(
            stop, ready, roll, lambda: _may_roll(service.environment)
        )
    console.print("stopped")


def _engines(settings: Settings) -> str:
    database = "DATABASE_URL" if settings.database_url else f"embedded PostgreSQL in {settings.data}"
    broker = "BROKER_URL" if settings.broker_url else "REDIS_URL" if settings.redis_url else "embedded Valkey"
    return f"{database}, {broker}"


def _shukka(command: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """`shukka COMMAND` as it is installed now; in a process of its own, since what it needs and touches for that we would keep."""
    argv = [sys.executable, "-m", "workers.cli.main", command]
    # In a session of its own, as all that we start: Ctrl-C reaches us alone, and what is begun here is not left half done.
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, start_new_session=True)


def _may_roll(environment: Mapping[str, str]) -> bool:
    """Whether the schema is ready for what is installed now."""
    migration = _shukka("migrate", environment)
    if migration.returncode != 0:
        print_line(f"nothing is rolled: {migration.stderr.strip()}")
    return migration.returncode == 0
