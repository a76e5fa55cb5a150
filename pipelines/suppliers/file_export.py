"""What a supplier has to send, as files of its label program (出荷指示ファイル)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import quote

from sqlalchemy import Connection

from models.store import effect_items, supplier_files
from pipelines.errors import Invalid, Problem
from pipelines.files.file_format import FileFormat
from pipelines.files.label import Fault
from pipelines.orders.document import is_kept_by
from pipelines.shops import Shop
from pipelines.shops.supplier_files import SupplierFiles
from pipelines.suppliers.instructions import (
    Instruction,
    stored_instruction,
)
from pipelines.suppliers.labels import label_of
from pipelines.suppliers.telling import complete, paid_on_delivery

_ENDINGS: Final = ".csv"


class Told(NamedTuple):
    """What a supplier was told, and its files as the shop has them that told it."""

    instruction: Instruction
    settings: SupplierFiles


@dataclass(frozen=True, slots=True)
class Exported:
    """Files by name, and the shipments that no label can be printed for, each with the reasons; ``shipments`` are all that were
    looked at."""

    files: Mapping[str, bytes]
    held: Mapping[str, Sequence[Fault]]
    shipments: int


def export(connection: Connection, shops: Mapping[str, Shop], supplier: str, form: FileFormat) -> Exported:
    """The supplier's shipments that it was told of and that have not wholly left, by the day on which they leave: in one file, with each
    shop's own sender, but for shops that differ in what a file of this format has once (B.5). Nothing is marked: the same again gives
    the same bytes under the same names. Raises Invalid for a format that is read only."""
    rows = supplier_files.to_write(connection, supplier, list(shops))
    paid = paid_on_delivery((row.order_id, row.document) for row in rows)
    due = {row.order_id: row for row in effect_items.on_delivery(connection, paid)}
    told = [
        complete(stored_instruction(row, supplier), shops[row.shop], row.document, due.get(row.order_id))
        for row in rows
        if not is_kept_by(row.document, supplier)
    ]
    files: dict[str, bytes] = {}
    held: dict[str, Sequence[Fault]] = {}
    together = _together([Told(one, shops[one.shop].supplier(supplier).files) for one in told], form)
    for ours in together or [[]]:
        of = "-".join(sorted({one.instruction.shop for one in ours}))
        written, why = write(ours, form, supplier if len(together) < 2 else f"{supplier}-{of}")
        files |= written
        held |= why
    return Exported(files, held, len(told))


def _together(told: Sequence[Told], form: FileFormat) -> list[list[Told]]:
    """What may stand in one file, each in the order in which it was told."""
    found: list[tuple[object, list[Told]]] = []
    for one in told:
        once = form.once(one.settings)
        same = next((those for other, those in found if other == once), None)
        if same is None:
            found.append((once, [one]))
        else:
            same.append(one)
    return [those for _, those in found]


def write(told: Sequence[Told], form: FileFormat, stem: str) -> tuple[dict[str, bytes], Mapping[str, Sequence[Fault]]]:
    """Instructions as files, and those shipments that are held with the reasons; they agree in what a file of the format has once. A file
    is named by ``stem``, its format, its place among its like and a sum of its bytes (B.5.6). Raises Invalid for a format that is read
    only."""
    if form.write is None:
        raise Invalid([Problem("--format", f"{form.names} is read only: nothing is written for it")])
    if not told:
        return {}, {}
    done = form.write([label_of(*one) for one in told], next(one.settings for one in told))
    of = f"{len(done.parts)}"
    files = {}
    for number, part in enumerate(done.parts, 1):
        digest = hashlib.blake2s(part, digest_size=6).hexdigest()
        files[f"{quote(stem, safe='')}-{form.name}-{number:0{len(of)}}of{of}-{digest}{_ENDINGS}"] = part
    return files, done.held
