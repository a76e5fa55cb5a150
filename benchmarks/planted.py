"""``make planted``: faults planted in the product, one at a time, each of which the judge named for it must catch.

A fault is a piece of source that is replaced in a copy of the tree; the copy then lives through a fixed traffic
(``benchmarks.planted_traffic``) and its judges are asked. Exit 1 where a fault is not caught by its judge, where the tree as it is
raises anything, or where a judge of the registry has no fault. A piece that is no longer there ends the run at once.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from typing import Final

import orjson
from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url, text

from benchmarks.planted_faults import FAULTS, Fault
from models.database import OPERATOR, connect
from models.migrations import upgrade
from workers.audit.registry import JUDGES
from workers.audit.standing import JUDGES as STANDING
from workers.demo.trial import remove, scratch
from workers.process.embedded import EmbeddedEngines

ROOT: Final = Path(__file__).resolve().parents[1]
_TREE: Final = ("models", "pipelines", "workers", "templates_mail", "benchmarks")
_TEMPLATE: Final = "planted_template"
#: Real seconds that a run may take before it counts as one that never comes to rest.
PATIENCE: Final = 600


@dataclass(frozen=True, slots=True)
class Caught:
    """``judges`` that found something, by how many sentences; ``first`` is what the one named said first; ``error`` where the run
    itself broke down."""

    fault: Fault | None
    judges: dict[str, int]
    first: str
    seconds: float
    error: str = ""

    @property
    def is_right(self) -> bool:
        """Whether the judge named for the fault caught it; of no fault, whether nobody found anything."""
        if self.fault is None:
            return not self.judges and not self.error
        return self.fault.judge in self.judges


class Nursery:
    """Copies of the tree, one for each that runs at a time, and a database server, in which faults are planted."""

    def __init__(self, root: Path, url: str, beds: int) -> None:
        self._url = url
        self._numbers = count(1)
        self._beds: SimpleQueue[Path] = SimpleQueue()
        for bed in range(beds):
            tree = root / f"tree-{bed}"
            for name in _TREE:
                shutil.copytree(ROOT / name, tree / name)  # with what is compiled: it goes by each file's time
            self._beds.put(tree)
        for setting in ("fsync", "full_page_writes"):
            self._execute(f"ALTER SYSTEM SET {setting} = off")
        self._execute("SELECT pg_reload_conf()")
        self._execute(f"CREATE DATABASE {_TEMPLATE}")
        engine = connect(self._named(_TEMPLATE), OPERATOR, application="shukka-planted")
        upgrade(engine)
        engine.dispose()

    def run_all(self, faults: Sequence[Fault | None]) -> Iterator[Caught]:
        """The traffic with each of ``faults``, as many at a time as there are copies of the tree, in the order in which they end."""
        with ThreadPoolExecutor(self._beds.qsize()) as threads:
            for one in as_completed([threads.submit(self.run, fault) for fault in faults]):
                yield one.result()

    def run(self, fault: Fault | None) -> Caught:
        """The traffic with ``fault``, or with none."""
        with self._planted(fault) as tree, self._database() as url:
            began = time.monotonic()
            command = [sys.executable, "-m", "benchmarks.planted_traffic", url, "--tree", str(tree)]
            environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
            try:
                done = subprocess.run(
                    command, cwd=tree, env=environment, capture_output=True, timeout=PATIENCE, check=False
                )
            except subprocess.TimeoutExpired:
                return Caught(fault, {}, "", time.monotonic() - began, "it never came to rest")
            seconds = time.monotonic() - began
        if done.returncode:
            return Caught(fault, {}, "", seconds, done.stderr.decode().strip().rpartition("\n")[2])
        found = orjson.loads(done.stdout)
        judges: dict[str, int] = {}
        for judge, _ in found:
            judges[judge] = judges.get(judge, 0) + 1
        named = fault.judge if fault else next(iter(judges), "")
        return Caught(fault, judges, next((says for judge, says in found if judge == named), ""), seconds)

    @contextmanager
    def _planted(self, fault: Fault | None) -> Iterator[Path]:
        tree = self._beds.get()
        try:
            if fault is not None:
                (tree / fault.file).write_text(planted((ROOT / fault.file).read_text("utf-8"), fault), "utf-8")
            yield tree
        finally:
            if fault is not None:
                shutil.copy2(ROOT / fault.file, tree / fault.file)
            self._beds.put(tree)

    @contextmanager
    def _database(self) -> Iterator[str]:
        name = f"planted_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY file_copy")
        try:
            yield self._named(name)
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _named(self, database: str) -> str:
        return make_url(self._url).set(database=database).render_as_string(hide_password=False)

    def _execute(self, statement: str) -> None:
        admin = connect(self._named("postgres")).execution_options(isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(statement))
        admin.dispose()


def planted(source: str, fault: Fault) -> str:
    """``source`` with the fault in it. Raises LookupError where what it replaces is not there, or not once."""
    if source.count(fault.old) != 1:
        raise LookupError(f"{fault.name}: {fault.file} has {source.count(fault.old)} times, not once: {fault.old!r}")
    return source.replace(fault.old, fault.new)


def check(faults: Sequence[Fault]) -> None:
    """Raises LookupError for the first fault that cannot be planted any more."""
    for fault in faults:
        planted((ROOT / fault.file).read_text("utf-8"), fault)


@contextmanager
def nursery(beds: int) -> Iterator[Nursery]:
    """A nursery on embedded engines of its own in which ``beds`` faults are looked at together, gone with the block."""
    root = scratch("planted")
    try:
        with EmbeddedEngines(root / "data", valkey=False) as urls:
            yield Nursery(root, urls.database_url or "", beds)
    finally:
        remove(root)


def without_fault(faults: Sequence[Fault]) -> list[str]:
    """Judges of the journals, and of what stands still, for which no fault is planted."""
    named = {fault.judge for fault in faults}
    judges = [*(one.name for one in JUDGES), *(one.name for one in STANDING)]
    return [name for name in judges if name not in named]


def show(results: Sequence[Caught], console: Console) -> None:
    """The table."""
    table = Table("fault", "judge named", "caught by", "seconds", box=None, pad_edge=False)
    for one in results:
        name, named = (one.fault.name, one.fault.judge) if one.fault else ("(none)", "nobody")
        by = one.error or ", ".join(f"{judge} {count}" for judge, count in one.judges.items()) or "nobody"
        table.add_row(name, named, by if one.is_right else f"NOT: {by}", f"{one.seconds:.1f}")
    console.print(table)


def main() -> int:
    """Plant them all, print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planted", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only this fault; may be repeated")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    asked = parser.parse_args()
    faults = [one for one in FAULTS if not asked.only or one.name in asked.only]
    check(faults)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    results: list[Caught] = []
    with nursery(asked.jobs) as garden:
        for one in garden.run_all([None, *faults]):
            results.append(one)
            name, says = one.fault.name if one.fault else "the tree as it is", one.first or one.error
            console.print(f"{name}: {'ok' if one.is_right else 'NOT'}  {says}", markup=False, soft_wrap=True)
            sys.stdout.flush()
    show(results, console)
    idle = [] if asked.only else without_fault(faults)
    caught = sum(one.is_right for one in results if one.fault)
    console.print(
        f"{caught} of {len(faults)} caught by the judge named for them; judges without a fault: {', '.join(idle) or 'none'}"
    )
    return 0 if not idle and all(one.is_right for one in results) else 1


if __name__ == "__main__":
    sys.exit(main())
