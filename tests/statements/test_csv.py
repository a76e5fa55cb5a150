"""Downloads of banks: columns by their names, encodings told apart, the newest row first turned round, each balance checked
(gateways.md 7.3, 9: 35, 36)."""

from __future__ import annotations

from datetime import date

import pytest

from pipelines.errors import Invalid
from pipelines.statements import FORMATS
from pipelines.statements.statement import Movement
from tests.statements.files import Entry, csv_of

TODAY = date(2026, 11, 25)
DAYS = {
    "mufg": ("2026/7/9", "2026/7/27"),
    "smbc": ("2026/7/9", "2026/7/27"),
    "mizuho": ("2026.7.9", "2026.7.27"),
    "gmo_aozora": ("20260709", "20260727"),
    "sbi_shinsei": ("2026/07/09", "2026/07/27"),
    "sbi_sumishin": ("2026/07/09", "2026/07/27"),
}
BANKS = sorted(DAYS)


def entries(bank: str) -> list[Entry]:
    first, second = DAYS[bank]
    return [
        Entry(first, 11_000, "ﾔﾏﾀﾞ ﾊﾅｺ", 111_000),
        Entry(second, -330, "ﾃｽｳﾘﾖｳ", 110_670),
        Entry(second, 5_500, "S1001 ｻﾄｳ", 116_170),
    ]


def read(bank: str, data: bytes) -> tuple[Movement, ...]:
    return FORMATS[bank].read(data, TODAY).rows


def test_every_bank_of_the_list_has_a_format() -> None:
    assert set(FORMATS) == {"zengin", *BANKS}


@pytest.mark.parametrize("bank", BANKS)
def test_a_download_is_read_by_its_header(bank: str) -> None:
    """GMO Aozora writes what came in before what went out: no place of a column is taken for granted."""
    statement = FORMATS[bank].read(csv_of(bank, entries(bank)), TODAY)
    assert statement.encoding == ("utf-8-sig" if bank == "sbi_shinsei" else "cp932")
    told = [(row.booked_on, row.amount, row.balance) for row in statement.rows]
    assert told == [
        (date(2026, 7, 9), 11_000, 111_000),
        (date(2026, 7, 27), -330, 110_670),
        (date(2026, 7, 27), 5_500, 116_170),
    ]
    first = 3 if bank == "mizuho" else 2
    assert [row.row for row in statement.rows] == [first, first + 1, first + 2]
    assert "ヤマダ ハナコ" in statement.rows[0].payer or "ﾔﾏﾀﾞ ﾊﾅｺ" in statement.rows[0].payer
    assert "振込" not in statement.rows[0].payer, "how it came is not who sent it"


@pytest.mark.parametrize("bank", BANKS)
def test_the_newest_row_first_is_turned_round(bank: str) -> None:
    (first, *_), turned = entries(bank), entries(bank)[::-1]
    rows = read(bank, csv_of(bank, turned))
    assert (rows[0].amount, rows[0].balance) == (first.amount, first.balance)
    assert rows[0].row == max(row.row for row in rows), "and keeps its line"


@pytest.mark.parametrize("bank", BANKS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_a_file_that_was_stored_anew_is_read_the_same(bank: str, encoding: str) -> None:
    assert read(bank, csv_of(bank, entries(bank), encoding)) == read(bank, csv_of(bank, entries(bank)))


def test_rows_of_one_day_without_balances_stay_as_they_are() -> None:
    told = [Entry("2026/7/9", amount, "ｻﾄｳ", None) for amount in (1, 2, 1)]
    assert [row.amount for row in read("smbc", csv_of("smbc", told))] == [1, 2, 1]
    later = [Entry("2026/7/10", 3, "ｻﾄｳ", None), *told]
    assert [row.amount for row in read("smbc", csv_of("smbc", later))] == [1, 2, 1, 3]


SMBC = "年月日,お引出し,お預入れ,お取り扱い内容,残高,メモ,ラベル\r\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no header"),
        ("2026/7/9,,100,振込　ｻﾄｳ,100,,\r\n", "no header"),
        (csv_of("mufg", entries("mufg")).decode("cp932"), "another bank's"),
        (SMBC.replace("ラベル", "利息"), "column 7 of the header is not known"),
        (SMBC.replace("ラベル", "メモ"), "a column twice"),
        (SMBC + "2026/7/9,,100,振込　ｻﾄｳ,100,,\r\n2026/7/9,,200,振", "line 3 has 4 cells, and the header 7"),
        (SMBC + '2026/7/9,,100,"振込　ｻﾄｳ', "ends within quotes"),
        (SMBC + "2026/7/9,,100,ｻﾄｳ,100,,\r\n2026/7/9,,200,ｻﾄｳ,301,,\r\n", "balance does not follow"),
        (SMBC + "2026/7/9,,100,ｻﾄｳ,100,,\r\n2026/7/9,,200,ｻﾄｳ,500,,\r\n", "balance does not follow"),
        (SMBC + "2026/7/9,,100,ｻﾄｳ,100,,,,多い\r\n", "line 2 has 9 cells"),
    ],
)
def test_a_broken_file_is_refused_as_a_whole(text: str, says: str) -> None:
    with pytest.raises(Invalid, match=says) as refused:
        read("smbc", text.encode("cp932"))
    assert "ｻﾄｳ" not in str(refused.value), "a refusal names nobody"


@pytest.mark.parametrize("data", [SMBC.encode("utf-16"), b"\x81\xff\xff" + SMBC.encode("cp932")])
def test_an_encoding_that_no_bank_uses_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid, match=r"UTF-16|neither in UTF-8 nor in CP932"):
        read("smbc", data)


@pytest.mark.parametrize(
    ("row", "amount", "doubt"),
    [
        ("2026/7/9,100,100,ｻﾄｳ,,,", None, "no amount"),
        ("2026/7/9,,,ｻﾄｳ,,,", None, "no amount"),
        ("2026/7/9,,-100,ｻﾄｳ,,,", None, "no amount"),
        ("2026/7/9,,1O0,ｻﾄｳ,,,", None, "no amount"),
        (f"2026/7/9,,{'9' * 5_000},ｻﾄｳ,,,", None, "no amount"),
        (f"2026/7/9,,100,ｻﾄｳ,{'9' * 5_000},,", 100, None),
        ("8/7/9,,100,ｻﾄｳ,,,", 100, "a year needs four digits"),
        ("080709,,100,ｻﾄｳ,,,", 100, "a year needs four digits"),
        ("2026/2/29,,100,ｻﾄｳ,,,", 100, "its day"),
        ("2026/12/9,,100,ｻﾄｳ,,,", 100, "no day lies ahead"),
        ("2026/7/9,,100,組戻　ｻﾄｳ,,,", 100, "called back"),
        ("2026/7/9,100,,ｸﾐﾓﾄﾞｼ ｻﾄｳ,,,", -100, "called back"),
        ('2026/7/9,0,"１,100",ｻﾄｳ,,,', 1_100, None),
        ("2026年7月9日,-,￥1100円,ｻﾄｳ,,,", 1_100, None),
    ],
)
def test_a_row_in_doubt_is_for_a_human_and_stops_no_other(row: str, amount: int | None, doubt: str | None) -> None:
    odd, plain = read("smbc", f"{SMBC}{row}\r\n2026/7/9,,7,ﾀﾅｶ,,,\r\n".encode("cp932"))
    assert odd.amount == amount
    assert (odd.doubt or "") == "" if doubt is None else doubt in (odd.doubt or "")
    assert (plain.amount, plain.doubt) == (7, None)


def test_money_that_is_not_cleared_yet_is_for_a_human() -> None:
    header, row = csv_of("mufg", entries("mufg")[:1]).decode("cp932").splitlines()
    (found,) = read("mufg", f"{header}\r\n{row.replace(',,,入金', ',,未,入金')}\r\n".encode("cp932"))
    assert found.doubt == "the bank has not cleared it yet"
