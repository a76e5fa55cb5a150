"""全銀協 fixed records: read by their layout, refused as a whole where they contradict themselves (gateways.md 7.1, 9: 35, 36)."""

from __future__ import annotations

from datetime import date

import pytest

from pipelines.errors import Invalid
from pipelines.statements.statement import Account, Movement
from pipelines.statements.zengin import read
from tests.statements.files import Line, account_01, account_03, record_03, zengin

TODAY = date(2026, 11, 25)
SAMPLE = Line(5_500, "SO1001 ﾔﾏﾀﾞ ﾊﾅｺ")
BACK = Line(3_000, "ｽｽﾞｷ ｲﾁﾛｳ", cancelled=True)


def rows(*accounts: list[str], today: date = TODAY) -> tuple[Movement, ...]:
    return read(zengin(*accounts), today).rows


def test_the_published_sample_is_read_back() -> None:
    (row,) = rows(account_03([SAMPLE]))
    assert (row.row, row.booked_on, row.amount, row.payer) == (2, date(2026, 11, 24), 5_500, "SO1001 ﾔﾏﾀﾞ ﾊﾅｺ")
    assert (row.reference, row.account, row.doubt) == ("00000001", Account("0009", "001", "0000000004"), None)


@pytest.mark.parametrize("ending", ["\r\n", "\n", ""])
def test_records_end_in_any_way_or_not_at_all(ending: str) -> None:
    data = zengin(account_03([SAMPLE, Line(-1_000, "ﾃｽｳﾘﾖｳ")]), ending=ending)
    for file in (data, data + b"\x1a", data.removesuffix(ending.encode())):
        assert [row.amount for row in read(file, TODAY).rows] == [5_500, -1_000]


@pytest.mark.parametrize("end", ["9000000000400001", "9000000000300001", "9000000000000000", "9"])
def test_the_end_counts_itself_or_not_or_nothing(end: str) -> None:
    data = zengin(account_03([SAMPLE])).decode("cp932")
    assert "9000000000400001" in data
    assert len(read(data.replace("9000000000400001", end.ljust(16)).encode("cp932"), TODAY).rows) == 1


def test_an_account_of_no_stated_kind_is_no_time_deposit() -> None:
    assert len(rows(account_03([SAMPLE], kind=" "))) == 1


def test_each_account_has_its_own_header_and_trailer() -> None:
    found = rows(account_03([SAMPLE]), account_03([Line(1, "ｻﾄｳ")], account="0000000003"), account_03([]))
    assert [row.account.number for row in found if row.account] == ["0000000004", "0000000003"]


@pytest.mark.parametrize("second", [False, True], ids=["A", "B: two amounts"])
def test_a_notice_of_transfers(second: bool) -> None:
    """振込入金通知 (01): a cancel takes an earlier transfer back and is no payment."""
    came, back = rows(account_01([SAMPLE, BACK], second=second))
    assert (came.amount, came.doubt) == (5_500, None)
    assert (back.amount, back.doubt) == (-3_000, "it takes an earlier transfer back")


@pytest.mark.parametrize(
    ("made_on", "day", "today", "read_as"),
    [
        ("081125", "081124", date(2026, 11, 25), date(2026, 11, 24)),  # Reiwa 8
        ("261125", "261124", date(2026, 11, 25), date(2026, 11, 24)),  # western: Reiwa 26 has not come
        ("080101", "071231", date(2026, 1, 5), date(2025, 12, 31)),
        ("080229", "080229", date(2026, 3, 1), None),  # 2026 is no leap year; 2008 was one, and is too long ago
        ("441125", "441124", date(2026, 11, 25), None),
        ("081125", "261124", date(2026, 11, 25), None),  # a row in other years than its file
        ("081125", "081324", date(2026, 11, 25), None),
    ],
)
def test_two_digits_of_a_year_are_of_the_era_or_western_and_never_guessed(
    made_on: str, day: str, today: date, read_as: date | None
) -> None:
    account = account_03([Line(1, "ｻﾄｳ", day=day)], made_on=made_on)
    if read_as is None:
        with pytest.raises(Invalid, match=r"record [12].* no day"):
            rows(account, today=today)
    else:
        assert [row.booked_on for row in rows(account, today=today)] == [read_as]


@pytest.mark.parametrize(
    ("line", "doubt"),
    [
        (Line(100, "ｸﾐﾓﾄﾞｼ ﾔﾏﾀﾞ"), "called back"),
        (Line(-100, "ｸﾐﾓﾄﾞｼ ﾔﾏﾀﾞ"), "called back"),
        (Line(100, "ﾔﾏﾀﾞ", trade="19"), "corrects"),
        (Line(100, "ﾔﾏﾀﾞ", cheques=100), "cheque"),
    ],
)
def test_what_is_no_plain_transfer_is_for_a_human(line: Line, doubt: str) -> None:
    (row,) = rows(account_03([line]))
    assert row.doubt is not None
    assert doubt in row.doubt


def changed(old: str, new: str) -> bytes:
    data = zengin(account_03([SAMPLE, Line(700, "ｻﾄｳ")])).decode("cp932")
    assert old in data
    return data.replace(old, new, 1).encode("cp932")


WHOLE = zengin(account_03([SAMPLE, Line(700, "ｻﾄｳ")]))
TOO_MUCH = record_03(Line(800, "ｻﾄｳ"))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "record 1 has 0 bytes|no end record"),
        (WHOLE[:500], "has 96 bytes"),
        (WHOLE[: 202 * 3], "no end record"),
        (WHOLE[:202] + WHOLE[404:], "record 3: the trailer's count is 2"),
        (WHOLE[202:], "record 1 is of kind '2'"),
        (WHOLE[: 202 * 3] + WHOLE[-202:], "no trailer"),
        (changed(record_03(Line(700, "ｻﾄｳ")), TOO_MUCH), "the trailer's sum is 6200, and the rows make 6300"),
        (changed("00000000106200", "00000000106201"), "the balance is 106201"),
        (changed("1062000000002", "1062000000003"), "the trailer's records is 3"),
        (changed("9000000000500001", "9000000000600001"), "its end record counts 6 records, and there are 5"),
        (zengin(account_03([SAMPLE], code="1")), "EBCDIC"),
        (b"\xf1" + WHOLE[1:], "EBCDIC"),
        (zengin(account_03([SAMPLE]), encoding="utf-8"), "stored in another encoding"),
        (zengin(account_03([SAMPLE], kind="5")), "time deposit"),
        (zengin(account_03([SAMPLE], file="04")), "only 01 and 03"),
        (changed("000000005500", "00000000550X"), "amount is no number"),
        (changed("ﾔﾏﾀﾞ ﾊﾅｺ", "山田ﾊﾅｺ "), "full-width"),
    ],
)
def test_a_broken_file_is_refused_as_a_whole(data: bytes, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        read(data, TODAY)


def test_no_refusal_names_a_payer() -> None:
    with pytest.raises(Invalid) as refused:
        read(changed("000000005500", "00000000550X"), TODAY)
    assert "ﾔﾏﾀﾞ" not in str(refused.value)


def test_an_account_that_is_told_of_twice_word_for_word_is_refused() -> None:
    """Its transfers were booked once more, and the second of each was to be given back."""
    with pytest.raises(Invalid, match="record 4 begins an account that stands in the file already"):
        rows(account_03([SAMPLE]), account_03([SAMPLE]))
    with pytest.raises(Invalid, match="stands in the file already"):
        rows(account_01([SAMPLE]), account_01([SAMPLE]))
    assert len(rows(account_03([SAMPLE, SAMPLE]))) == 2, "two equal transfers of a day are two"
    assert len(rows(account_03([SAMPLE]), account_03([SAMPLE], before=105_500))) == 2, (
        "and so in two parts of an account"
    )
    assert rows(account_03([]), account_03([])) == (), "where nothing moved nothing is booked twice"
