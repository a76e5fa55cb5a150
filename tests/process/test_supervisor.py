"""The supervisor on real child processes: restart, order, and no survivor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.errors import Misconfigured, Unreachable
from tests.process.world import CHECKOUT, eventually, processes_of
from workers.process.keeper import Child
from workers.process.supervisor import Supervisor

pytestmark = [pytest.mark.journey, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to see who lives")]

SLEEP = "import time; time.sleep(600)"


def python(code: str, *arguments: object) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code, *map(str, arguments)]


@contextmanager
def running(supervisor: Supervisor) -> Iterator[None]:
    """The supervisor in a thread of its own until the block ends; what it raises is raised here."""
    stop, ready, faults = threading.Event(), threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            supervisor.run_until(stop, on_ready=ready.set)
        except Unreachable as fault:
            faults.append(fault)
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert ready.wait(20)
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()
        if faults:
            raise faults[0]


def test_a_dead_child_is_started_again_each_time_after_a_longer_pause(tmp_path: Path) -> None:
    lines: list[str] = []
    child = Child("flaky", python("raise SystemExit(3)"), log=tmp_path / "flaky.log")
    with running(Supervisor([child], report=lines.append)):
        assert eventually(lambda: len(lines) >= 3)
    assert lines[:3] == [f"flaky died (exit 3); starting it again in {pause} s" for pause in ("0.2", "0.4", "0.8")]


def test_a_killed_child_is_named_with_its_signal_and_comes_back() -> None:
    lines: list[str] = []
    supervisor = Supervisor([Child("web", python(SLEEP))], report=lines.append)
    with running(supervisor):
        first = supervisor.pids()["web"]
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: supervisor.pids().get("web", first) != first)
    assert lines == ["web died (SIGKILL); starting it again in 0.2 s"]


READY_IN_ITS_FIRST_AND_FOURTH_LIFE = """
import os, sys, time
lives = os.path.join(sys.argv[1], "lives")
with open(lives, "a") as one:
    one.write(".")
if os.path.getsize(lives) in (1, 4):
    open(os.environ["SHUKKA_READY_FILE"], "a").write(".")
time.sleep(600)
"""


def test_one_that_does_not_get_ready_again_is_killed_and_has_twice_as_long_next(tmp_path: Path) -> None:
    """A thread that finds no memory as it begins keeps the one waiting that started it, for ever."""
    lines: list[str] = []
    child = Child("worker", python(READY_IN_ITS_FIRST_AND_FOURTH_LIFE, tmp_path), tells=tmp_path / "ready")
    supervisor = Supervisor([child], report=lines.append, again_within=0.5)
    with running(supervisor):
        os.kill(supervisor.pids()["worker"], signal.SIGKILL)
        assert eventually(lambda: (tmp_path / "lives").read_text() == "....", within=30)
        fourth = supervisor.pids()["worker"]
        assert not eventually(lambda: supervisor.pids().get("worker") != fourth, within=3)
    assert lines == [
        "worker died (SIGKILL); starting it again in 0.2 s",
        "worker was not ready within 0.5 s and is killed",
        "worker died (SIGKILL); starting it again in 0.4 s",
        "worker was not ready within 1 s and is killed",
        "worker died (SIGKILL); starting it again in 0.8 s",
    ]


ONE_TELLS_IN_ITS_SECOND_LIFE_AND_TWO_IN_THE_OTHERS = """
import os, sys, time
lives = os.path.join(sys.argv[1], "lives")
with open(lives, "a") as one:
    one.write(".")
tellers = 1 if os.path.getsize(lives) == 2 else 2
for _ in range(tellers):
    open(os.environ["SHUKKA_READY_FILE"], "a").write(".")
time.sleep(600)
"""


def test_one_of_whose_processes_only_one_gets_ready_is_not_ready(tmp_path: Path) -> None:
    """The other one would wait for its thread for ever, with half of the work's hands."""
    lines: list[str] = []
    argv = python(ONE_TELLS_IN_ITS_SECOND_LIFE_AND_TWO_IN_THE_OTHERS, tmp_path)
    child = Child("worker", argv, tells=tmp_path / "ready", tellers=2)
    supervisor = Supervisor([child], report=lines.append, again_within=0.5)
    with running(supervisor):
        os.kill(supervisor.pids()["worker"], signal.SIGKILL)
        assert eventually(lambda: (tmp_path / "lives").read_text() == "...", within=30)
        third = supervisor.pids()["worker"]
        assert not eventually(lambda: supervisor.pids().get("worker") != third, within=2)
    assert "worker was not ready within 0.5 s and is killed" in lines


def test_a_child_that_refuses_its_settings_ends_the_start_in_its_own_words(tmp_path: Path) -> None:
    """Started again it would only refuse again, behind a banner that says all is well."""
    says = "import sys; print('shukka worker: SMTP_URL: it must begin with smtp://', file=sys.stderr); sys.exit(2)"
    lines: list[str] = []
    children = [
        Child("worker", python(says), log=tmp_path / "worker.log"),
        Child("web", python(SLEEP), ready=lambda: False),
    ]
    with pytest.raises(Misconfigured, match=r"^worker: SMTP_URL: it must begin with smtp://$"):
        Supervisor(children, report=lines.append).run_until(threading.Event())
    assert lines == ["worker died (exit 2: SMTP_URL: it must begin with smtp://); starting it again in 0.2 s"]


def test_a_program_that_is_not_there_is_named_in_the_log(tmp_path: Path) -> None:
    lines: list[str] = []
    child = Child("web", ["/no/such/program"], log=tmp_path / "web.log")
    with running(Supervisor([child], report=lines.append)):
        assert eventually(lambda: lines != [])
    assert lines[0].startswith("web died (exit 127)")
    assert "cannot run /no/such/program: No such file or directory" in (tmp_path / "web.log").read_text()


NOTES_ITS_END = """
import signal, sys, time
def note(number, frame):
    open(sys.argv[2], "a").write(f"{sys.argv[1]} {signal.Signals(number).name}\\n")
    raise SystemExit
signal.signal(signal.SIGTERM, note); signal.signal(signal.SIGINT, note); signal.signal(signal.SIGHUP, note)
open(sys.argv[3] + sys.argv[1], "w").close()
time.sleep(600)
"""


def noting(name: str, directory: Path, **options: object) -> Child:
    argv = python(NOTES_ITS_END, name, directory / "notes", f"{directory}/up-")
    return Child(name, argv, ready=(directory / f"up-{name}").exists, **options)  # type: ignore[arg-type]


def test_children_stop_in_reverse_order_each_by_its_own_signal(tmp_path: Path) -> None:
    children = [
        noting("first", tmp_path),
        noting("second", tmp_path, stop_signal=signal.SIGHUP),
        noting("third", tmp_path),
    ]
    with running(Supervisor(children)):
        pass
    assert (tmp_path / "notes").read_text().splitlines() == ["third SIGTERM", "second SIGHUP", "first SIGTERM"]


MASTER = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-I", "-S", "-c", *sys.argv[1:]])
time.sleep(600)
"""


def test_only_the_master_is_signalled_and_its_workers_do_not_survive_it(tmp_path: Path) -> None:
    """A master passes the signal on as it sees fit; what it leaves behind is killed without being asked."""
    worker = [NOTES_ITS_END, "worker", str(tmp_path / "notes"), f"{tmp_path}/up-"]
    master = Child("master", python(MASTER, *worker), ready=(tmp_path / "up-worker").exists)
    with running(Supervisor([master])):
        assert len(processes_of(tmp_path)) == 2
    assert processes_of(tmp_path) == []
    assert not (tmp_path / "notes").exists()


def test_workers_of_a_killed_master_are_gone_before_its_successor_starts(tmp_path: Path) -> None:
    worker = [NOTES_ITS_END, "worker", str(tmp_path / "notes"), f"{tmp_path}/up-"]
    supervisor = Supervisor([Child("master", python(MASTER, *worker), ready=(tmp_path / "up-worker").exists)])
    with running(supervisor):
        first = supervisor.pids()["master"]
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: supervisor.pids().get("master", first) != first)
        assert eventually(lambda: len(processes_of(tmp_path)) == 2)


def test_a_child_that_ignores_its_signal_is_killed_after_its_grace(tmp_path: Path) -> None:
    lines: list[str] = []
    code = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); open(sys.argv[1], 'w'); signal.pause()"
    child = Child("deaf", python(code, tmp_path / "up"), grace=0.3, ready=(tmp_path / "up").exists)
    with running(Supervisor([child], report=lines.append)):
        pass
    assert lines == ["deaf did not end within 0.3 s and is killed"]
    assert processes_of(tmp_path) == []


def test_a_child_starts_when_the_one_before_it_is_ready(tmp_path: Path) -> None:
    slow = "import sys, time; time.sleep(0.4); open(sys.argv[1], 'w'); time.sleep(600)"
    look = "import os, sys, time; open(sys.argv[2], 'w').write(str(os.path.exists(sys.argv[1]))); time.sleep(600)"
    up, seen = tmp_path / "up", tmp_path / "seen"
    children = [
        Child("slow", python(slow, up), ready=up.exists),
        Child("next", python(look, up, seen), ready=seen.exists),
    ]
    with running(Supervisor(children)):
        assert eventually(lambda: seen.read_text() == "True")


def test_a_child_that_never_gets_ready_ends_the_start_with_its_last_words(tmp_path: Path) -> None:
    argv = python("raise SystemExit('SMTP_URL: has no host')")
    child = Child("worker", argv, log=tmp_path / "worker.log", ready=lambda: False)
    others = Child("web", python(SLEEP, tmp_path))
    supervisor = Supervisor([others, child], start_within=0.5, report=lambda line: None)
    with pytest.raises(
        Unreachable, match=r"worker was not ready within 0.5 s, it died \(exit 1\): SMTP_URL: has no host"
    ):
        supervisor.run_until(threading.Event())
    assert processes_of(tmp_path) == []


class CountingEngines:
    """Engines that never die and count how often they were looked after."""

    looks = 0

    def ensure(self) -> None:
        self.looks += 1


def test_the_engines_are_looked_after_in_the_same_loop() -> None:
    engines = CountingEngines()
    with running(Supervisor([Child("web", python(SLEEP))], engines)):
        at_start = engines.looks
        assert eventually(lambda: engines.looks > at_start + 2)


def supervised_elsewhere(children: Sequence[str]) -> subprocess.Popen[str]:
    """A supervisor in a process of its own, as leader of a session; returns once it is ready."""
    code = f"""
import sys
from workers.process.keeper import Child
from workers.process.supervisor import Supervisor, stop_on_signals
Supervisor([{", ".join(children)}]).run_until(stop_on_signals(), on_ready=lambda: print("ready", flush=True))
"""
    supervisor = subprocess.Popen(
        [sys.executable, "-c", code], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert supervisor.stdout is not None
    assert supervisor.stdout.readline() == "ready\n"
    return supervisor


def test_children_do_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    sleeper = repr(python(SLEEP, tmp_path))
    supervisor = supervised_elsewhere([f"Child('a', {sleeper})", f"Child('b', {sleeper})"])
    assert eventually(lambda: len(processes_of(f"sleep(600) {tmp_path}")) == 2)
    supervisor.kill()
    supervisor.communicate()
    assert eventually(lambda: processes_of(tmp_path) == [])


def test_a_ctrl_c_reaches_only_the_supervisor(tmp_path: Path) -> None:
    argv = python(NOTES_ITS_END, "web", tmp_path / "notes", f"{tmp_path}/up-")
    supervisor = supervised_elsewhere([f"Child('web', {argv!r})"])
    assert eventually((tmp_path / "up-web").exists)
    os.killpg(supervisor.pid, signal.SIGINT)
    supervisor.communicate(timeout=20)
    assert supervisor.returncode == 0
    assert (tmp_path / "notes").read_text() == "web SIGTERM\n"


def test_children_do_not_end_with_the_thread_that_started_them() -> None:
    """Linux ties a child to the thread that forked it; the supervisor ties it to the process."""
    lines: list[str] = []
    supervisor = Supervisor([Child("web", python(SLEEP))], report=lines.append)
    starter = threading.Thread(target=supervisor.check)
    starter.start()
    starter.join()

    def died() -> bool:
        supervisor.check()
        return lines != []

    assert not eventually(died, within=0.5)
    supervisor.stop()


TELLS = """
import os, signal, sys, time
if sys.argv[2:] and os.path.exists(sys.argv[2]):
    raise SystemExit("no: refused")
signal.signal(signal.SIGTERM, lambda *_: (print("ends", os.getpid(), file=open(sys.argv[1], "a")), sys.exit()))
print("ready", os.getpid(), file=open(sys.argv[1], "a"))
open(os.environ["SHUKKA_READY_FILE"], "a").write(".")
time.sleep(600)
"""


def test_a_roll_ends_a_process_once_its_successor_is_ready_and_touches_nobody_else(tmp_path: Path) -> None:
    notes, lines = tmp_path / "notes", list[str]()
    rolled = Child("web", python(TELLS, notes), tells=tmp_path / "web.ready", rolls=True)
    supervisor = Supervisor([Child("gateway", python(SLEEP)), rolled], report=lines.append)
    with running(supervisor):
        before = supervisor.pids()
        assert supervisor.roll(threading.Event())
        after = supervisor.pids()
        assert notes.read_text().split() == [
            *f"ready {before['web']} ready {after['web']} ends {before['web']}".split()
        ]
        assert after["gateway"] == before["gateway"]
    assert lines == ["rolled: web"]
    assert list(tmp_path.glob("web.ready*")) == []


def test_a_successor_that_does_not_start_leaves_the_one_before_at_work(tmp_path: Path) -> None:
    notes, refusing, lines = tmp_path / "notes", tmp_path / "refusing", list[str]()
    argv = python(TELLS, notes, refusing)
    children = [
        Child(name, argv, tells=tmp_path / name, rolls=True, log=tmp_path / f"{name}.log") for name in ("worker", "web")
    ]
    supervisor = Supervisor(children, report=lines.append)
    with running(supervisor):
        before = supervisor.pids()
        refusing.touch()
        assert not supervisor.roll(threading.Event())
        assert supervisor.pids() == before
        assert "ends" not in notes.read_text()
    assert lines == ["worker is not rolled: its successor ended: no: refused"]


def test_those_that_end_together_are_told_at_once(tmp_path: Path) -> None:
    """The slow one is told first and ends last, and the others do not wait for their turn."""
    slow = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.5), note(), sys.exit()))\n"
    note = (
        "def note(): print(sys.argv[1], file=open(sys.argv[2], 'a'))\nopen(sys.argv[3], 'w').close()\ntime.sleep(600)"
    )
    quick = slow.replace("time.sleep(0.5), ", "")
    notes = tmp_path / "notes"
    children = [
        Child(
            name, python(code + note, name, notes, tmp_path / name), ready=(tmp_path / name).exists, together=together
        )
        for name, code, together in (("sandbox", quick, False), ("worker", quick, True), ("web", slow, False))
    ]
    with running(Supervisor(children)):
        pass
    assert notes.read_text().split() == ["worker", "web", "sandbox"]
