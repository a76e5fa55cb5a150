"""Statements as a bank's web pages write them: CSV under a header line, by which the columns are found (gateways.md 7.3)."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Final

from pipelines.statements.statement import Format, Movement, Statement, broken
from pipelines.statements.words import doubt_of, payer_in
from pipelines.values.encoded_text import Undecodable, decoded

_DAY: Final = re.compile(r"(\d{4})(?:([-/.年])(\d{1,2})([-/.月])(\d{1,2})日?|(\d{2})(\d{2}))")
_OLDEST, _AHEAD = timedelta(days=3653), timedelta(days=7)
#: How far down a header may stand, below lines that name the account.
_LEADING: Final = 20
#: More than any bank has; a program reads no number without an end.
_MOST_DIGITS: Final = 18


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a bank's header. ``day`` has several where the bank has written it differently; ``text`` are those that say
    what it was, ``payer`` the one that names who paid (None: he stands within the text); ``uncleared`` says that the money is not
    there yet; ``others`` may be there and are not read. ``leading``: whether other lines may stand above the header."""

    day: tuple[str, ...]
    money_in: str
    money_out: str
    balance: str
    text: tuple[str, ...]
    payer: str | None = None
    uncleared: str | None = None
    others: tuple[str, ...] = ()
    leading: bool = False

    @property
    def needed(self) -> frozenset[str]:
        """Those that every header has, but for the day."""
        return frozenset((self.money_in, self.money_out, self.balance, *self.text))

    @property
    def known(self) -> frozenset[str]:
        """All that a header may have."""
        optional = () if self.uncleared is None else (self.uncleared,)
        return self.needed | {*self.day, *self.others, *optional}


def csv_format(name: str, names: str, columns: Columns) -> Format:
    """The format of a bank whose downloads have these columns."""
    return Format(name, names, partial(_read, columns))


def _read(columns: Columns, data: bytes, today: date) -> Statement:
    try:
        text, encoding = decoded(data)
    except Undecodable as fault:
        raise broken(str(fault)) from None
    lines = _lines(text)
    header = _header(columns, lines)
    rows = [_row(columns, header, line, today) for line in lines if line.number > header.number]
    return Statement(encoding, tuple(_oldest_first(rows)))


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    cells: Sequence[str]


def _lines(text: str) -> list[_Line]:
    """The lines that are not blank, with their numbers in the file."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        return [_Line(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error:
        raise broken(f"line {reader.line_num} ends within quotes: it was cut, download it again") from None


@dataclass(frozen=True, slots=True)
class _Header:
    number: int
    places: dict[str, int] = field(default_factory=dict)
    day: str = ""

    def cell(self, line: _Line, column: str) -> str:
        """What the line has in the column; blank where there is no such column."""
        place = self.places.get(column)
        return unicodedata.normalize("NFKC", line.cells[place]).strip() if place is not None else ""


def _header(columns: Columns, lines: Sequence[_Line]) -> _Header:
    for line in lines[: _LEADING if columns.leading else 1]:
        found = [unicodedata.normalize("NFKC", cell).strip() for cell in line.cells]
        days = [one for one in columns.day if one in found]
        if len(days) != 1 or not columns.needed <= set(found):
            continue
        if odd := [place for place, one in enumerate(found, start=1) if one and one not in columns.known]:
            raise broken(
                f"line {line.number}: column {odd[0]} of the header is not known; the bank may have changed it"
            )
        if len(set(found)) != len(found):
            raise broken(f"line {line.number}: the header has a column twice")
        return _Header(line.number, {one: place for place, one in enumerate(found)}, days[0])
    expected = ", ".join((columns.day[0], *columns.text, columns.money_in, columns.money_out, columns.balance))
    raise broken(f"it has no header with {expected}: it is another bank's, or the bank has changed it")


def _row(columns: Columns, header: _Header, line: _Line, today: date) -> Movement:
    if len(line.cells) < len(header.places) or any(cell.strip() for cell in line.cells[len(header.places) :]):
        raise broken(f"line {line.number} has {len(line.cells)} cells, and the header {len(header.places)}: it was cut")
    text = " ".join(filter(None, (header.cell(line, column) for column in columns.text)))
    payer = header.cell(line, columns.payer) if columns.payer else payer_in(text)
    day = _day(header.cell(line, header.day), today)
    money_in, money_out, balance = (
        _yen(header.cell(line, column)) for column in (columns.money_in, columns.money_out, columns.balance)
    )
    amount = _amount(money_in, money_out)
    doubt = doubt_of(text)
    if columns.uncleared and header.cell(line, columns.uncleared):
        doubt = "the bank has not cleared it yet"
    if amount is None:
        doubt = "it has no amount that can be read, or one in and one out"
    if day is None:
        doubt = "its day cannot be read: a year needs four digits, and no day lies ahead"
    return Movement(
        row=line.number,
        booked_on=day,
        amount=amount,
        text=text,
        payer=payer,
        balance=balance if isinstance(balance, int) else None,
        doubt=doubt,
    )


def _day(text: str, today: date) -> date | None:
    """The day, of a western year with four digits, if it is one that a statement of today can have."""
    found = _DAY.fullmatch(text)
    if found is None:
        return None
    year, _, month, _, day, bare_month, bare_day = found.groups()
    try:
        read = date(int(year), int(month or bare_month), int(day or bare_day))
    except ValueError:
        return None
    return read if today - _OLDEST <= read <= today + _AHEAD else None


def _yen(cell: str) -> int | str | None:
    """Yen, None for an empty cell, the cell itself if it is neither."""
    bare = cell.replace(",", "").removeprefix("¥").removeprefix("\\").removesuffix("円")
    if bare in ("", "-"):
        return None
    digits = bare.removeprefix("-")
    return int(bare) if digits.isascii() and digits.isdecimal() and len(digits) <= _MOST_DIGITS else cell


def _amount(money_in: int | str | None, money_out: int | str | None) -> int | None:
    """Yen that came in, below zero what went out; None where it is not one of both."""
    if isinstance(money_in, str) or isinstance(money_out, str) or (money_in or 0) < 0 or (money_out or 0) < 0:
        return None
    if bool(money_in) == bool(money_out):
        return None
    return money_in or -(money_out or 0)


def _oldest_first(rows: Sequence[Movement]) -> Iterator[Movement]:
    """The rows in the order in which they were booked: that in which each balance follows from the one before it, or, where
    none is told, that of their days. Raises Invalid where it follows in neither."""
    turned = rows[::-1]
    breaks, turned_breaks = _break(rows), _break(turned)
    days = [row.booked_on for row in rows if row.booked_on is not None]
    is_newest_first = bool(days) and days[0] > days[-1]
    if breaks is not None and turned_breaks is not None:
        at = turned_breaks if is_newest_first else breaks
        raise broken(
            f"line {at}: its balance does not follow from the row before it; rows are missing, or were changed"
        )
    if breaks is not None or (is_newest_first and turned_breaks is None):
        return iter(turned)
    return iter(rows)


def _break(rows: Sequence[Movement]) -> int | None:
    """The first row whose balance is not the one before it and its amount; None if all follow."""
    before: int | None = None
    for row in rows:
        after = None if before is None or row.amount is None else before + row.amount
        if None not in (after, row.balance) and after != row.balance:
            return row.row
        before = after if row.balance is None else row.balance
    return None
