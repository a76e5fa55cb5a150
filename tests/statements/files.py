"""Statement files as banks write them, made of rows; invented, in the published layouts (gateways.md 7.1, 7.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_LAYOUT_03 = (1, 8, 6, 6, 1, 2, 12, 12, 6, 6, 1, 7, 3, 10, 48, 15, 15, 20, 20, 1)


@dataclass(frozen=True)
class Line:
    """A movement: six digits of a day, yen (out below zero), who sent it."""

    amount: int
    payer: str
    day: str = "081124"
    reference: str = "00000001"
    trade: str = "11"
    cheques: int = 0
    edi: str = ""
    cancelled: bool = False


def number(value: int | str, width: int) -> str:
    return str(value).rjust(width, "0")


def record_03(line: Line) -> str:
    """The data record of the published sample, with other values."""
    values = (
        "2", line.reference, line.day, line.day, "2" if line.amount < 0 else "1", line.trade, number(abs(line.amount), 12),
        number(line.cheques, 12), "000000", "000000", "0", "0000000", "101", "0000000000", line.payer.ljust(48),
        "ﾐﾂﾋﾞｼUFJ".ljust(15), "ﾎﾝﾃﾝ".ljust(15), "ﾌﾘｺﾐ".ljust(20), line.edi.ljust(20), " ",
    )  # fmt: skip
    assert tuple(map(len, values)) == _LAYOUT_03
    return "".join(values)


def account_03(lines: Sequence[Line], *, account: str = "0000000004", branch: str = "001", before: int = 100_000,
               made_on: str = "081125", code: str = "0", kind: str = "1", file: str = "03") -> list[str]:  # fmt: skip
    """Header, data and trailer of an account of 入出金取引明細."""
    came = [line.amount for line in lines if line.amount >= 0]
    went = [-line.amount for line in lines if line.amount < 0]
    header = (
        f"1{file}{code}{made_on}{made_on}{made_on}0009{'ﾐﾎﾝｷﾞﾝｺｳ'.ljust(15)}{branch}{'ﾎﾝﾃﾝ'.ljust(15)}000{kind}{account}"
        f"{'ｻﾛﾝｻﾌﾟﾗｲ(ｶ'.ljust(40)}11{number(before, 14)}"
    )
    trailer = (
        f"8{number(len(came), 6)}{number(sum(came), 13)}{number(len(went), 6)}{number(sum(went), 13)}1"
        f"{number(before + sum(came) - sum(went), 14)}{number(len(lines), 7)}"
    )
    return [header.ljust(200), *map(record_03, lines), trailer.ljust(200)]


def account_01(lines: Sequence[Line], *, second: bool = False) -> list[str]:
    """Header, data and trailer of an account of 振込入金通知; ``second``: the data have two amounts."""
    header = f"10100811250811250811250009{'ﾐﾎﾝｷﾞﾝｺｳ'.ljust(15)}001{'ﾎﾝﾃﾝ'.ljust(15)}10000004{'ｻﾛﾝｻﾌﾟﾗｲ(ｶ'.ljust(40)}"
    came = [line.amount for line in lines if not line.cancelled]
    back = [line.amount for line in lines if line.cancelled]
    trailer = f"8{number(len(came), 6)}{number(sum(came), 12)}{number(len(back), 6)}{number(sum(back), 12)}"
    return [header.ljust(200), *(_record_01(line, second) for line in lines), trailer.ljust(200)]


def _record_01(line: Line, second: bool) -> str:
    first = 0 if second else line.amount
    head = (
        f"2{line.reference[-6:]}{line.day}{line.day}{number(first, 10)}{number(0, 10)}0000000000{line.payer.ljust(48)}"
        f"{'ﾐﾂﾋﾞｼUFJ'.ljust(15)}{'ﾎﾝﾃﾝ'.ljust(15)}{'1' if line.cancelled else ' '}"
    )
    tail = f"{number(line.amount, 12)}{number(0, 12)}{line.edi.ljust(20)}" if second else line.edi.ljust(20)
    return (head + tail).ljust(200)


def zengin(*accounts: Sequence[str], ending: str = "\r\n", encoding: str = "cp932") -> bytes:
    """A whole file of accounts."""
    records = [record for account in accounts for record in account]
    end = f"9{number(len(records) + 1, 10)}{number(len(accounts), 5)}".ljust(200)
    return "".join(f"{record}{ending}" for record in [*records, end]).encode(encoding)


@dataclass(frozen=True)
class Entry:
    """A row of a download: a day as the bank writes it, yen (out below zero), what it was, and the balance after it."""

    day: str
    amount: int
    text: str
    balance: int | None


def csv_of(bank: str, entries: Sequence[Entry], encoding: str | None = None) -> bytes:
    """A download of the bank, as its own pages write it."""
    header, row, usual = _BANKS[bank]
    return "".join(f"{line}\r\n" for line in (header, *map(row, entries))).encode(encoding or usual)


def _in(entry: Entry) -> str:
    return str(entry.amount) if entry.amount > 0 else ""


def _out(entry: Entry) -> str:
    return str(-entry.amount) if entry.amount < 0 else ""


def _balance(entry: Entry) -> str:
    return "" if entry.balance is None else str(entry.balance)


def _neobank(entry: Entry) -> str:
    """Amounts with commas in quotes; an empty cell has none."""
    cells = (f'"{int(cell):,}"' if cell else "" for cell in (_out(entry), _in(entry), _balance(entry)))
    return f'"{entry.day}","{entry.text}",{",".join(cells)},"-"'


_BANKS = {
    "mufg": (
        "日付,摘要,摘要内容,支払い金額,預かり金額,差引残高,メモ,未資金化区分,入払区分",
        lambda one: f"{one.day},振込１,{one.text},{_out(one)},{_in(one)},{_balance(one)},,,入金",
        "cp932",
    ),
    "smbc": (
        "年月日,お引出し,お預入れ,お取り扱い内容,残高,メモ,ラベル",
        lambda one: f'{one.day},{_out(one)},{_in(one)},"振込　{one.text}",{_balance(one)},,',
        "cp932",
    ),
    "mizuho": (
        "口座番号,0000004\r\n日付,摘要,お支払金額,お預かり金額,残高",
        lambda one: f"{one.day},{one.text},{_out(one)},{_in(one)},{_balance(one)}",
        "cp932",
    ),
    "gmo_aozora": (
        "日付,摘要,入金金額,出金金額,残高,メモ",
        lambda one: f'{one.day},"振込 {one.text}",{_in(one)},{_out(one)},{_balance(one)},',
        "cp932",
    ),
    "sbi_shinsei": (
        "取引日,摘要,出金金額,入金金額,残高,メモ",
        lambda one: f"{one.day},振込 {one.text},{_out(one)},{_in(one)},{_balance(one)},",
        "utf-8-sig",
    ),
    "sbi_sumishin": ('"日付","内容","出金金額(円)","入金金額(円)","残高(円)","メモ"', _neobank, "cp932"),
}
