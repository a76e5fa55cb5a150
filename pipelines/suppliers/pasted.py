"""Tracking numbers as people paste them from a spreadsheet (送り状番号の貼り付け): which row is about which shipment."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from pipelines.carriers import CARRIERS, carrier
from pipelines.files.results import identity

MOST_ROWS: Final = 500
"""Rows of one paste; of those behind them it is said that they were not read."""
_MOST_LETTERS: Final = 100_000
_CELLS: Final = re.compile(r"\t|[,、;；]|\s{2,}")
_LONGEST: Final = 64


class PastedRow(NamedTuple):
    """A row with something in it: its place from 1, what it names (None: it is alone in its row and goes by its place), the
    number, and the carrier where the row names one."""

    row: int
    names: str | None
    number: str
    carrier: str | None


class Unread(NamedTuple):
    """A row of which nobody knows the shipment; ``why``: ``unnamed`` or ``behind_the_last``, or ``too_many`` of the first that was not
    read."""

    row: int
    says: str
    why: str


def pasted_rows(text: str) -> tuple[list[PastedRow], list[Unread]]:
    """The rows of ``text``: a number; a shipment or an order and its number; or these and a carrier, in cells as spreadsheets
    copy them. A row without anything keeps its place; a first row without any digit is the column's heading, and none. Beside them
    the first row that is one too many."""
    lines = text[:_MOST_LETTERS].splitlines()
    if len(text) > _MOST_LETTERS:
        lines.pop()  # it is cut
    if lines and lines[0].strip() and not any(map(str.isdigit, lines[0])):
        lines.pop(0)
    over = len(lines) > MOST_ROWS or len(text) > _MOST_LETTERS
    read = lines[:MOST_ROWS]
    return _rows(read), [Unread(len(read) + 1, "", "too_many")] if over else []


def _rows(lines: Sequence[str]) -> list[PastedRow]:
    rows = []
    for place, line in enumerate(lines, 1):
        cells = [cell.strip()[:_LONGEST] for cell in _CELLS.split(unicodedata.normalize("NFKC", line).strip())]
        cells = [cell for cell in cells if cell]
        match cells:
            case [number]:
                rows.append(PastedRow(place, None, number, None))
            case [names, number]:
                rows.append(PastedRow(place, names, number, None))
            case [names, number, carrier, *_]:
                rows.append(PastedRow(place, names, number, carrier))
    return rows


def assigned(
    rows: Sequence[PastedRow], listed: Sequence[str], by_order: Mapping[str, Sequence[str]]
) -> list[tuple[PastedRow, str | Unread]]:
    """Each row that has a number, with the shipment it is about. ``listed`` are the shipments in the order in which they were shown,
    ``by_order`` the same by their order's number: one that has several is named by none of them. A row that only names what it is
    about has no number yet; where others do name it, one that is alone in its row does not go by its place."""

    def is_name(text: str) -> bool:
        return text in by_order or identity(text) in listed

    rows = [_parted(row, is_name) for row in rows]
    beside = any(row.names is not None and is_name(row.names) for row in rows)
    told = [row for row in rows if not _is_without_number(row, is_name)]
    return [(row, _shipment(row, listed, by_order, beside=beside)) for row in told]


def _parted(row: PastedRow, is_name: Callable[[str], bool]) -> PastedRow:
    """A row out of a mail has one blank between its cells, as many numbers have within: what stands before it is a name where it is known
    as one."""
    names, blank, number = row.number.partition(" ")
    return row._replace(names=names, number=number) if blank and row.names is None and is_name(names) else row


def _is_without_number(row: PastedRow, is_name: Callable[[str], bool]) -> bool:
    """Whether the row's number is still empty: its order or shipment is all that it has, or that and who will carry it."""
    if row.names is None:
        return is_name(row.number)
    return is_name(row.names) and carrier(row.number).name in CARRIERS


def _shipment(
    row: PastedRow, listed: Sequence[str], by_order: Mapping[str, Sequence[str]], *, beside: bool
) -> str | Unread:
    if row.names is None:
        if row.row > len(listed):
            return Unread(row.row, row.number, "behind_the_last")
        return Unread(row.row, row.number, "unnamed") if beside else listed[row.row - 1]
    if (shipment := identity(row.names)) in listed:
        return shipment
    match by_order.get(row.names, ()):
        case [only]:
            return only
    return Unread(row.row, row.names, "unnamed")
