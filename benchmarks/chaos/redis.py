"""Injuries between the service and Redis, and of Redis itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from benchmarks.chaos.field import REDIS, Field
from benchmarks.chaos.injury import Boundary, Count, Inflict, Injury, Unhealed, refuse, wired
from benchmarks.wire import ANSWERS, NOTHING, Wire


def _flushed(field: Field) -> Iterator[Count]:
    with field.redis() as server:
        done = server.flushall()
    yield lambda: int(bool(done))


def _older(field: Field) -> Iterator[Count]:
    """It comes back as it was before: what it knew since is gone, and what was taken from it is there again."""
    with field.redis() as server:
        kept = _dump(server)
    yield lambda: 0 if not kept else 1
    with field.redis() as server:
        server.flushall()
        for key, value in kept.items():
            server.restore(key, 0, value, replace=True)
    pid = field.pid("valkey")
    os.kill(pid, signal.SIGTERM)
    if not field.came_back("valkey", pid):
        raise Unhealed("Valkey did not come back")


def _dump(server: Any) -> dict[bytes, bytes]:
    found = {key: server.dump(key) for key in server.scan_iter()}
    return {key: cast("bytes", value) for key, value in found.items() if value is not None}


def _wired(hurt: Callable[[Wire], object]) -> Inflict:
    return wired(lambda field: field.wires[REDIS], hurt)


def _full(field: Field) -> Iterator[Count]:
    """It has no memory left and refuses what is to be kept."""
    refused = field.wires[REDIS].strike("full", ANSWERS, b"-OOM ", NOTHING, most=None)
    with field.redis() as server:
        server.config_set("maxmemory", "1")
        try:
            yield lambda: refused.struck
        finally:
            server.config_set("maxmemory", "0")
            field.wires[REDIS].withdraw(refused)


INJURIES: Sequence[Injury] = (
    Injury("FLUSHALL", Boundary.REDIS, "every key is gone", "the clock rings for what is due", contextmanager(_flushed)),
    Injury("Redis gone", Boundary.REDIS, "25 s without: connections are reset, new ones refused", "it is there",
           _wired(refuse), 25.0, is_quick=False),
    Injury("Redis cut", Boundary.REDIS, "every connection is reset at once", "new ones are open", _wired(Wire.cut)),
    Injury("Redis frozen", Boundary.REDIS, "nothing passes, either way, for 6 s", "it passes", _wired(Wire.freeze), 6.0),
    Injury("Redis slow", Boundary.REDIS, "200 ms later, each way", "no delay", _wired(lambda wire: wire.delay(0.2)), 4.0),
    Injury("Redis full", Boundary.REDIS, "it refuses every message: no memory", "it has memory", contextmanager(_full), 3.0),
    Injury("older dump", Boundary.REDIS, "it starts again with the messages of some seconds ago", "none is needed",
           contextmanager(_older), 4.0),
)  # fmt: skip
