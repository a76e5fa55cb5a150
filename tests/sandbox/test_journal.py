"""Journals: what was acknowledged is there after a power cut, what was not does not disturb."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.sandbox.journal import Journal, read

WRITER = """
import asyncio, sys
from pathlib import Path
from workers.sandbox.journal import Journal

async def write(journal, who):
    n = 0
    while True:
        await journal.write({"who": who, "n": n})
        print(who, n, flush=True)
        n += 1

async def main():
    journal = Journal(Path(sys.argv[1]))
    await asyncio.gather(*(write(journal, who) for who in range(4)))

asyncio.run(main())
"""

SMALL_DISK = """
import asyncio, resource, sys
from pathlib import Path
from workers.sandbox.journal import Journal

async def main():
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    journal = Journal(Path(sys.argv[1]))
    for record in ({"n": 1}, {"n": "x" * 200}, {"n": 3}):
        try:
            await journal.write(record)
            print("written")
        except OSError:
            print("refused")

asyncio.run(main())
"""


def test_every_acknowledged_record_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    acknowledged: dict[int, int] = {}
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            who, n = map(int, line.split())
            acknowledged[who] = n
            if sum(acknowledged.values()) >= 200:
                break
        writer.kill()
    records = list(read(path))
    for who, last in acknowledged.items():
        numbers = [record["n"] for record in records if record["who"] == who]
        assert numbers == list(range(len(numbers)))
        assert len(numbers) > last


@given(torn=st.binary(max_size=80).filter(lambda rest: b"\n" not in rest))
def test_a_torn_last_line_is_not_read_and_is_cut_off_before_the_next_write(
    tmp_path_factory: pytest.TempPathFactory, torn: bytes
) -> None:
    path = tmp_path_factory.mktemp("torn") / "journal"
    path.write_bytes(b'{"n":1}\n{"n":2}\n' + torn)
    assert [record["n"] for record in read(path)] == [1, 2]
    write(path, {"n": 3})
    assert [record["n"] for record in read(path)] == [1, 2, 3]


def test_a_torn_first_line_longer_than_a_block_leaves_an_empty_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(b'{"n":"' + b"x" * 200_000)
    write(path, {"n": 1})
    assert list(read(path)) == [{"n": 1}]


def test_a_missing_journal_is_empty_and_its_directory_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "journal"
    assert list(read(path)) == []
    write(path, {"n": 1})
    assert list(read(path)) == [{"n": 1}]


def test_after_the_disk_refused_a_record_nothing_more_is_written_and_the_rest_stays_readable(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    said = subprocess.run([sys.executable, "-c", SMALL_DISK, str(path)], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["written", "refused", "refused"]
    assert [record["n"] for record in read(path)] == [1]


def write(path: Path, *records: dict[str, int]) -> None:
    async def scenario() -> None:
        async with Journal(path) as journal:
            await asyncio.gather(*(journal.write(record) for record in records))

    asyncio.run(scenario())
