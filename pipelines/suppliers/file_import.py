"""A supplier's file of tracking numbers (出荷実績の取込): each good row becomes the event that a webhook would have brought, each
wrong one waits with its reason, and the file is kept."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Engine

from models.database import glance
from models.store import inbox, supplier_files
from models.store.supplier_files import NamedShipmentRow
from pipelines.carriers import carrier
from pipelines.engine.inbox import Received, overtaken, receive
from pipelines.errors import Invalid, Problem
from pipelines.files import FORMATS
from pipelines.files.file_format import CARRIER, SHIPPED_ON, FileFormat
from pipelines.files.results import Known, Row, Verdict, Why, detect, judge, read, shown, waiting
from pipelines.files.table import read_table
from pipelines.ports import Clock
from pipelines.shops import Shop
from pipelines.shops.fulfilling import Supplier
from pipelines.suppliers.news import supplier_event
from pipelines.values.calendar import JST, in_japan
from pipelines.values.card_number import mask
from pipelines.values.encoded_text import decoded, file_name

AUTO: Final = "auto"
#: The type of what is kept of a row that waits for an operator.
ROW: Final = "supplier.file_row"
_SHIPPED: Final = "shipment.shipped"
_CORRECTED: Final = "shipment.tracking_corrected"
_NEW: Final = (Verdict.APPLY, Verdict.APPLY_PARCEL, Verdict.CORRECT)
#: Letters alone: nothing in an id can look like somebody's card number.
_LETTERS: Final = str.maketrans("0123456789", "ghijklmnop")


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file. ``rows`` are those in which something is written; ``applied`` are news, ``known`` say what was known,
    ``pending`` have no number yet or were taken back in the tool, and ``quarantined`` wait with their reason. ``told`` are all of its
    records, with what became of each."""

    file: str
    format: str
    encoding: str
    rows: int
    applied: int
    known: int
    pending: int
    quarantined: Sequence[Row]
    told: Sequence[Row]

    def to_json(self) -> dict[str, Any]:
        """The contract's answer; it names nobody."""
        return {
            "file": self.file,
            "format": self.format,
            "encoding": self.encoding,
            "rows": self.rows,
            "applied": self.applied,
            "known": self.known,
            "pending": self.pending,
            "quarantined": [
                {"row": row.record, "field": row.field, "code": str(row.code), "reason": row.reason}
                for row in self.quarantined
            ],
        }


def import_file(
    engine: Engine,
    clock: Clock,
    shops: Mapping[str, Shop],
    data: bytes,
    *,
    supplier: str,
    form: str = AUTO,
    file: str = "",
    seen: Sequence[str] = (),
    dry_run: bool = False,
) -> Imported:
    """Read ``data`` as ``supplier`` sent it; with ``dry_run`` nothing is stored.

    ``form`` is a format's name, or ``auto``. ``seen`` are the shops of whose shipments its sender may speak (none: all). The same
    file twice is nothing; a corrected one is news in what was corrected. Raises Invalid for a format that is not there, and for a
    file of which nothing can be read.
    """
    now, table, mine, file = clock.now(), read_table(data), _profile(shops, supplier, seen), mask(file_name(file))
    layouts = {name: one.results(mine.files) for name, one in FORMATS.items()}
    found = detect(table, FORMATS, layouts) if form == AUTO else _named(form)
    rows = read(table, found, layouts[found.name], mine.carrier)
    digest = hashlib.sha256(data).digest()
    with glance(engine) as connection:
        theirs = _theirs(connection, supplier, seen, rows)
        judged = judge(rows, _known(theirs), _taken(connection, rows))
    judged = [_possible(row, theirs.get(row.shipment), shops, now) for row in judged]
    events = {row.record: _event(row, digest, supplier, seen, now) for row in judged if row.verdict in _NEW}
    judged = [_readable(row, events.get(row.record)) for row in judged]
    news = [events[row.record] for row in judged if row.verdict in _NEW]
    wrong = [_kept(row, digest, supplier, file, row.shipment in theirs, now) for row in waiting(judged)]
    if dry_run:
        with glance(engine) as connection:
            ids = inbox.known(connection, _source(supplier), [one.event_id for one in news])
        known = {record for record, one in events.items() if one.event_id in ids}
        return _imported(file, found, table.encoding, _after(judged, known))
    stored = receive(engine, clock, [*news, *wrong])
    records = [row.record for row in judged if row.verdict in _NEW]
    known = {record for record, new in zip(records, stored[: len(news)], strict=True) if not new}
    still = {row.shipment for row in waiting(judged)}
    mended = sorted({one.shipment for one in news if one.shipment and one.shipment not in still})
    overtaken(engine, _source(supplier), ROW, mended, "a later file says it right")
    imported = _imported(file, found, table.encoding, _after(judged, known))
    orders = sorted({theirs[row.shipment].order_id for row in judged if row.shipment in theirs})
    with engine.begin() as connection:
        answer = orjson.dumps(imported.to_json()).decode()
        supplier_files.keep(connection, supplier, digest, _without_cards(data), orders, answer, now)
    return imported


def _without_cards(data: bytes) -> bytes:
    """The file as it came, but for card numbers, which no door lets in (INT-17)."""
    text, encoding = decoded(data)
    masked = mask(text)
    return data if masked == text else masked.encode(encoding)


def refuse(engine: Engine, clock: Clock, data: bytes, *, supplier: str, file: str, reason: str) -> None:
    """Tell the operator, once, of a file that came in where nobody waits for an answer, and of which nothing can be read."""
    digest, file = hashlib.sha256(data).digest(), file_name(file)
    event = Received(
        source=_source(supplier),
        event_id=f"file:{_mark(digest)}".translate(_LETTERS),
        type=ROW,
        body={"file": mask(file)},
        at=clock.now(),
        supplier=supplier,
        fault=f"{file}: {reason}",
    )
    receive(engine, clock, [event])


def _named(name: str) -> FileFormat:
    if name not in FORMATS:
        there_is = ", ".join([*FORMATS, AUTO])
        raise Invalid([Problem("format", f"{shown(name)!r} is no file format; there is {there_is}")])
    return FORMATS[name]


def _profile(shops: Mapping[str, Shop], supplier: str, seen: Sequence[str]) -> Supplier:
    """How the supplier's files are read: as the first shop has it that says how, or anything of its files."""
    listed = [
        shop.suppliers[supplier] for key, shop in shops.items() if supplier in shop.suppliers and key in (seen or shops)
    ]
    said = [one for one in listed if one.files != Supplier().files]
    read = [one for one in said if one.files.read]
    return next(iter([*read, *said, *(one for one in listed if one.carrier), *listed]), Supplier())


def _theirs(
    connection: Connection, supplier: str, seen: Sequence[str], rows: Sequence[Row]
) -> dict[str, NamedShipmentRow]:
    """The supplier's shipments that rows may be about."""
    ids = sorted({row.shipment for row in rows if row.shipment})
    found = supplier_files.named(connection, supplier, seen, ids)
    if any(row.name for row in rows):
        found += supplier_files.owed(connection, supplier, seen)
    return {one.shipment_id: one for one in found}


def _known(theirs: Mapping[str, NamedShipmentRow]) -> Mapping[str, Known]:
    return {
        id_: Known(
            max(one.pieces, 1),
            frozenset(one.numbers),
            one.name or "",
            one.owed and one.name is not None,
            len(one.current),
            _corrects(one),
        )
        for id_, one in theirs.items()
    }


def _corrects(theirs: NamedShipmentRow) -> str | None:
    """The number of its only parcel, in whose place another one would stand (``Known.corrects``)."""
    if theirs.owed or len(theirs.current) != 1:
        return None
    (number,) = theirs.current
    return number or "" if number is None or theirs.pieces <= 1 else None


def _taken(connection: Connection, rows: Sequence[Row]) -> Mapping[str, str]:
    """Numbers that only shipments have of which no row with that number speaks."""
    told = {(row.number, row.shipment) for row in rows if row.number}
    found = supplier_files.taken(connection, sorted({number for number, _ in told}))
    theirs = {one.number for one in found if (one.number, one.shipment_id) in told}
    return {one.number: one.shipment_id for one in found if one.number not in theirs}


def _possible(row: Row, theirs: NamedShipmentRow | None, shops: Mapping[str, Shop], now: datetime) -> Row:
    """The row, unless it cannot be right: it left before it was ordered, or leaves only later, or with nobody that the shop knows."""
    if row.verdict not in _NEW or theirs is None:
        return row
    if row.shipped_on is not None and row.shipped_on > in_japan(now).date():
        return row.waits(
            Why.DATE, SHIPPED_ON, f"{row.shipped_on} is still to come; send the file again when it has left"
        )
    if row.shipped_on is not None and row.shipped_on < in_japan(theirs.placed_at).date():
        return row.waits(Why.DATE, SHIPPED_ON, f"{row.shipped_on} is before the order was placed")
    shop = shops.get(theirs.shop)
    allowed = shop.delivery.carriers if shop is not None else ()
    if allowed and row.carrier and carrier(row.carrier).name not in allowed:
        return row.waits(Why.CARRIER, CARRIER, f"the shop sends with {', '.join(allowed)}")
    return row


def _event(row: Row, digest: bytes, supplier: str, seen: Sequence[str], now: datetime) -> Received:
    """What a webhook would have said."""
    said: dict[str, Any] = {"shipment": row.shipment, "tracking_number": row.number}
    if row.carrier:
        said["carrier"] = row.carrier
    if is_correction := row.verdict is Verdict.CORRECT:
        said |= {"previous_tracking_number": row.previous} if row.previous else {}
    else:
        said |= _departed(row, now)
    raw = {"type": _CORRECTED if is_correction else _SHIPPED, "timestamp": now.isoformat(), "data": said}
    return supplier_event(raw, supplier=supplier, shops=seen, event_id=_identity(digest, row), now=now)


def _departed(row: Row, now: datetime) -> dict[str, Any]:
    """When it left, and with which pieces: a day without its hour is its noon, or now where it is today's."""
    said: dict[str, Any] = {}
    if row.shipped_on is not None:
        noon = datetime.combine(row.shipped_on, time(12), JST)
        said["shipped_at"] = (now if row.shipped_on == in_japan(now).date() else noon).isoformat()
    if row.lines:
        said["lines"] = [{"line": line, "quantity": pieces} for line, pieces in row.lines.items()]
    return said


def _readable(row: Row, event: Received | None) -> Row:
    """A row whose event could not be read waits like any other."""
    return row if event is None or event.fault is None else row.waits(Why.TRACK_FORM, "", event.fault)


def _identity(digest: bytes, row: Row) -> str:
    """By what a row is known for ever: its file, and what it says."""
    told = (row.shipment, row.name, row.number, row.carrier, row.shipped_on, sorted(row.lines.items()), row.code)
    said = _mark(repr(told if row.code is None else (*told, row.record)).encode())
    return f"file:{_mark(digest)}:{said}".translate(_LETTERS)


def _mark(content: bytes) -> str:
    return hashlib.blake2s(content, digest_size=12).hexdigest()


def _kept(row: Row, digest: bytes, supplier: str, file: str, theirs: bool, now: datetime) -> Received:
    """What the operator sees of a row that is quarantined."""
    where = f"row {row.record} of {file or 'a file'}"
    return Received(
        source=_source(supplier),
        event_id=_identity(digest, row),
        type=ROW,
        body={"file": file, "row": row.record, "field": row.field, "code": str(row.code)},
        at=now,
        supplier=supplier,
        shipment=row.shipment if theirs else None,
        fault=f"{where}: {row.reason}",
    )


def _source(supplier: str) -> str:
    return f"supplier:{supplier}"


def _after(rows: Sequence[Row], known: Collection[int]) -> list[Row]:
    """The rows, those of the records that were ``known`` from an earlier file as saying nothing new."""
    return [
        replace(row, verdict=Verdict.DUPLICATE) if row.verdict in _NEW and row.record in known else row for row in rows
    ]


def _imported(file: str, form: FileFormat, encoding: str, rows: Sequence[Row]) -> Imported:
    counted = Counter(row.verdict for row in rows)
    return Imported(
        file=file,
        format=form.name,
        encoding=encoding,
        rows=len(rows) - counted[Verdict.BLANK],
        applied=sum(counted[one] for one in _NEW),
        known=counted[Verdict.DUPLICATE],
        pending=counted[Verdict.PENDING] + counted[Verdict.DELETED],
        quarantined=list(waiting(rows)),
        told=rows,
    )
