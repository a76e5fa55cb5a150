"""Injuries of processes: killed, paused, told to stop, doubled, starved of memory."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.chaos.field import BOUND, LOOK, Field
from benchmarks.chaos.injury import Boundary, Count, Inflict, Injury, Unhealed
from benchmarks.descendants import children_of
from workers.process import fork_server
from workers.process.child import bury, end, has_ended, launch, wait_until

#: The service's own, in the order in which a rolling restart takes them.
OWN = ("worker", "clock", "web")
#: Real seconds: longer than an effect is leased (``workers/effects/loop.py``), and than a periodic job is.
BEYOND_AN_EFFECT, BEYOND_A_JOB = 23.0, 63.0
_REPLACED = "its keeper starts another"
_TOLD_WITHIN = 20.0
#: Bytes. Nothing at all would be as good as no limit to the kernel (``may_expand_vm`` in mm/mmap.c).
_ONE_PAGE = resource.getpagesize()
#: What is said where memory was refused: by Python, by the system, for a thread's stack, by libpq.
_NO_MEMORY = (b"MemoryError", b"Cannot allocate memory", b"can't start new thread", b"out of memory")


def _dies(name: str, signal_: signal.Signals) -> Inflict:
    @contextmanager
    def inflict(field: Field) -> Iterator[Count]:
        pid = field.pid(name)
        if signal_ == signal.SIGKILL:
            field.kill(pid)
        else:
            os.kill(pid, signal_)
        yield lambda: int(field.is_replaced(name, pid) or not _lives(pid))
        _wait_for(field, name, pid)

    return inflict


def _child_dies(field: Field) -> Iterator[Count]:
    """A master cannot go on without one of its children: it ends, and both are started anew."""
    master, child = field.pid("worker"), _child_of(field, "worker")
    field.kill(child)
    yield lambda: int(not _lives(child))
    _wait_for(field, "worker", master)


def _pauses(name: str) -> Inflict:
    @contextmanager
    def inflict(field: Field) -> Iterator[Count]:
        pid = field.pid(name)
        os.killpg(pid, signal.SIGSTOP)
        try:
            yield lambda: int(_state(pid) == "T")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGCONT)

    return inflict


def _rolls(field: Field) -> Iterator[Count]:
    """The supervisor gives each a successor before it tells it to stop."""
    before = {child.name: field.pid(child.name) for child in field.trial.children if child.rolls}
    field.trial.processes.roll.set()

    def replaced() -> int:
        return sum(field.is_replaced(name, pid) for name, pid in before.items())

    yield replaced
    for name, pid in before.items():
        _wait_for(field, name, pid)


def _doubles(field: Field) -> Iterator[Count]:
    clock = next(child for child in field.trial.children if child.name == "clock")
    second = launch(clock.argv, env=clock.env, log=field.trial.root / "log" / "second-clock.log")
    try:
        yield lambda: int(not has_ended(second))
    finally:
        end(second.pid, [(signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0)], gone=lambda: has_ended(second))
        bury(second)


def _starves(field: Field) -> Iterator[Count]:
    """No page more than they are born with, for the next worker and its processes: one that has worked for long has all that it
    needs. That they lacked it is told by their log, or by their end, since they do not get ready; who follows them has memory."""
    before_it, log = field.pid("worker"), _log_of(field, "worker")
    said = log.stat().st_size
    server = _fork_server()
    usual = resource.prlimit(server, resource.RLIMIT_DATA)
    resource.prlimit(server, resource.RLIMIT_DATA, (_ONE_PAGE, usual[1]))
    try:
        field.kill(before_it)
        _wait_for(field, "worker", before_it)
    finally:
        with suppress(ProcessLookupError):
            resource.prlimit(server, resource.RLIMIT_DATA, usual)
    starved = field.pid("worker")
    try:
        yield lambda: _refusals(log, said) + int(field.is_replaced("worker", starved))
    finally:
        for pid in _those_born_of(field):
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_DATA, usual)


def _those_born_of(field: Field) -> Sequence[int]:
    master = field.trial.pids().get("worker")
    return [master, *field.children_of("worker")] if master is not None else []


def _fork_server() -> int:
    """Who forks this run's processes. Raises Unhealed if nobody does."""
    for pid in children_of(os.getpid()):
        with suppress(OSError):
            if fork_server.__name__ in Path(f"/proc/{pid}/cmdline").read_text():
                return pid
    raise Unhealed("there is no fork server")


def _child_of(field: Field, name: str) -> int:
    if not wait_until(lambda: bool(field.children_of(name)), patience=BOUND, pause=LOOK):
        raise Unhealed(f"{name} started nobody")
    return field.children_of(name)[-1]


def _wait_for(field: Field, name: str, pid: int) -> None:
    if not wait_until(lambda: field.is_replaced(name, pid), patience=BOUND + _TOLD_WITHIN, pause=LOOK):
        raise Unhealed(f"{name} did not come back")


def _lives(pid: int) -> bool:
    return _state(pid) not in ("", "Z", "X")


def _state(pid: int) -> str:
    """The letter of its state; "" where there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


def _log_of(field: Field, name: str) -> Path:
    log = next(child.log for child in field.trial.children if child.name == name)
    assert log is not None
    return log


def _refusals(log: Path, since: int) -> int:
    """How often memory was refused in what the log says from byte ``since`` on."""
    with log.open("rb") as lines:
        lines.seek(since)
        said = lines.read()
    return sum(said.count(words) for words in _NO_MEMORY)


def _killed(name: str, what: str) -> Injury:
    return Injury(f"{what} killed", Boundary.PROCESSES, "SIGKILL", _REPLACED, _dies(name, signal.SIGKILL))


def _stopped(name: str) -> Injury:
    return Injury(
        f"{name} told to stop", Boundary.PROCESSES, "SIGTERM under load", _REPLACED, _dies(name, signal.SIGTERM),
        patience=_TOLD_WITHIN,
    )  # fmt: skip


def _paused(name: str, seconds: float) -> Injury:
    does = f"SIGSTOP for {seconds:.0f} s, longer than what it leased"
    return Injury(f"{name} paused", Boundary.PROCESSES, does, "SIGCONT", _pauses(name), seconds, is_quick=False)


INJURIES: Sequence[Injury] = (
    Injury(
        "worker child killed", Boundary.PROCESSES, "SIGKILL for one of a worker's processes", _REPLACED,
        contextmanager(_child_dies),
    ),
    _killed("worker", "worker"),
    _killed("web", "web"),
    _killed("clock", "clock"),
    _killed("valkey", "Valkey"),
    _killed("postgres", "PostgreSQL"),
    _paused("worker", BEYOND_AN_EFFECT),
    _paused("web", BEYOND_AN_EFFECT),
    _paused("clock", BEYOND_A_JOB),
    *map(_stopped, OWN),
    Injury(
        "rolling restart", Boundary.PROCESSES, "all that rolls gets a successor, then is told to stop", _REPLACED,
        contextmanager(_rolls), 1.0, 60.0, is_quick=False,
    ),
    Injury("two clocks", Boundary.PROCESSES, "a second clock beside the first", "it is told to stop",
           contextmanager(_doubles), 4.0),
    Injury("worker out of memory", Boundary.PROCESSES, "SIGKILL, and the next worker gets no memory (RLIMIT_DATA)",
           "the limit is lifted", contextmanager(_starves), 3.0, 40.0, is_quick=False),
)  # fmt: skip
