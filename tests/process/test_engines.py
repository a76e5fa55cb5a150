"""The embedded engines on the real programs: what is committed stays, whatever is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from pipelines.errors import Misconfigured
from tests.process.world import eventually, left_over, processes_of, shared_memory, sql, start_service, valkey
from workers.process.embedded import EmbeddedEngines, Urls, running_engines
from workers.process.engines.binaries import Binaries
from workers.process.engines.directory import engine_account
from workers.process.engines.engine import StoppedStarting

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to see what is left"),
]


@pytest.fixture
def engines(data: Path) -> Iterator[EmbeddedEngines]:
    engines = EmbeddedEngines(data)
    yield engines
    engines.stop()


def remember(urls: Urls) -> None:
    sql(urls, "DROP TABLE IF EXISTS memory")
    sql(urls, "CREATE TABLE memory (word text)")
    sql(urls, "INSERT INTO memory VALUES ('出荷')")
    valkey(urls).set("word", "出荷")


def remembers(urls: Urls) -> bool:
    return sql(urls, "SELECT word FROM memory") == [("出荷",)] and valkey(urls).get("word") == "出荷"


def heal(engines: EmbeddedEngines, urls: Urls) -> bool:
    """Call ensure as the supervisor does until both engines remember."""

    def healed() -> bool:
        engines.ensure()
        try:
            return remembers(urls)
        except (psycopg.OperationalError, redis.ConnectionError):
            return False

    return eventually(healed)


def test_data_is_kept_over_a_restart_and_nothing_else_is(empty: Path) -> None:
    engines = EmbeddedEngines(empty)
    urls = engines.start()
    memory = shared_memory(empty)
    remember(urls)
    engines.stop()

    assert sorted(path.name for path in empty.iterdir()) == ["lock", "log", "postgres", "valkey"]
    assert processes_of(empty) == []
    assert left_over(memory) == set()
    assert engines.start() == urls
    assert remembers(urls)
    engines.stop()


def test_a_commit_is_on_the_disk_and_the_engines_listen_on_nothing_but_their_sockets(engines: EmbeddedEngines) -> None:
    urls = engines.start()
    names = "('fsync','synchronous_commit','full_page_writes','listen_addresses','jit','data_checksums','TimeZone')"
    rows = sql(urls, f"SELECT name, setting FROM pg_settings WHERE name IN {names}")
    assert {name: setting for name, setting in rows} == {  # noqa: C416 - a dict() of them has no type
        "TimeZone": "Asia/Tokyo",
        "data_checksums": "on",
        "fsync": "on",
        "full_page_writes": "on",
        "jit": "off",
        "listen_addresses": "",
        "synchronous_commit": "on",
    }
    kept = valkey(urls).config_get("*")
    assert (kept["port"], kept["appendonly"], kept["maxmemory-policy"]) == ("0", "yes", "noeviction")


def test_the_log_keeps_the_values_of_a_refused_row_to_itself(engines: EmbeddedEngines, data: Path) -> None:
    urls = engines.start()
    sql(urls, "CREATE TABLE customer (mail text PRIMARY KEY)")
    sql(urls, "INSERT INTO customer VALUES ('hanako@example.jp')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        sql(urls, "INSERT INTO customer VALUES ('hanako@example.jp')")
    engines.stop()
    log = (data / "log" / "postgres.log").read_text()
    assert "violates unique constraint" in log
    assert "hanako" not in log


@pytest.mark.parametrize("name", ["postgres", "valkey"])
def test_a_killed_engine_comes_back_with_its_data(data: Path, name: str) -> None:
    lines: list[str] = []
    engines = EmbeddedEngines(data, report=lines.append)
    with engines as urls:
        remember(urls)
        os.kill(engines.pids()[name], signal.SIGKILL)
        assert eventually(lambda: _dead(engines.pids()[name]))
        assert heal(engines, urls)
        engines.ensure()
    assert lines == [f"{name} died (SIGKILL); starting it again", f"{name} answers again"]


def _dead(pid: int) -> bool:
    return Path(f"/proc/{pid}/cmdline").read_bytes() == b""


def test_a_busy_backend_of_a_killed_postgres_does_not_keep_it_from_coming_back(engines: EmbeddedEngines) -> None:
    """A backend that computes does not notice that its postmaster died, and holds the shared memory meanwhile."""
    urls = engines.start()
    remember(urls)

    def compute() -> None:
        with pytest.raises(psycopg.OperationalError):
            sql(urls, "SELECT count(*) FROM generate_series(1, 1000000000000) AS n(i) WHERE i % 7 = 8")

    busy = threading.Thread(target=compute)
    busy.start()
    running = (
        "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%%series%%' AND pid <> pg_backend_pid()"
    )
    assert eventually(lambda: bool(sql(urls, running)))
    os.kill(engines.pids()["postgres"], signal.SIGKILL)
    assert heal(engines, urls)
    busy.join(timeout=10)
    assert not busy.is_alive()


def test_one_engine_alone(data: Path) -> None:
    with EmbeddedEngines(data, postgres=False) as urls:
        assert urls.database_url is None
        assert valkey(urls).ping()


def test_a_start_that_takes_its_time_is_given_up_when_we_are_to_end(empty: Path) -> None:
    """After a crash PostgreSQL may replay its log for minutes: Ctrl-C is heard meanwhile, and nothing is left."""
    empty.chmod(0o755)
    slow = empty / "valkey-server"
    begun = empty / "in" / "valkey" / "begun"
    slow.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && exit\ntouch {begun}\nsleep 600 &\ntrap "kill $!; exit" TERM\nwait\n'
    )
    slow.chmod(0o755)
    stop = threading.Event()
    engines = EmbeddedEngines(empty / "in", postgres=False, binaries=Binaries(None, slow), stop=stop)
    threading.Thread(target=lambda: eventually(begun.exists, within=60) and stop.set()).start()
    with pytest.raises(StoppedStarting):
        engines.start()
    assert not processes_of(empty)
    assert not (empty / "in" / "run").exists()


def test_the_second_supervisor_of_a_directory_is_refused(engines: EmbeddedEngines, data: Path) -> None:
    urls = engines.start()
    with pytest.raises(Misconfigured, match=rf"in use by another Shukka \(process {os.getpid()}\): stop it, or set"):
        EmbeddedEngines(data).start()
    assert sql(urls, "SELECT 1") == [(1,)], "the first one is not disturbed"


def test_a_command_beside_the_service_finds_its_engines(engines: EmbeddedEngines, data: Path) -> None:
    assert running_engines(data) == Urls(None, None)
    urls = engines.start()
    assert running_engines(data) == urls
    engines.stop()
    assert running_engines(data) == Urls(None, None)


def test_a_deep_directory_gets_a_short_socket_path_that_is_removed(empty: Path, data: Path) -> None:
    empty.chmod(0o755)
    deep = empty / ("棚" * 40)
    subprocess.run(["cp", "-a", data, deep], check=True)
    with EmbeddedEngines(deep, valkey=False) as urls:
        run = Path(str(sql(urls, "SHOW unix_socket_directories")[0][0]))
        assert run.parent == Path("/tmp")
        assert run.stat().st_mode & 0o777 == 0o700
    assert not run.exists()


class TestTheSupervisingProcess:
    """What happens to the engines when the process above them ends."""

    def test_ctrl_c_stops_all_and_leaves_only_the_data(self, data: Path) -> None:
        service = start_service(data)
        memory = shared_memory(data)
        os.killpg(service.pid, signal.SIGINT)  # as a terminal does: to the whole foreground group
        output, errors = service.communicate(timeout=20)
        assert (service.returncode, output, errors) == (0, "stopped\n", "")
        assert processes_of(data) == []
        assert sorted(path.name for path in data.iterdir()) == ["lock", "log", "postgres", "valkey"]
        assert left_over(memory) == set()

    def test_kill_9_takes_engines_and_children_along_and_the_next_start_works(self, data: Path) -> None:
        service = start_service(data)
        memory = shared_memory(data)
        remember(running_engines(data))
        service.kill()
        service.communicate()
        assert eventually(lambda: processes_of(data) == [])
        assert left_over(memory) == set()
        with EmbeddedEngines(data) as urls:
            assert remembers(urls)

    def test_the_next_start_need_not_wait_for_the_engines_of_the_killed_one(self, data: Path) -> None:
        service = start_service(data)
        remember(running_engines(data))
        service.kill()
        service.communicate()
        with EmbeddedEngines(data) as urls:
            assert remembers(urls)


class TestOrphans:
    """Engines or pid files of a supervisor that died where the system does not end its children."""

    def test_a_live_orphan_is_stopped_first(self, data: Path) -> None:
        first = EmbeddedEngines(data)
        remember(first.start())
        commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1] for pid in first.pids().values()}
        first.stop()
        account = engine_account()
        run = data / "run"
        run.mkdir(mode=0o700)
        os.chown(run, account.uid, account.gid)
        who = {"user": account.uid, "group": account.gid, "extra_groups": []} if account.switch else {}
        orphans = [subprocess.Popen(line, stderr=-3, stdout=-3, **who) for line in commands.values()]  # type: ignore[call-overload]
        assert eventually(lambda: None not in (running_engines(data).database_url, running_engines(data).redis_url))

        lines: list[str] = []
        with EmbeddedEngines(data, report=lines.append) as urls:
            assert [orphan.wait(timeout=1) for orphan in orphans] == [0, 0]
            assert remembers(urls)
        assert [line.split(" ")[0] for line in lines] == ["postgres", "valkey"]
        assert all("left over" in line for line in lines)

    def test_a_pid_that_belongs_to_another_process_by_now_is_left_alone(self, data: Path) -> None:
        account = engine_account()
        with EmbeddedEngines(data) as urls:
            remember(urls)
            postmaster = (data / "postgres" / "postmaster.pid").read_text().splitlines()
        who = {"user": account.uid} if account.switch else {}
        innocent = subprocess.Popen(["/bin/sleep", "60"], **who)  # type: ignore[call-overload]
        try:
            (data / "postgres" / "postmaster.pid").write_text("\n".join([str(innocent.pid), *postmaster[1:], ""]))
            (data / "valkey" / "valkey.pid").write_text(str(innocent.pid))
            with EmbeddedEngines(data) as urls:
                assert remembers(urls)
            assert innocent.poll() is None
        finally:
            innocent.kill()
            innocent.wait()

    def test_an_interrupted_first_start_is_begun_again(self, empty: Path) -> None:
        empty.chmod(0o711)
        half = empty / "postgres.new"
        half.mkdir()
        (half / "PG_VERSION").write_text("18\n")
        with EmbeddedEngines(empty) as urls:
            assert sql(urls, "SELECT 1") == [(1,)]
        assert not half.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_it_runs_as_an_ordinary_user(empty: Path) -> None:
    """With an interpreter that this user can reach, else the engines cannot be started by it at all."""
    python = Path("/usr/bin/python3")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not python.exists() or version not in subprocess.check_output([python, "--version"], text=True):
        pytest.skip(f"no {python} of version {version}")
    account = engine_account()
    os.chown(empty, account.uid, account.gid)
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path.endswith("site-packages"))}
    service = start_service(
        empty, python=str(python), user=account.uid, group=account.gid, extra_groups=[], env=environment
    )
    assert sql(running_engines(empty), "SELECT 1") == [(1,)]
    service.send_signal(signal.SIGTERM)
    assert service.communicate(timeout=20) == ("stopped\n", "")
    assert service.returncode == 0
    assert processes_of(empty) == []
