"""A supplier channel as somebody else writes it: a file for all of a day's shipments, in a folder that the maker empties."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, Field

from pipelines.ports import Outcome, Verdict
from pipelines.suppliers.channel import Batch, Channel, Means
from pipelines.suppliers.instructions import Instruction


class Settings(BaseModel):
    """Where the files go."""

    csv_folder: Path = Field(description="name the folder from which makers collect their files")


class CsvSender:
    """Writes a batch as one file, whole or not at all; the same batch makes the same file again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, batch: Batch) -> Sequence[Outcome]:
        outcomes = [_fault(one) or Outcome(Verdict.OK, says="instructed by file") for one in batch.instructions]
        good = [one for one, said in zip(batch.instructions, outcomes, strict=True) if said.verdict is Verdict.OK]
        name = f"{batch.supplier}-{batch.key.replace('/', '_')}.csv"
        try:
            if good:
                (self._folder / f"{name}.part").write_bytes(_file(good))
                os.replace(self._folder / f"{name}.part", self._folder / name)
        except OSError as error:
            says = f"the file of {batch.supplier} could not be written: {error.strerror}"
            return [Outcome(Verdict.RETRY, code="folder", says=says)] * len(outcomes)
        return outcomes

    async def aclose(self) -> None:
        return None


def _fault(one: Instruction) -> Outcome | None:
    """A name that a label program cannot print is told before it goes out (B.9)."""
    try:
        one.ship_to["name"].encode("cp932")
    except UnicodeEncodeError:
        says = f"the name of {one.shipment} cannot be printed"
        return Outcome(Verdict.DECLINED, code="unencodable", says=says)
    return None


def _file(instructions: Sequence[Instruction]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for one in instructions:
        for line in one.lines:
            writer.writerow([one.shipment, line["line"], line["sku"], line["quantity"], one.ship_to["name"]])
    return text.getvalue().encode("cp932")


def _open(settings: Settings, means: Means) -> CsvSender:
    return CsvSender(settings.csv_folder)


CHANNEL = Channel("csv", Settings, _open, batches=True)
