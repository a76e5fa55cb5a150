"""The Zengin system's fixed records (全銀協 固定長): 03 入出金取引明細 and 01 振込入金通知, 200 bytes each (gateways.md 7.1).

A header, its data and a trailer for each account, one end. The file contradicts itself in one place: none of it is booked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from pipelines.statements.era import Years, years_of
from pipelines.statements.statement import Account, Format, Movement, Statement, broken
from pipelines.statements.words import doubt_of

_LENGTH: Final = 200
_EBCDIC_HEADER: Final = b"\xf1"
_TIME_DEPOSITS: Final = frozenset("567")
_CORRECTION: Final = "19"

#: First and last byte of a field, as the layout counts them.
_Layout = Mapping[str, tuple[int, int]]
_HEADER: Final[_Layout] = {
    "file": (2, 3), "code": (4, 4), "made_on": (5, 10), "since": (11, 16), "until": (17, 22),
    "bank": (23, 26), "branch": (42, 44),
}  # fmt: skip
_HEADER_03: Final[_Layout] = {
    **_HEADER,
    "kind": (63, 63),
    "number": (64, 73),
    "overdrawn": (114, 114),
    "before": (116, 129),
}
_HEADER_01: Final[_Layout] = {**_HEADER, "kind": (60, 60), "number": (61, 67)}
_DATA_03: Final[_Layout] = {
    "reference": (2, 9), "booked_on": (10, 15), "direction": (22, 22), "trade": (23, 24), "amount": (25, 36),
    "cheques": (37, 48), "payer": (82, 129), "sending_bank": (130, 144), "summary": (160, 179), "edi": (180, 199),
}  # fmt: skip
_DATA_01: Final[_Layout] = {
    "reference": (2, 7), "booked_on": (8, 13), "amount": (20, 29), "cheques": (30, 39), "payer": (50, 97),
    "sending_bank": (98, 112), "cancelled": (128, 128), "edi": (129, 148),
}  # fmt: skip
#: Where the notice writes two amounts: the second counts, the first is zeros.
_DATA_01_B: Final[_Layout] = {**_DATA_01, "amount": (129, 140), "cheques": (141, 152), "edi": (153, 172)}
_TRAILER_03: Final[_Layout] = {
    "count": (2, 7), "sum": (8, 20), "debits": (21, 26), "debit_sum": (27, 39), "overdrawn": (40, 40), "after": (41, 54),
    "records": (55, 61),
}  # fmt: skip
_TRAILER_01: Final[_Layout] = {"count": (2, 7), "sum": (8, 19), "cancels": (20, 25), "cancel_sum": (26, 37)}
_END: Final[_Layout] = {"records": (2, 11), "accounts": (12, 16)}


def read(data: bytes, today: date) -> Statement:
    """The rows of all accounts in the file. Raises Invalid."""
    records = [_text(raw, place) for place, raw in enumerate(_records(data), start=1)]
    if not records or not records[-1].startswith("9"):
        raise broken("it has no end record: it was cut, download it again")
    sections = list(_sections(records[:-1], today))
    end = _Fields(records[-1], len(records), _END)
    # Banks count the end itself or not, and some leave both numbers out.
    counted = {(len(records), len(sections)), (len(records) - 1, len(sections)), (0, 0)}
    if (end.yen("records"), end.yen("accounts")) not in counted:
        raise broken(f"its end record counts {end.yen('records')} records, and there are {len(records)}")
    return Statement("cp932", tuple(row for section in sections for row in section.rows))


def _records(data: bytes) -> list[bytes]:
    """The records of 200 bytes, whichever way their lines end."""
    body = data.rstrip(b"\x1a")
    if body.startswith(_EBCDIC_HEADER):
        raise broken("it is in EBCDIC; have the bank send it in JIS")
    for ending in (b"\r\n", b"\n"):
        if ending in body:
            lines = body.removesuffix(ending).split(ending)
            break
    else:
        lines = [body[start : start + _LENGTH] for start in range(0, len(body), _LENGTH)]
    for place, line in enumerate(lines, start=1):
        if len(line) != _LENGTH:
            raise broken(
                f"record {place} has {len(line)} bytes and not {_LENGTH}: it was cut, or stored in another encoding"
            )
    return lines


def _text(record: bytes, place: int) -> str:
    """A record of which each byte is one character."""
    try:
        text = record.decode("cp932")
    except UnicodeDecodeError:
        raise broken(f"record {place} is not in JIS (CP932)") from None
    if len(text) != _LENGTH:
        raise broken(f"record {place} has full-width characters, which no such record has")
    return text


class _Fields:
    """The fields of a record, read by its layout. What they raise names the record."""

    def __init__(self, record: str, place: int, layout: _Layout) -> None:
        self.place = place
        self._record = record
        self._layout = layout

    def text(self, name: str) -> str:
        """As it stands, without the blanks around it; empty where the layout has no such field."""
        first, last = self._layout.get(name, (1, 0))
        return self._record[first - 1 : last].strip()

    def yen(self, name: str) -> int:
        """A number; blanks are none."""
        text = self.text(name)
        if text and not (text.isascii() and text.isdecimal()):
            raise broken(f"record {self.place}: {name} is no number")
        return int(text or 0)


@dataclass
class _Section:
    """One account: its header, and what came under it."""

    header: _Fields
    years: Years
    account: Account
    rows: list[Movement] = field(default_factory=list)


def _sections(records: Sequence[str], today: date) -> Iterator[_Section]:
    section: _Section | None = None
    told = set[tuple[str, ...]]()
    for place, record in enumerate(records, start=1):
        match record[0], section:
            case "1", None:
                section = _opened(record, place, today)
            case "2", _Section():
                section.rows.append(_row(record, place, section))
            case "8", _Section():
                _closed(section, record, place)
                _once(section, tuple(records[section.header.place - 1 : place]), told)
                yield section
                section = None
            case kind, _:
                raise broken(f"record {place} is of kind {kind!r}, which cannot stand there")
    if section is not None:
        raise broken("its last account has no trailer: it was cut, download it again")


def _opened(record: str, place: int, today: date) -> _Section:
    layout = {"03": _HEADER_03, "01": _HEADER_01}.get(record[1:3])
    if layout is None:
        raise broken(f"record {place}: files of kind {record[1:3]!r} are not read, only 01 and 03")
    header = _Fields(record, place, layout)
    if header.text("code") == "1":
        raise broken("it says that it is in EBCDIC; have the bank send it in JIS")
    if header.text("kind") in _TIME_DEPOSITS:
        raise broken(f"record {place} is of a time deposit, which nobody pays into")
    years = years_of(header.text("made_on"), today)
    if years is None:
        raise broken(f"record {place}: {header.text('made_on')!r} is no day, of an era's year or of a western one")
    return _Section(header, years, Account(header.text("bank"), header.text("branch"), header.text("number")))


def _row(record: str, place: int, section: _Section) -> Movement:
    is_notice = section.header.text("file") == "01"
    layout = _DATA_03
    if is_notice:
        layout = _DATA_01_B if record[128:152].isdecimal() else _DATA_01
    data = _Fields(record, place, layout)
    day = section.years.read(data.text("booked_on"))
    if day is None or not section.years.holds(day):
        raise broken(f"record {place}: {data.text('booked_on')!r} is no day before the one on which the file was made")
    outwards = data.text("direction") == "2" or data.text("cancelled") == "1"
    if not is_notice and data.text("direction") not in ("1", "2"):
        raise broken(f"record {place} says neither in (1) nor out (2)")
    words = [data.text(name) for name in ("payer", "edi", "sending_bank", "summary")]
    return Movement(
        row=place,
        booked_on=day,
        amount=-data.yen("amount") if outwards else data.yen("amount"),
        text=" ".join(filter(None, words)),
        payer=words[0],
        reference=data.text("reference").strip("0") and data.text("reference"),
        account=section.account,
        doubt=_doubt(data),
    )


def _doubt(data: _Fields) -> str | None:
    if data.text("cancelled") == "1":
        return "it takes an earlier transfer back"
    if data.text("trade") == _CORRECTION:
        return "it corrects an earlier entry"
    if data.yen("cheques"):
        return "it is a cheque, which may still be dishonoured"
    return doubt_of(f"{data.text('payer')} {data.text('summary')}")


def _closed(section: _Section, record: str, place: int) -> None:
    """The trailer says what stands above it."""
    is_notice = section.header.text("file") == "01"
    trailer = _Fields(record, place, _TRAILER_01 if is_notice else _TRAILER_03)
    came = [row for row in section.rows if _sum([row]) >= 0]
    went = [row for row in section.rows if _sum([row]) < 0]
    if is_notice:
        _same(trailer, count=len(came), sum=_sum(came), cancels=len(went), cancel_sum=-_sum(went))
        return
    _same(trailer, count=len(came), sum=_sum(came), debits=len(went), debit_sum=-_sum(went))
    _same(trailer, records=len(section.rows))
    made = _balance(section.header, "before") + _sum(section.rows)
    if _balance(trailer, "after") != made:
        raise broken(f"record {place}: the balance is {_balance(trailer, 'after')}, and the rows make {made}")


def _once(section: _Section, records: tuple[str, ...], told: set[tuple[str, ...]]) -> None:
    """No account is told of twice in the very same words: its transfers would count as so many more."""
    if section.rows and records in told:
        raise broken(f"record {section.header.place} begins an account that stands in the file already, word for word")
    told.add(records)


def _same(trailer: _Fields, **found: int) -> None:
    for name, number in found.items():
        if trailer.yen(name) != number:
            raise broken(
                f"record {trailer.place}: the trailer's {name} is {trailer.yen(name)}, and the rows make {number}"
            )


def _balance(fields: _Fields, name: str) -> int:
    """A balance; of an account that is overdrawn (2) it is below zero."""
    return -fields.yen(name) if fields.text("overdrawn") == "2" else fields.yen(name)


def _sum(rows: Sequence[Movement]) -> int:
    return sum(row.amount or 0 for row in rows)


STATEMENT = Format("zengin", "全銀協 固定長 (入出金取引明細 03, 振込入金通知 01)", read)
