"""CSV by a mapping of the supplier's profile: whatever a warehouse or a spreadsheet has for columns (B.5.5, B.5.6)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pipelines.files.cp932 import encoded, joined, printable, unprintable
from pipelines.files.file_format import (
    CARRIER,
    DIGITS,
    LINE,
    LOOSE,
    NUMBER,
    QUANTITY,
    SHIPMENT,
    SHIPPED_ON,
    FileFormat,
    Results,
    Written,
)
from pipelines.files.label import Fault, Label, Piece, phone
from pipelines.values.csv_cell import inert
from pipelines.values.postal_code import postal_code

if TYPE_CHECKING:
    from pipelines.shops.supplier_files import SupplierFiles

#: Columns that go out where the profile names none; the empty ones are for the supplier to fill in.
_WRITE: Final[Mapping[str, str]] = {
    "出荷番号": "shipment",
    "注文番号": "order",
    "出荷予定日": "dispatch_on",
    "お届け先名": "name",
    "郵便番号": "postal_code",
    "都道府県": "region",
    "市区町村": "city",
    "住所1": "line1",
    "住所2": "line2",
    "電話番号": "phone",
    "商品": "items",
    "お届け希望日": "deliver_on",
    "時間帯": "slot",
    "代引金額": "collect",
    "うち消費税": "tax",
    "運送会社": "",
    "送り状番号": "",
    "出荷日": "",
}
_LINE_COLUMNS: Final[Mapping[str, str]] = {"明細": "line", "商品コード": "sku", "商品": "item", "数量": "quantity"}
_READ: Final[Mapping[str, Sequence[str]]] = {
    SHIPMENT: ("出荷番号", "shipment"),
    NUMBER: ("送り状番号", "お問い合わせ番号", "tracking_number"),
    SHIPPED_ON: ("出荷日", "shipped_on"),
    CARRIER: ("運送会社", "carrier"),
    LINE: ("明細", "line"),
    QUANTITY: ("数量", "quantity"),
}


def _columns(settings: SupplierFiles) -> Mapping[str, str]:
    if settings.write:
        return settings.write
    if settings.rows == "shipment":
        return _WRITE
    return {**{heading: name for heading, name in _WRITE.items() if name != "items"}, **_LINE_COLUMNS}


def _values(label: Label, piece: Piece | None) -> Mapping[str, str]:
    to = label.to
    found = {
        "": "",
        "shipment": label.shipment,
        "order": label.order,
        "dispatch_on": label.dispatch_on.isoformat() if label.dispatch_on else "",
        "deliver_on": label.deliver_on.isoformat() if label.deliver_on else "",
        "slot": label.slot or "",
        "name": to.name,
        "postal_code": postal_code(to.postal_code) or to.postal_code,
        "region": to.region,
        "city": to.city,
        "line1": to.line1,
        "line2": to.line2,
        "address": " ".join(part for part in (joined((to.region + to.city, to.line1)), to.line2) if part),
        "phone": _as_text(phone(to.phone) or ""),
        "items": "; ".join(f"{one.sku} {one.name} x{one.quantity}" for one in label.pieces),
        "collect": "" if label.collect is None else str(label.collect),
        "tax": "" if label.collect is None else str(label.tax),
        "temperature": label.temperature,
        **dict.fromkeys(("line", "sku", "item", "quantity"), ""),
    }
    if piece is not None:
        found |= {"line": piece.line, "sku": piece.sku, "item": piece.name, "quantity": str(piece.quantity)}
    return {name: printable(text) for name, text in found.items()}


def _as_text(number: str) -> str:
    """A telephone number with hyphens, where it had none at common places: a spreadsheet takes the zero off bare digits (B.5.6)."""
    if not number.isdigit():
        return number
    first = 2 if number.startswith(("03", "06")) else 3
    return f"{number[:first]}-{number[first:-4]}-{number[-4:]}"


def _rows(label: Label, settings: SupplierFiles) -> Iterator[Mapping[str, str]]:
    if settings.rows == "line":
        yield from (_values(label, piece) for piece in label.pieces)
    else:
        yield _values(label, None)


def _shown(row: Mapping[str, str]) -> Mapping[str, str]:
    """``row`` in CP932: words for people hold no label, so what cannot be shown of a wish is left out, and a number as a whole, which
    would be another one."""
    wish = "".join(one for one in row["slot"] if not unprintable(one)).strip()
    return {**row, "slot": wish, "order": "" if unprintable(row["order"]) else row["order"]}


def _faults(row: Mapping[str, str], columns: Mapping[str, str]) -> Iterator[Fault]:
    for name in columns.values():
        if missing := unprintable(row[name]):
            yield Fault(
                name, f"the file cannot hold {', '.join(missing)}; have it written otherwise, or write utf-8-sig"
            )


def _write(labels: Sequence[Label], settings: SupplierFiles) -> Written:
    columns = _columns(settings)
    held: dict[str, Sequence[Fault]] = {}
    rows: list[Sequence[str]] = []
    for label in labels:
        found = [_shown(row) if settings.encoding == "cp932" else row for row in _rows(label, settings)]
        if settings.encoding == "cp932" and (faults := [one for row in found for one in _faults(row, columns)]):
            held[label.shipment] = tuple(dict.fromkeys(faults))
        else:
            rows += [[inert(row[name]) for name in columns.values()] for row in found]
    return Written([_bytes([list(columns), *rows], settings.encoding)] if rows else [], held)


def _bytes(rows: Sequence[Sequence[str]], encoding: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(rows)
    raw = encoded(text.getvalue()) if encoding == "cp932" else text.getvalue().encode("utf-8-sig")
    assert raw is not None, "each cell was looked at, and headings are checked with the profile"
    return raw


def _results(settings: SupplierFiles) -> Results:
    days, read = (LOOSE, DIGITS), settings.read
    if not read:
        return Results(_READ, days=days, day_needed=False)
    named: dict[str, Sequence[str]] = {about: (column,) for about, column in read.items() if isinstance(column, str)}
    numbered: dict[str, int] = {about: column for about, column in read.items() if isinstance(column, int)}
    return Results(named, numbered=numbered, header=settings.header, days=days, day_needed=False)


def _once(settings: SupplierFiles) -> object:
    return settings.encoding, list(_columns(settings).items()), settings.rows


FILE_FORMAT = FileFormat("csv", "CSV", None, _results, _write, _once)
