"""The peers by their distributions' names: the module of each, and the commands of its two worker processes.

Nothing of a peer is imported here: its module reads where it is from the environment of its own processes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from benchmarks.peers.tally import OSCAR, OURS, Books

Commands = Sequence[Sequence[str]]


class Peer(NamedTuple):
    """``workers`` answers the commands, for the whole path or for the engine's; ``prepare`` those that make its own tables; ``books`` say
    where its orders stand, ``paths`` which it goes."""

    module: str
    workers: Callable[[str, bool], Commands]
    prepare: Callable[[str], Commands] = lambda module: ()
    books: Books = OURS
    paths: Sequence[str] = ("engine", "whole")

    @property
    def path(self) -> str:
        """The module's whole name."""
        return f"benchmarks.peers.programs.{self.module}"

    def web(self, port: str) -> Sequence[str]:
        """The command of the one process that takes orders and suppliers' news."""
        return _python("uvicorn", "benchmarks.peers.web:app", "--port", port, "--log-level", "error", "--no-access-log")

    def commands(self, *, is_whole: bool) -> Commands:
        """What is started; each ends with all its children on SIGTERM."""
        return self.workers(self.path, is_whole)


def _dramatiq(module: str, is_whole: bool) -> Commands:
    # Few threads where the interpreter is what is short, its default where most of a task is waiting for partners.
    threads = "8" if is_whole else "4"
    return [_python("dramatiq", module, "--processes", "2", "--threads", threads, "--use-spawn")]


def _celery(module: str, is_whole: bool) -> Commands:
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "ERROR")
    return [_python("celery", "-A", module, "worker", "--pool", "prefork", "--concurrency", "2", *quiet)]


def _taskiq(module: str, is_whole: bool) -> Commands:
    return [_python("taskiq", "worker", f"{module}:broker", "--workers", "2", "--log-level", "ERROR")]


def _procrastinate(module: str, is_whole: bool) -> Commands:
    worker = ("worker", "--concurrency", "8", "--delete-jobs", "successful")
    return [_python("procrastinate", "--app", f"{module}.app", *worker)] * 2


def _dbos(module: str, is_whole: bool) -> Commands:
    return [_python(module, str(n)) for n in range(2)]


def _oscar(module: str, is_whole: bool) -> Commands:
    return [_python(module)] * 2


def _python(*arguments: str) -> Sequence[str]:
    return (sys.executable, "-m", *arguments)


PEERS: Final[Mapping[str, Peer]] = {
    "dramatiq": Peer("with_dramatiq", _dramatiq),
    "celery": Peer("with_celery", _celery),
    "taskiq": Peer("with_taskiq", _taskiq),
    "procrastinate": Peer(
        "with_procrastinate",
        _procrastinate,
        lambda module: [_python("procrastinate", "--app", f"{module}.app", "schema", "--apply")],
    ),
    "django-oscar": Peer("with_oscar", _oscar, lambda module: [_python(module, "prepare")], OSCAR, paths=("engine",)),
    "dbos": Peer("with_dbos", _dbos, lambda module: [_python(module, "prepare")]),
}
