"""A label to be printed (送り状), and its cells: each of them in CP932, within its width, or the label is held with the reason."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from pipelines.files.cp932 import cut, encoded, full_width, joined, printable, unprintable, width
from pipelines.values.postal_code import postal_code
from pipelines.values.spelling import HYPHENS, visible

if TYPE_CHECKING:
    from pipelines.shops.supplier_files import SupplierFiles

_HYPHEN: Final = re.compile(rf"[{re.escape(HYPHENS)}]+")
_PHONE: Final = re.compile(r"0\d+(-\d+)*")
_JAPAN: Final = re.compile(r"^\+?81[-\s]*(?:\(0\))?0?")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a label cannot be printed: the field it is about, and a sentence."""

    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Place:
    """Somebody's name and address as they gave them; ``region`` is the prefecture."""

    name: str
    postal_code: str
    region: str
    city: str
    line1: str
    line2: str
    phone: str


@dataclass(frozen=True, slots=True)
class Piece:
    """So many of one thing; ``line`` is the order's."""

    line: str
    sku: str
    name: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Label:
    """What a label program must know of one shipment. ``collect`` is what is to be paid on delivery with the ``tax`` in it (yen),
    None for nothing; ``slot`` as shops name it (``AM``, ``14-16``), where it is ``best_effort`` nothing but words that nobody promised
    (DLV-01); ``temperature`` is ``normal``, ``chilled`` or ``frozen``; ``settings`` are those of the shop that sends it, None for those
    of the whole file."""

    shipment: str
    order: str
    dispatch_on: date | None
    deliver_on: date | None
    slot: str | None
    to: Place
    pieces: Sequence[Piece]
    collect: int | None = None
    tax: int = 0
    temperature: str = "normal"
    best_effort: bool = False
    settings: SupplierFiles | None = None


class Cells:
    """The cells of one label, by column from 1; what cannot be written is a fault instead."""

    def __init__(self, columns: int) -> None:
        self._texts = [""] * columns
        self.faults: list[Fault] = []

    @property
    def texts(self) -> Sequence[str]:
        """The cells in their order."""
        return tuple(self._texts)

    def put(self, column: int, text: str, most: int, field: str, *, converts: bool = False) -> None:
        """Write ``text``, of at most ``most`` bytes."""
        if (shown := self._shown(text, field)) is None:
            return
        used = full_width(shown) if converts else width(shown)
        if used > most:
            self.fault(field, f"it has {used} bytes, and the label takes {most}")
        else:
            self._texts[column - 1] = shown

    def spread(
        self, columns: Sequence[int], widths: Sequence[int], parts: Sequence[str], field: str, *, converts: bool = False
    ) -> None:
        """Write ``parts`` each into a column of its own where they fit, else one after the other, cut where it can be."""
        shown = [self._shown(part, field) for part in parts]
        if None in shown:
            return
        kept = [part for part in shown if part]
        measure = full_width if converts else width
        if len(kept) <= len(widths) and all(measure(one) <= most for one, most in zip(kept, widths, strict=False)):
            pieces: list[str] | None = kept
        else:
            whole = " ".join(kept) if any(" " in one for one in kept) else joined(kept)
            pieces = cut(whole, widths, converts=converts)
        if pieces is None:
            self.fault(field, f"it does not go into {len(widths)} fields of {'+'.join(map(str, widths))} bytes")
            return
        for column, piece in zip(columns, pieces, strict=False):
            self._texts[column - 1] = piece

    def digits(self, column: int, text: str, most: int, field: str) -> None:
        """Write digits, of which hyphens are taken out; another sign in them is a fault."""
        bare = text.replace("-", "")
        if bare and not (bare.isascii() and bare.isdigit()):
            self.fault(field, f"{text} is not made of digits, as the tool has it")
        else:
            self.put(column, bare, most, field)

    def note(self, column: int, text: str, most: int) -> None:
        """Write words for people, as far as they can be shown and go into ``most`` bytes: they hold no label."""
        shown = "".join(one for one in printable(text) if not unprintable(one)).strip()
        while width(shown) > most:
            shown = shown[:-1]
        self._texts[column - 1] = shown.strip()

    def code(self, column: int, text: str) -> None:
        """Write a code of the tool's own."""
        self._texts[column - 1] = text

    def need(self, text: str, field: str, what: str) -> None:
        """Say that ``what`` is missing where nothing is in ``text``."""
        if not printable(text):
            self.fault(field, f"{what} is missing")

    def fault(self, field: str, reason: str) -> None:
        """The label cannot be printed."""
        self.faults.append(Fault(field, reason))

    def postal_code(self, column: int, text: str, field: str, *, hyphen: bool = True) -> None:
        """Write a postal code, 460-0008 or 4600008."""
        if (code := postal_code(text)) is None:
            self.fault(field, "it is no postal code of seven digits")
        else:
            self._texts[column - 1] = code if hyphen else code.replace("-", "")

    def phone(self, column: int, text: str, most: int, field: str) -> None:
        """Write a telephone number as tools take it; a label without one is held, and none is ever made up (B.5.6)."""
        number = phone(text)
        if number is None:
            self.fault(field, "a telephone number of 10 or 11 digits is needed")
        else:
            self.put(column, number if len(number) <= most else number.replace("-", ""), most, field)

    def _shown(self, text: str, field: str) -> str | None:
        shown = printable(text)
        if missing := unprintable(shown):
            self.fault(field, f"a label cannot show {', '.join(missing)}; have it written otherwise")
            return None
        return shown


def phone(text: str) -> str | None:
    """``text`` in half-width digits and hyphens, from 0 on (+81 becomes 0); None if it is no number of 10 or 11 digits."""
    shown = _HYPHEN.sub("-", unicodedata.normalize("NFKC", visible(text)).strip())
    shown = re.sub(r"[()\s.]+", "-", _JAPAN.sub("0", shown)).strip("-")
    shown = re.sub("-{2,}", "-", shown)
    digits = shown.replace("-", "")
    return shown if _PHONE.fullmatch(shown) and len(digits) in (10, 11) and digits.strip("0") else None


def short_id(shipment: str) -> str:
    """A shipment's id in 15 characters, which every tool takes: SH-ABC... without its hyphen."""
    return shipment.replace("-", "", 1) if len(shipment) > 15 else shipment


def table_bytes(rows: Sequence[Sequence[str]], header: Sequence[str] = ()) -> bytes:
    """Rows as tools take them: every cell quoted, CRLF, CP932 as Windows writes it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([header, *rows] if header else rows)
    raw = encoded(text.getvalue())
    assert raw is not None, "each cell was looked at when it was written"
    return raw


def in_parts(
    rows: Sequence[Sequence[str]], header: Sequence[str] = (), *, most_rows: int = 0, most_bytes: int = 0
) -> list[bytes]:
    """``rows`` as files of at most so many rows and bytes (0: without a limit), in their order; none for no rows."""
    if not rows:
        return []
    whole = table_bytes(rows, header)
    if len(rows) == 1 or ((not most_rows or len(rows) <= most_rows) and (not most_bytes or len(whole) <= most_bytes)):
        return [whole]
    half = most_rows if most_rows and len(rows) > most_rows else len(rows) // 2
    limits: Mapping[str, int] = {"most_rows": most_rows, "most_bytes": most_bytes}
    return [*in_parts(rows[:half], header, **limits), *in_parts(rows[half:], header, **limits)]
