"""Group commit: what comes in while a transaction is under way shares the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

In = TypeVar("In")
Out = TypeVar("Out")


class Group(Generic[In, Out]):
    """Collects items from concurrent tasks and hands them to ``flush`` together, in a thread.

    No timer: an idle group flushes the first item at once, a busy one flushes whatever has gathered meanwhile, up to
    ``limit``. Nobody gets an answer before ``flush`` has returned. An exception of ``flush`` reaches every member.
    """

    def __init__(self, flush: Callable[[Sequence[In]], Sequence[Out]], limit: int = 200) -> None:
        self._flush = flush
        self._limit = limit
        self._waiting: list[tuple[In, asyncio.Future[Out]]] = []
        self._running: asyncio.Task[None] | None = None

    async def submit(self, item: In) -> Out:
        """Hand ``item`` over and wait for its answer."""
        future: asyncio.Future[Out] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._running is None:
            self._running = asyncio.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
                try:
                    answers = await asyncio.to_thread(self._flush, [item for item, _ in batch])
                except Exception as error:  # noqa: BLE001 - handed to every member of the group
                    for _, future in batch:
                        if not future.done():
                            future.set_exception(error)
                    continue
                for (_, future), answer in zip(batch, answers, strict=True):
                    if not future.done():
                        future.set_result(answer)
        finally:
            self._running = None
            if self._waiting:
                self._running = asyncio.create_task(self._drain())
