"""Processes that a fork server forks are the supervisor's children like any others, and share what was imported once."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import Misconfigured
from tests.process.test_supervisor import running
from tests.process.world import CHECKOUT, eventually, processes_of
from workers.process.fork_server import ForkServer
from workers.process.keeper import Child
from workers.process.supervisor import Supervisor

pytestmark = [pytest.mark.journey, pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is forked")]

PROGRAM = "tests.process.forked"


def child(folder: Path, name: str, *wishes: str, sockets: tuple[int, ...] = ()) -> Child:
    return Child(
        name,
        [sys.executable, "-m", PROGRAM, str(folder), *wishes],
        {**os.environ, "WHO": name},
        tells=folder / f"{name}.ready",
        log=folder / f"{name}.log",
        rolls=True,
        sockets=sockets,
        program=PROGRAM,
        imports=["colorsys"],
    )


def seen(folder: Path, pid: int) -> dict[str, Any]:
    note: dict[str, Any] = json.loads((folder / f"{pid}.json").read_text())
    return note


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield one


def test_they_are_the_supervisors_own_each_with_what_is_its_own(tmp_path: Path, listener: socket.socket) -> None:
    web = child(tmp_path, "web", sockets=(listener.fileno(),))
    supervisor = Supervisor([child(tmp_path, "clock"), web])
    with running(supervisor):
        pids = supervisor.pids()
        for name, pid in pids.items():
            note = seen(tmp_path, pid)
            assert note["parent"] == os.getpid()
            assert note["session"] == pid
            assert note["environment"]["WHO"] == name
            assert note["threads"] == 1
            assert (tmp_path / f"{name}.log").read_text() == "said\n"
            assert Path(f"/proc/{pid}/cmdline").read_text().startswith(" ".join(web.argv[:3]))
        own = set(seen(tmp_path, pids["web"])["open"]) - set(seen(tmp_path, pids["clock"])["open"])
        assert own == {listener.fileno()}
    assert processes_of(tmp_path) == []


def test_what_they_run_was_imported_once_by_who_ends_with_them(tmp_path: Path) -> None:
    supervisor = Supervisor([child(tmp_path, "clock"), child(tmp_path, "web")])
    with running(supervisor):
        importer = the_importer(tmp_path, supervisor)
        assert importer not in {os.getpid(), *supervisor.pids().values()}
        assert Path(f"/proc/{importer}").exists()
    assert not Path(f"/proc/{importer}").exists()


def the_importer(folder: Path, supervisor: Supervisor) -> int:
    (importer,) = {seen(folder, pid)["imported_by"] for pid in supervisor.pids().values()}
    return int(importer)


def killed_and_started_again(folder: Path, supervisor: Supervisor) -> int:
    """The process that follows on the web process that is killed."""
    before = supervisor.pids()["web"]
    os.kill(before, signal.SIGKILL)
    assert eventually(lambda: supervisor.pids().get("web") not in (None, before), within=30)
    again = supervisor.pids()["web"]
    assert eventually((folder / f"{again}.json").exists, within=30)
    return again


def test_one_that_dies_is_forked_again(tmp_path: Path) -> None:
    lines: list[str] = []
    supervisor = Supervisor([child(tmp_path, "clock"), child(tmp_path, "web")], report=lines.append)
    with running(supervisor):
        importer = the_importer(tmp_path, supervisor)
        again = killed_and_started_again(tmp_path, supervisor)
        assert seen(tmp_path, again)["imported_by"] == importer
        assert seen(tmp_path, again)["parent"] == os.getpid()
    assert lines == ["web died (SIGKILL); starting it again in 0.2 s"]
    assert processes_of(tmp_path) == []


@pytest.mark.parametrize(
    "what", [signal.SIGKILL, pytest.param(signal.SIGSTOP, marks=pytest.mark.long)], ids=["dead", "silent"]
)
def test_without_its_fork_server_one_that_dies_starts_by_itself(tmp_path: Path, what: signal.Signals) -> None:
    """One that does not answer is ended: it may not fork when nobody waits any more."""
    supervisor = Supervisor([child(tmp_path, "clock"), child(tmp_path, "web")], report=lambda line: None)
    with running(supervisor):
        importer = the_importer(tmp_path, supervisor)
        os.kill(importer, what)
        again = killed_and_started_again(tmp_path, supervisor)
        assert seen(tmp_path, again)["imported_by"] == again
        assert not Path(f"/proc/{importer}").exists()
    assert processes_of(tmp_path) == []


def test_a_roll_imports_anew(tmp_path: Path) -> None:
    supervisor = Supervisor([child(tmp_path, "clock"), child(tmp_path, "web")], report=lambda line: None)
    with running(supervisor):
        first = the_importer(tmp_path, supervisor)
        assert supervisor.roll(threading.Event())
        assert the_importer(tmp_path, supervisor) != first
        assert not Path(f"/proc/{first}").exists()
    assert processes_of(tmp_path) == []


def test_a_refusal_is_told_in_its_own_words(tmp_path: Path) -> None:
    supervisor = Supervisor([child(tmp_path, "clock"), child(tmp_path, "web", "refuse")], report=lambda line: None)
    with pytest.raises(Misconfigured, match="web: a setting is missing"):
        supervisor.run_until(threading.Event())
    assert processes_of(tmp_path) == []


def test_an_exception_is_in_its_log_and_its_exit(tmp_path: Path) -> None:
    lines: list[str] = []
    supervisor = Supervisor([child(tmp_path, "clock"), child(tmp_path, "web", "crash")], report=lines.append)
    stop = threading.Event()
    thread = threading.Thread(target=supervisor.run_until, args=(stop,))
    thread.start()
    try:
        assert eventually(lambda: bool(lines), within=30)
    finally:
        stop.set()
        thread.join(30)
    assert lines[0] == "web died (exit 1); starting it again in 0.2 s"
    assert "ZeroDivisionError" in (tmp_path / "web.log").read_text()


def test_what_a_fork_server_cannot_import_starts_by_itself(tmp_path: Path) -> None:
    """Whoever it is says so himself then."""
    both = [child(tmp_path, "clock"), child(tmp_path, "web")]
    broken = Child("other", both[0].argv, both[0].env, tells=tmp_path / "other.ready", program="tests.process.none")
    supervisor = Supervisor([*both, broken])
    with running(supervisor):
        pids = supervisor.pids()
        assert {"clock", "web"} <= pids.keys()
        for pid in pids.values():
            assert seen(tmp_path, pid)["imported_by"] == pid


def test_they_end_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    code = f"""
import threading
from pathlib import Path
from tests.process.test_fork_server import child
from workers.process.supervisor import Supervisor
folder = Path({str(tmp_path)!r})
supervisor = Supervisor([child(folder, "clock"), child(folder, "web")])
supervisor.run_until(threading.Event(), on_ready=lambda: print("ready", flush=True))
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as outer:
        assert outer.stdout is not None
        assert outer.stdout.readline() == "ready\n"
        assert len(processes_of(PROGRAM)) >= 2
        outer.kill()
    assert eventually(lambda: processes_of(f"{PROGRAM} {tmp_path}") == [])


def test_a_process_with_threads_is_not_forked() -> None:
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    try:
        assert ForkServer.forked([], {}) is None
    finally:
        ended.set()
        thread.join()


def test_one_forked_of_a_process_shares_what_that_one_imported(tmp_path: Path) -> None:
    code = f"""
import os, threading
from pathlib import Path
from tests.process import forked
from tests.process.test_fork_server import child, seen
from workers.process.fork_server import ForkServer
from workers.process.supervisor import Supervisor
folder, stop = Path({str(tmp_path)!r}), threading.Event()
supervisor = Supervisor([child(folder, "clock"), child(folder, "web")], fork_server=ForkServer.forked([forked.__name__], {{}}))
def ready():
    assert {{seen(folder, pid)["imported_by"] for pid in supervisor.pids().values()}} == {{os.getpid()}}
    print("shared", flush=True)
    stop.set()
supervisor.run_until(stop, on_ready=ready)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "shared\n", "")
    assert processes_of(f"{PROGRAM} {tmp_path}") == []
