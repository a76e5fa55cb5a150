"""The journal of a demo process: append-only JSON lines, durable before anything is answered.

A record counts once its line ends in a newline on the disk; what follows the last newline is the rest of a write that a
crash cut short, was never acknowledged, and is dropped.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import orjson

_BLOCK = 65_536


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Every whole record of the journal at ``path``, oldest first; none if there is no such file."""
    if not path.exists():
        return
    with path.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                return
            yield orjson.loads(line)


class Journal:
    """An append-only journal whose writers share one ``fsync``.

    Records that arrive while the disk is busy go together in the next write, so the rate is bound by the group and not
    by the disk's latency.  Use from one event loop.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the journal at ``path``; a torn last line is cut off. Raises OSError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self._size = _end_of_last_line(self._file)
        os.ftruncate(self._file, self._size)
        _sync_directory(path.parent)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        self.failed = False
        """True once the disk has refused a write; nothing is written after that."""

    async def write(self, record: Mapping[str, Any]) -> None:
        """Append ``record``; returns once it is durable. Raises OSError where the disk refuses it."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((orjson.dumps(record) + b"\n", done))
        if self._writer is None:
            self._writer = asyncio.create_task(self._drain())
        await done

    async def aclose(self) -> None:
        """Wait for what is being written and close the file."""
        if self._writer is not None:
            await self._writer
        self._thread.shutdown()
        os.close(self._file)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            group, self._waiting = self._waiting, []
            failure: OSError | None = None
            try:
                await loop.run_in_executor(self._thread, self._append, b"".join(line for line, _ in group))
            except OSError as error:
                failure = error
            for _, done in group:
                if done.done():  # its writer was cancelled
                    continue
                if failure is None:
                    done.set_result(None)
                else:
                    done.set_exception(failure)
        self._writer = None

    def _append(self, lines: bytes) -> None:
        if self.failed:
            raise OSError("an earlier write failed")
        rest = memoryview(lines)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
            os.fdatasync(self._file)
        except OSError:
            # Half a line in the middle would make every later record unreadable.
            self.failed = True
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(lines)


def _end_of_last_line(file: int) -> int:
    end = os.fstat(file).st_size
    while end:
        start = max(0, end - _BLOCK)
        newline = os.pread(file, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
