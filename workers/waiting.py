"""Threads of a worker that wait until there is something, instead of looking once a second whether there is.

dramatiq's look: thirty threads and consumers a process that wake one another at the interpreter's lock, each for nothing. Ours wait
without a limit and are woken at the end.
"""

from __future__ import annotations

from queue import Empty, PriorityQueue
from typing import Any

import dramatiq
from dramatiq.middleware import Middleware

from workers.redis_broker import CarefulRedisBroker


class Stock(PriorityQueue[Any]):
    """What a process has fetched and no thread has begun. Whoever waits for more waits until there is some, or until the end."""

    def __init__(self) -> None:
        super().__init__()
        self._closed = False

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """The next item; raises Empty where there is none and nobody is to wait, and for who waits after ``close``. ``timeout``
        is dramatiq's, and is not needed."""
        with self.not_empty:
            while block and not self._closed and not self._qsize():
                self.not_empty.wait()
            if not self._qsize() or (block and self._closed):
                raise Empty
            return self._get()

    def close(self) -> None:
        """Wake all who wait; from now on nobody waits. What is left is for who takes stock of it."""
        with self.not_empty:
            self._closed = True
            self.not_empty.notify_all()


class Patience(Middleware):
    """Gives a worker such a stock, and wakes everybody when it is to end. Added last: what others do at the end comes first."""

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Before any thread of the worker's own runs."""
        worker.work_queue = Stock()

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        """Threads end after what they are at."""
        for thread in worker.workers:
            thread.stop()
        if isinstance(worker.work_queue, Stock):
            worker.work_queue.close()
        if isinstance(broker, CarefulRedisBroker):
            broker.stop_waiting()
