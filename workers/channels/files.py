"""Instructs a supplier by files of its label program, one set a cutoff, in a folder that it empties, and takes its answers from the
folder beside it (``workers/inbound_files.py``)."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final
from urllib.parse import quote

from pydantic import BaseModel, Field

from pipelines.files import FORMATS
from pipelines.files.label import Fault
from pipelines.ports import Outcome, Verdict
from pipelines.shops import Shop
from pipelines.shops.fulfilling import FILES
from pipelines.suppliers.channel import Batch, Channel, Means
from pipelines.suppliers.file_export import Told, write
from pipelines.suppliers.instructions import Instruction

NAME: Final = FILES
_DONE: Final = Outcome(Verdict.OK, says="instructed by file")


class Settings(BaseModel):
    """Where suppliers' folders are."""

    shukka_files: Path = Field(
        description="name the folder that holds a folder for each supplier that works with files"
    )


class Folder:
    """A supplier's folder: ``out`` is what it collects, ``in`` what it sends, ``answers`` what became of that."""

    def __init__(self, root: Path, supplier: str) -> None:
        place = root / quote(supplier, safe="")
        self.out, self.inbound, self.answers, self._sent = (
            place / "out",
            place / "in",
            place / "answers",
            place / ".sent",
        )

    def make(self) -> None:
        """Make what is not there. Raises OSError where it cannot be."""
        for one in (self.out, self.inbound, self.answers, self._sent):
            one.mkdir(parents=True, exist_ok=True)

    def put(self, name: str, data: bytes) -> None:
        """Put a file into ``out``, whole and once: what its supplier has taken away does not come again. Raises OSError."""
        part, mark = self._sent / f"{name}.part", self._sent / name
        if not mark.exists():
            _durable(part, data)
            mark.touch()
        with contextlib.suppress(FileNotFoundError):
            os.replace(
                part, self.out / name
            )  # unless an attempt that was cut off, which goes on in its thread, has done it


def _durable(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


class FileSender:
    """``Sender`` that writes a batch as its supplier's files; the same batch makes the same files again."""

    def __init__(self, root: Path, shops: Mapping[str, Shop]) -> None:
        self._root = root
        self._shops = shops

    async def send(self, batch: Batch) -> Sequence[Outcome]:
        """Write what can be printed; OK: it is in the folder, on the disk. DECLINED: no label can be printed, and why."""
        return await asyncio.to_thread(self._write, batch)

    async def aclose(self) -> None:
        """Nothing is held."""

    def _write(self, batch: Batch) -> Sequence[Outcome]:
        held: dict[str, Sequence[Fault]] = {}
        try:
            folder = Folder(self._root, batch.supplier)
            folder.make()
            for shop, told in groupby(sorted(batch.instructions, key=_place), key=lambda one: one.shop):
                held |= self._of_shop(folder, shop, list(told), batch)
        except OSError as error:
            says = f"the file of {batch.supplier} could not be written: {error.strerror or error}"
            return [Outcome(Verdict.RETRY, code="folder", says=says)] * len(batch.instructions)
        return [_outcome(held.get(one.shipment, ())) for one in batch.instructions]

    def _of_shop(
        self, folder: Folder, shop: str, told: Sequence[Instruction], batch: Batch
    ) -> Mapping[str, Sequence[Fault]]:
        settings = self._shops[shop].supplier(batch.supplier).files
        stem = f"{batch.supplier}-{shop}-{hashlib.blake2s(batch.key.encode(), digest_size=4).hexdigest()}"
        files, held = write([Told(one, settings) for one in told], FORMATS[settings.format], stem)
        for name, data in files.items():
            folder.put(name, data)
        return held


def _place(one: Instruction) -> tuple[str, str]:
    return one.shop, one.shipment


def _outcome(faults: Sequence[Fault]) -> Outcome:
    if not faults:
        return _DONE
    says = "; ".join(f"{fault.field}: {fault.reason}" for fault in faults)
    return Outcome(Verdict.DECLINED, code="unprintable", says=says)


def _open(settings: Settings, means: Means) -> FileSender:
    return FileSender(settings.shukka_files, means.shops)


CHANNEL = Channel(NAME, Settings, _open, batches=True)
