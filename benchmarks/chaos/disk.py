"""Injuries of the disk. It is a real one, in memory, with the tables that grow: it takes an account that may mount."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.chaos.database import answered
from benchmarks.chaos.field import Field
from benchmarks.chaos.injury import Boundary, Count, Injury, Unhealed


def _full(field: Field) -> Iterator[Count]:
    if field.disk is None:
        raise Unhealed("no disk could be mounted here: run it as root, where tmpfs can be mounted")
    with answered(field, "53100") as count:
        field.disk.fill()
        try:
            yield count
        finally:
            field.disk.empty()


INJURIES: Sequence[Injury] = (
    Injury("disk full", Boundary.DISK, "53100: no byte is free for orders, mails and moves", "there is room",
           contextmanager(_full), 4.0, 20.0, is_quick=False),
)  # fmt: skip
