"""A CSV file as it came: its encoding, and its records by number, each whole though its neighbour is not (B.5, B.9.1)."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.errors import Invalid, Problem
from pipelines.values.encoded_text import Undecodable, decoded

#: Lines that one record may take: an address or a note has a few, and B2's header describes each of its 97 columns in several.
_MOST_LINES: Final = 50
_MOST_LINES_OF_HEADER: Final = 2_000
#: The mark of UTF-8, which some tools write twice; what ended a file in DOS.
_MARK, _END = "\ufeff", "\x1a"
#: Line ends within a cell, and the bytes with which some programs fill fields and half a copy is filled.
_NO_TEXT: Final = re.compile(r"[\r\n\x00]+")
_WRAPPED: Final = re.compile(r'="?([^"]*)"?')
_BETWEEN: Final = re.compile(r"[\s_()]+")


@dataclass(frozen=True, slots=True)
class Record:
    """One record: ``number`` counts records from 1, a header and empty ones included. ``cells`` are as they were written."""

    number: int
    cells: Sequence[str]

    @property
    def is_blank(self) -> bool:
        """Whether nothing is written in it."""
        return not any(cell.strip() for cell in self.cells)

    def at(self, column: int) -> str:
        """The text in ``column`` (1 is the first) in one line, without what is no text and what a spreadsheet put around it; empty for a
        column that is not there."""
        return bare(self.cells[column - 1]) if 0 < column <= len(self.cells) else ""


@dataclass(frozen=True, slots=True)
class Table:
    """All records of a file, and the encoding that they were read in."""

    encoding: str
    records: Sequence[Record]

    @property
    def first(self) -> Record:
        """The first record in which something is written."""
        return next(record for record in self.records if not record.is_blank)


def broken(sentence: str) -> Invalid:
    """A file of which nothing can be read, and why."""
    return Invalid([Problem("FILE", sentence)])


def read_table(data: bytes) -> Table:
    """The records of a CSV file, quoted or not, with any line ends. Raises Invalid for what is no text, holds nothing, or is in an
    encoding in which no label program writes."""
    try:
        text, encoding = decoded(data)
    except Undecodable as fault:
        raise broken(str(fault)) from None
    records = [Record(number, cells) for number, cells in enumerate(_records(text), 1)]
    if all(record.is_blank for record in records):
        raise broken("nothing is in it")
    return Table(encoding, records)


def _records(text: str) -> Iterator[Sequence[str]]:
    """Cells of each record; a quote that is never closed spoils its own line and no other."""
    lines = list(io.StringIO(text.lstrip(_MARK), newline=""))
    if lines and lines[-1].strip("\r\n") == _END:
        lines.pop()
    header, most = _first(lines)
    at = 0
    while at < len(lines):
        cells, used = _record(lines, at, _MOST_LINES if at > header else _MOST_LINES_OF_HEADER)
        if used > 1 and len(cells) != most:
            cells, used = _unquoted(lines[at]), 1
        yield cells
        at += used


def _first(lines: Sequence[str]) -> tuple[int, int]:
    """Where the first record stands that is not empty, a header if there is one, and its cells: what every other one should have."""
    at = 0
    while at < len(lines):
        cells, used = _record(lines, at, _MOST_LINES_OF_HEADER)
        if any(cell.strip() for cell in cells):
            return at, len(cells)
        at += used
    return at, 0


def _record(lines: Sequence[str], start: int, most: int) -> tuple[Sequence[str], int]:
    """The record that begins at ``start``, and how many lines it takes, up to so many: several where a field has line ends within its
    quotes, and is written as such fields are."""
    first = lines[start]
    if '"' not in first:
        return _unquoted(first), 1
    ahead = lines[start : start + most]
    try:
        reader = csv.reader(ahead)
        cells = next(reader, [])
        if (used := max(reader.line_num, 1)) > 1:
            next(csv.reader(ahead[:used], strict=True))
    except csv.Error:
        return _unquoted(first), 1
    return cells, used


def _unquoted(line: str) -> Sequence[str]:
    """The cells of a line in which no quote means anything."""
    bare = line.rstrip("\r\n").replace('"', "")
    return bare.split(",") if bare else ()


def bare(cell: str) -> str:
    """What is written in a cell, in one line: ``="0123"``, by which digits are kept from a spreadsheet, is 0123."""
    text = _NO_TEXT.sub("", cell).strip()
    wrapped = _WRAPPED.fullmatch(text)
    return wrapped[1].strip() if wrapped is not None else text


def plain(heading: str) -> str:
    """The heading of a column as it is compared: its first line, width, spaces and brackets aside."""
    return _BETWEEN.sub("", unicodedata.normalize("NFKC", bare(heading.strip().split("\n")[0])))
