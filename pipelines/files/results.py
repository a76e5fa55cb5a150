"""What a file of tracking numbers says, row by row (出荷実績の取込): a wrong row waits with its reason, its neighbours go on."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final

from pipelines.carriers import carrier as carrier_called
from pipelines.carriers import numbers
from pipelines.files import file_format as columns
from pipelines.files.cp932 import printable
from pipelines.files.file_format import FileFormat, Results
from pipelines.files.table import Record, Table, broken, plain
from pipelines.values.card_number import mask
from pipelines.values.moment import read_moment
from pipelines.values.spelling import visible

_OURS: Final = re.compile(r"SH-?([A-Z2-7]{13})")
_WRAPPED: Final = re.compile(r'="?([^"]*)"?')
_BAR_CODE: Final = re.compile(r"[aA](\d+)[aA]")
_SLASHES: Final = re.compile(r"(\d{4})/(\d{2})/(\d{2})", re.ASCII)
_DIGITS: Final = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\d{6})?", re.ASCII)
_LOOSE: Final = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:\([日月火水木金土]\))?(?:[ T]*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?",
    re.ASCII,
)
#: Digits of a number of pieces, zeros before it included.
_LONGEST_COUNT: Final = 20
#: How a form is told to people that has no name of its own.
_WRITTEN: Final = {columns.LOOSE: "YYYY-MM-DD"}
_FORMS: Final = {columns.SLASHES: _SLASHES, columns.DIGITS: _DIGITS, columns.LOOSE: _LOOSE}


class Verdict(StrEnum):
    """What becomes of a row."""

    APPLY = "apply"
    APPLY_PARCEL = "apply_parcel"  # a further number of a shipment that has one
    CORRECT = "correct"  # another number of a parcel that has left
    DUPLICATE = "ignore_duplicate"  # says what is known, from this file or an earlier one
    BLANK = "ignore_blank"
    DELETED = "ignore_deleted"  # the slip was taken back in the tool
    PENDING = "pending"  # has no number yet
    QUARANTINE = "quarantine"


class Why(StrEnum):
    """Why a row is quarantined."""

    COLS = "COLS"
    ID_BLANK = "ID_BLANK"
    ID_UNKNOWN = "ID_UNKNOWN"
    AMBIGUOUS = "AMBIGUOUS"
    TRACK_EXCEL = "TRACK_EXCEL"
    TRACK_FORM = "TRACK_FORM"
    TRACK_LEN = "TRACK_LEN"
    TRACK_ZERO = "TRACK_ZERO"
    TRACK_CHECK = "TRACK_CHECK"
    CARRIER = "CARRIER"
    DATE = "DATE"
    QUANTITY = "QUANTITY"
    DUP_TRACK = "DUP_TRACK"
    PARCELS = "PARCELS"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: what it says, and what becomes of it. ``record`` is its number in the file; ``shipment`` the id it names (that of the
    one that its ``name`` found); ``number`` as its carrier writes it; ``lines`` pieces by line, empty for all of the shipment.
    ``previous`` is the number that it corrects, empty where the parcel had none. ``code``, ``field`` and ``reason`` say why it is
    quarantined, without anybody's name."""

    record: int
    verdict: Verdict
    shipment: str = ""
    name: str = ""
    number: str = ""
    carrier: str | None = None
    shipped_on: date | None = None
    lines: Mapping[str, int] = field(default_factory=dict)
    previous: str = ""
    code: Why | None = None
    field: str = ""
    reason: str = ""

    def waits(self, code: Why, field: str, reason: str) -> Row:
        """This row, quarantined."""
        return replace(self, verdict=Verdict.QUARANTINE, code=code, field=field, reason=reason)


@dataclass(frozen=True, slots=True)
class Known:
    """A shipment of the supplier: how many parcels it may be (one a piece), the numbers that parcels of it have or had, whom it goes
    to, and how many parcels it ``has`` that did not come back; None: one a number. ``corrects`` is the number in whose place another
    one stands, since it left whole in a parcel that cannot be two, or whose number nobody said (empty); None: another is a further
    parcel's (TRK-05)."""

    parcels: int
    numbers: frozenset[str] = frozenset()
    name: str = ""
    open: bool = True
    has: int | None = None
    corrects: str | None = None


@dataclass(frozen=True, slots=True)
class _Where:
    """Which column is about what; ``width`` is how many a row has, ``least`` how many of them are named: a spreadsheet leaves out of
    some rows those that have no name."""

    at: Mapping[str, int]
    width: int
    after: int
    least: int


def detect(table: Table, formats: Mapping[str, FileFormat], results: Mapping[str, Results]) -> FileFormat:
    """The format that a file is in: by its header, else by how many columns it has and whether numbers stand where they should.
    Raises Invalid where that is none."""
    for by_header in (True, False):
        found = [
            (_numbers_in(table, where, results[name]), -order, name)
            for order, name in enumerate(results)
            if (where := _find(table, results[name])) is not None
            and (where.after > 0) == by_header
            and (by_header or _may_hold_numbers(table, where))
        ]
        if found:
            *_, name = max(found)
            return formats[name]
    raise broken(f"it is none of {', '.join(results)}; name its format, and export it with its header")


def read(table: Table, form: FileFormat, results: Results, carrier: str | None = None) -> list[Row]:
    """Every row that the file has, those with a number still to be judged (``judge``). ``carrier`` is whose numbers they are where
    neither the file nor the format says. Raises Invalid for a file that is of another format."""
    where = _find(table, results)
    if where is None:
        raise broken(f"it is no file of {form.names}: {_missing(table, results)}")
    by = form.carrier or carrier
    return [_row(record, where, results, by) for record in table.records if record.number > where.after]


def judge(rows: Sequence[Row], known: Mapping[str, Known], taken: Mapping[str, str]) -> list[Row]:
    """What becomes of each row, by the supplier's own shipments; ``taken`` are numbers of other shipments (number -> shipment)."""
    named = [_by_name(row, known) if row.name else row for row in rows]
    looked = [_unknown(row, known) for row in named]
    return _together(looked, known, taken)


def identity(text: str) -> str:
    """A shipment's id as it was printed or typed: width, case and hyphen of ours do not matter."""
    plainly = unicodedata.normalize("NFKC", visible(text)).strip()
    ours = _OURS.fullmatch(plainly.upper())
    return f"SH-{ours.group(1)}" if ours else plainly


def shown(text: str) -> str:
    """The beginning of what somebody wrote, as a sentence may quote it."""
    return f"{mask(text):.40}"


def number_fault(raw: str, carrier: str | None, digits: int | None = None) -> tuple[str, Why | None, str]:
    """(the number as its carrier writes it, what is wrong with it, in a sentence); wrong is None where nothing is (TRK-03, B.4.1)."""
    bare = unicodedata.normalize("NFKC", raw).strip()
    for shell in (_WRAPPED, _BAR_CODE):
        if (inner := shell.fullmatch(bare)) is not None:
            bare = inner.group(1)
    by = carrier_called(carrier or "")
    number = by.normalise(bare)
    if (damage := numbers.damage(number)) is not None:
        return number, Why.TRACK_ZERO if number.isdigit() else Why.TRACK_EXCEL, damage
    if digits is not None and numbers.is_digits(number) and len(number) != digits:
        says = f"The tracking number has {len(number)} digits instead of {digits}; nothing is filled up, compare the label."
        return number, Why.TRACK_LEN, says
    fault = by.check(bare)
    if fault is None and carrier is None and numbers.is_digits(number) and len(number) == 12:
        fault = numbers.mod7(number)
    if fault is None:
        return number, None, ""
    if not numbers.is_digits(number):
        return number, Why.TRACK_FORM, fault
    return number, Why.TRACK_CHECK if "check digit" in fault else Why.TRACK_LEN, fault


def _find(table: Table, results: Results) -> _Where | None:
    """Where the columns are; None if this is no file of the format."""
    first = table.first
    if results.numbered:
        width = len(first.cells)
        return _Where(results.numbered, width, first.number if results.header else 0, width)
    headings = {plain(cell): at for at, cell in reversed(list(enumerate(first.cells, 1))) if cell.strip()}
    by_header = {
        about: headings[plain(name)]
        for about, names in results.names.items()
        for name in reversed(names)
        if plain(name) in headings
    }
    if columns.NUMBER in by_header:
        by_position = results.positions.get(len(first.cells), {})
        at = {**by_position, **by_header}
        has_id = columns.SHIPMENT in at or columns.NAME in at
        return _Where(at, len(first.cells), first.number, max(headings.values())) if has_id else None
    if by_header:
        return None  # a header, and the number is not in it
    counted: dict[int, int] = defaultdict(int)
    for record in table.records:
        if not record.is_blank and len(record.cells) in results.positions:
            counted[len(record.cells)] += 1
    if not counted:
        return None
    width = max(counted, key=lambda one: (counted[one], one))
    return _Where(results.positions[width], width, 0, width)


def _missing(table: Table, results: Results) -> str:
    """What would have to be in the file."""
    wanted = [
        next(iter(names))
        for about, names in results.names.items()
        if about in (columns.SHIPMENT, columns.NUMBER, columns.NAME)
    ]
    counts = f" or {', '.join(map(str, results.positions))} columns" if results.positions else ""
    return f"it has {len(table.first.cells)} columns, and needs the headings {' and '.join(wanted)}{counts}"


def _numbers_in(table: Table, where: _Where, results: Results) -> int:
    """How many rows have a number where the format has it."""
    found = [r.at(where.at[columns.NUMBER]) for r in table.records if r.number > where.after]
    faults = [fault for _, fault, _ in (number_fault(one, None, results.digits) for one in found if one)]
    return faults.count(None)


def _may_hold_numbers(table: Table, where: _Where) -> bool:
    """Whether the column of the numbers, found by its place alone, holds words and no digit at all: then it is another column."""
    found = [text for record in table.records if (text := record.at(where.at[columns.NUMBER]))]
    return not found or any(any(map(str.isdigit, text)) for text in found)


def _row(record: Record, where: _Where, results: Results, carrier: str | None) -> Row:
    if record.is_blank:
        return Row(record.number, Verdict.BLANK)
    if len(record.cells) < where.least or any(cell.strip() for cell in record.cells[where.width :]):
        says = f"it has {len(record.cells)} columns instead of {where.width}: nothing in it can be trusted"
        return Row(record.number, Verdict.QUARANTINE).waits(Why.COLS, "", says)

    def told(about: str) -> str:
        return record.at(where.at[about]) if about in where.at else ""

    row = Row(record.number, Verdict.APPLY, identity(told(columns.SHIPMENT)), carrier=told(columns.CARRIER) or carrier)
    if columns.SHIPMENT not in where.at:
        row = replace(row, name=_name(told(columns.NAME)))
    if not row.shipment and not row.name:
        return row.waits(Why.ID_BLANK, columns.SHIPMENT, "the shipment's id is missing")
    if told(columns.DELETED).strip("0"):
        return replace(row, verdict=Verdict.DELETED)
    if not told(columns.NUMBER):
        return replace(row, verdict=Verdict.PENDING)
    number, code, says = number_fault(told(columns.NUMBER), row.carrier, results.digits)
    if code is not None:
        return replace(row, number=number).waits(code, columns.NUMBER, says)
    text = told(columns.SHIPPED_ON)
    day = _day(text, tuple(results.days))
    row = replace(row, number=number, shipped_on=day)
    if day is None and (text or (results.day_needed and columns.SHIPPED_ON in where.at)):
        wrong = f"{shown(text)!r} is no day in the form {' or '.join(_WRITTEN.get(one, one) for one in results.days)}"
        return row.waits(Why.DATE, columns.SHIPPED_ON, wrong if text else "the day on which it left is missing")
    return _with_lines(row, told(columns.LINE), told(columns.QUANTITY))


def _with_lines(row: Row, line: str, quantity: str) -> Row:
    if not line:
        return row
    pieces = unicodedata.normalize("NFKC", quantity)
    if not numbers.is_digits(pieces) or len(pieces) > _LONGEST_COUNT or not 1 <= int(pieces) <= 9999:
        return row.waits(Why.QUANTITY, columns.QUANTITY, "the pieces of a line are a number from 1 to 9999")
    return replace(row, lines={line: int(pieces)})


@lru_cache(maxsize=256)
def _day(text: str, forms: tuple[str, ...]) -> date | None:
    """The day that ``text`` names in one of the ``forms``, Japan's where it names an offset; a file has few of them in very many rows."""
    text = unicodedata.normalize("NFKC", visible(text))
    if columns.LOOSE in forms and (moment := _moment(text)) is not None:
        return moment.date()
    for form in forms:
        found = _FORMS[form].fullmatch(text)
        if found is not None:
            try:
                return date(*map(int, found.groups()))
            except ValueError:
                return None
    return None


def _moment(text: str) -> datetime | None:
    """A time with its offset, in Japan; None for anything else."""
    try:
        return read_moment(text)
    except ValueError:
        return None


def _name(text: str) -> str:
    """A consignee's name as it is compared: as a label shows it, since that is what its program gives back (B.9.1)."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", printable(visible(text))))


def _by_name(row: Row, known: Mapping[str, Known]) -> Row:
    """The row with the one open shipment to somebody of that name."""
    theirs = sorted(id_ for id_, one in known.items() if one.open and _name(one.name) == row.name)
    if len(theirs) > 1:
        says = f"{len(theirs)} open shipments go to that name; enter the number at the right one"
        return row.waits(Why.AMBIGUOUS, columns.NAME, says)
    return replace(row, shipment=next(iter(theirs), ""))


def _unknown(row: Row, known: Mapping[str, Known]) -> Row:
    """A row of a shipment that the supplier does not have is that before anything else is said of it."""
    named = row.verdict is not Verdict.BLANK and row.code not in (Why.COLS, Why.ID_BLANK, Why.AMBIGUOUS)
    if not named or row.shipment in known:
        return row
    says = "no open shipment goes to that name" if row.name else f"there is no shipment {shown(row.shipment)!r}"
    return row.waits(Why.ID_UNKNOWN, columns.NAME if row.name else columns.SHIPMENT, says)


def _together(rows: Sequence[Row], known: Mapping[str, Known], taken: Mapping[str, str]) -> list[Row]:
    """What rows say of one another: a number of two shipments, more numbers than parcels, the same again."""
    owners: dict[str, set[str]] = defaultdict(set)
    told: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row.verdict is Verdict.APPLY:
            owners[row.number].add(row.shipment)
            if row.number not in told[row.shipment]:
                told[row.shipment].append(row.number)
    seen: set[tuple[str, str, tuple[tuple[str, int], ...]]] = set()
    judged = []
    for row in rows:
        if row.verdict is Verdict.APPLY:
            row = _judged(row, owners[row.number], told[row.shipment], known[row.shipment], taken)  # noqa: PLW2901
            mark = (row.shipment, row.number, tuple(row.lines.items()))
            if row.code is None and mark in seen:
                row = replace(row, verdict=Verdict.DUPLICATE)  # noqa: PLW2901
            seen.add(mark)
        judged.append(row)
    return judged


def _judged(row: Row, owners: set[str], told: Sequence[str], known: Known, taken: Mapping[str, str]) -> Row:
    if len(owners) > 1 or taken.get(row.number, row.shipment) != row.shipment:
        return row.waits(
            Why.DUP_TRACK, columns.NUMBER, "the number is given to another shipment too; compare the labels"
        )
    if row.name and len(told) > 1:
        says = "several numbers are given to one name; enter each at its shipment"
        return row.waits(Why.AMBIGUOUS, columns.NAME, says)
    if row.number in known.numbers and not row.lines:
        return replace(row, verdict=Verdict.DUPLICATE)
    if known.corrects is not None and len(told) == 1:
        return replace(row, verdict=Verdict.CORRECT, previous=known.corrects)
    has = len(known.numbers) if known.has is None else known.has
    every = has + len(set(told) - known.numbers)
    if every > known.parcels:
        says = f"the shipment would have {every} numbers, and can be {known.parcels} parcels at most"
        return row.waits(Why.PARCELS, columns.NUMBER, says)
    further = bool(known.numbers) or next(iter(told)) != row.number
    return replace(row, verdict=Verdict.APPLY_PARCEL) if further else row


def waiting(rows: Sequence[Row]) -> Iterator[Row]:
    """The rows that are quarantined, in their order."""
    return (row for row in rows if row.verdict is Verdict.QUARANTINE)
