"""``python -m benchmarks.idle``: what the whole service costs while nobody asks anything of it.

Processor time, wake-ups (voluntary context switches of every thread) and memory (PSS) of ``shukka up`` and all that it runs but the
sandboxes, which stand for partners, as Linux counts them in /proc.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.descendants import tree
from benchmarks.part import Figure, Part
from workers.demo.trial import remove, scratch
from workers.process.service import free_port

_TICKS: Final = os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    """What a process and its children have cost so far: processor seconds, wake-ups; and megabytes now, how many there are."""

    seconds: float = 0.0
    wakes: int = 0
    memory: float = 0.0
    processes: int = 0


def cost(pids: Collection[int]) -> Cost:
    """What ``pids`` have cost in all; one that is gone has cost nothing."""
    total = Cost()
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            one = _of(Path("/proc") / str(pid))
            total = Cost(
                total.seconds + one.seconds,
                total.wakes + one.wakes,
                total.memory + one.memory,
                total.processes + one.processes,
            )
    return total


def _of(place: Path) -> Cost:
    _, _, rest = (place / "stat").read_text().rpartition(")")
    fields = rest.split()
    user, system = (int(fields[at]) for at in (11, 12))
    wakes = 0
    for task in (place / "task").iterdir():
        wakes += _number(task / "status", "voluntary_ctxt_switches")
    return Cost((user + system) / _TICKS, wakes, _number(place / "smaps_rollup", "Pss") / 1024, 1)


def _number(file: Path, name: str) -> int:
    for line in file.read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            (number, *_) = value.split()
            return int(number)
    return 0


#: What a part's processes are called: the first whose word is in the command line.
_PARTS: Final = {
    "sandbox": "workers.sandbox.",
    "fork server": "workers.process.fork_server",
    "worker": "workers.process.master",
    "clock": "workers.pacemaker",
    "web": "workers.web.serve",
    "valkey": "valkey-server",
    "postgres": "postgres",
    "up": "workers.cli.main up",
}


def measure(seconds: float, settle: float) -> Mapping[str, Cost]:
    """What each part of ``shukka up`` cost in ``seconds`` of idleness, ``settle`` seconds after everything has started; the
    sandboxes, which stand for partners, are left out."""
    root, port = scratch("idle"), free_port()
    argv = [sys.executable, "-m", "workers.cli.main", "up", "--port", str(port), "--data", str(root)]
    up = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        _until_it_answers(up)
        time.sleep(settle)
        parts = _parts(up.pid)
        before = {name: cost(of) for name, of in parts.items()}
        time.sleep(seconds)
        after = {name: cost(of) for name, of in parts.items()}
    finally:
        up.terminate()
        up.wait()
        remove(root)
    return {
        name: Cost(after[name].seconds - was.seconds, after[name].wakes - was.wakes, *after[name][2:])
        for name, was in before.items()
    }


def _until_it_answers(up: subprocess.Popen[str]) -> None:
    assert up.stdout is not None
    said = []
    for line in up.stdout:
        said.append(line)
        if line.startswith("Shukka answers"):
            return
    raise SystemExit(f"shukka up did not come up: {''.join(said)}")


def _parts(root: int) -> dict[str, list[int]]:
    """The processes below ``root`` by part."""
    parts: dict[str, list[int]] = {name: [] for name in _PARTS if name != "sandbox"}
    for pid in tree(root):
        with suppress(OSError):
            line = (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            part = next((name for name, word in _PARTS.items() if word in line), "sandbox")
            parts.get(part, []).append(pid)
    return parts


def _figures(short: bool) -> Iterator[Figure]:
    seconds = 8.0 if short else 60.0
    found = measure(seconds, 5.0 if short else 20.0)
    for name, one in found.items():
        yield Figure(f"{name}, wake-ups a second", one.wakes / seconds, "")
        yield Figure(f"{name}, memory (PSS)", one.memory, "MiB")
    yield Figure("all, of a core", 100 * sum(one.seconds for one in found.values()) / seconds, "%")
    yield Figure("all, wake-ups a second", sum(one.wakes for one in found.values()) / seconds, "")
    yield Figure("all, memory (PSS)", sum(one.memory for one in found.values()), "MiB")


PART = Part(
    "idle",
    "`shukka up` with web, worker, clock, PostgreSQL and Valkey while nobody asks anything",
    "sandboxes; open connections of customers; jobs that come once a day",
    _figures,
)


def main() -> int:
    """Print what each part costs a second."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.idle")
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--settle", type=float, default=20.0, help="seconds before, in which what starts has started")
    given = options.parse_args()
    found = measure(given.seconds, given.settle)
    table = Table("part", "processes", "% of a core", "wake-ups/s", "PSS MiB", box=None)
    for name, one in (*found.items(), ("all", Cost(*(sum(column) for column in zip(*found.values(), strict=True))))):
        table.add_row(
            name,
            str(one.processes),
            f"{100 * one.seconds / given.seconds:.2f}",
            f"{one.wakes / given.seconds:.0f}",
            f"{one.memory:.0f}",
        )
    Console().print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
