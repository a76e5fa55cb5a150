"""Whatever a result file went through on its way: encodings, quotes, line ends, headers, and spreadsheets (B.5, B.9.1, TRK-03)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import Invalid
from pipelines.files import FORMATS, b2, ehiden3
from pipelines.files.file_format import DIGITS, LOOSE, NUMBER, SHIPMENT, SHIPPED_ON, SLASHES
from pipelines.files.results import Known, Verdict, Why, _day, detect, identity, judge, number_fault, read
from pipelines.files.table import read_table
from tests.examples import examples
from tests.files.test_samples import EXPECTED, RESULTS, SAMPLES, form_of, known, said

Cells = list[list[str]]
HEADERS = {"b2": b2.HEADER, "ehiden3": ehiden3.HEADER}


def records(data: bytes) -> Cells:
    return [list(one.cells) for one in read_table(data).records]


def encoded(rows: Cells, encoding: str = "cp932", end: str = "\r\n", quoting: int = csv.QUOTE_ALL) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end, quoting=quoting).writerows(rows)
    return text.getvalue().encode(encoding)


VARIANTS: dict[str, Callable[[Cells], bytes]] = {
    "UTF-8": lambda rows: encoded(rows, "utf-8"),
    "UTF-8 with a mark": lambda rows: encoded(rows, "utf-8-sig"),
    "LF": lambda rows: encoded(rows, "utf-8", "\n"),
    "unquoted": lambda rows: encoded(rows, "utf-8", quoting=csv.QUOTE_MINIMAL),
    "no last line end": lambda rows: encoded(rows, "utf-8").rstrip(b"\r\n"),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("sample", sorted(EXPECTED))
def test_a_sample_in_other_clothes_says_the_same(sample: str, variant: str) -> None:
    form = FORMATS[form_of(sample)]
    table = read_table(VARIANTS[variant](records((SAMPLES / sample).read_bytes())))
    assert detect(table, FORMATS, RESULTS) is form
    got = {r.record: said(r) for r in judge(read(table, form, RESULTS[form.name], "yamato"), known(sample), {})}
    assert {n: one for n, one in got.items() if one[0] != "ignore_blank"} == {
        n: one for n, one in EXPECTED[sample].items() if one[0] != "ignore_blank"
    }


@pytest.mark.parametrize("sample", ["b2_result_traps.csv", "ehiden3_result_traps.csv", "bizlogi_depo_result_traps.csv"])
def test_without_its_header_it_is_read_by_its_columns(sample: str) -> None:
    form = FORMATS[form_of(sample)]
    table = read_table(encoded(records((SAMPLES / sample).read_bytes())[1:]))
    assert detect(table, FORMATS, RESULTS) is form
    got = {r.record + 1: said(r) for r in judge(read(table, form, RESULTS[form.name]), known(sample), {})}
    assert got == EXPECTED[sample]


def test_a_header_of_long_descriptions_and_other_columns() -> None:
    """Headings may be long, in lines, in other widths and in another order."""
    header = [
        "出荷予定日\n半角10文字\n「YYYY/MM/DD」",
        "お客様管理番号\n半角英数字50文字",
        "ﾒﾓ",
        "伝票番号 \n半角数字12文字",
    ]
    table = read_table(encoded([header, ["2026/12/01", "S26-101", "x", "440105783084"]]))
    (row,) = read(table, FORMATS["b2"], RESULTS["b2"])
    assert (row.verdict, row.shipment, row.number) == (Verdict.APPLY, "S26-101", "440105783084")


@pytest.mark.parametrize("lines", [1, 2, 12])
@pytest.mark.parametrize("tool", ["b2", "ehiden3"])
def test_a_header_describes_every_one_of_its_columns(tool: str, lines: int) -> None:
    """B2 says below each of its 97 headings what goes in: a header of some hundred lines, not the first line of one."""
    header = [f"{one}\n" + "\n".join(["半角英数字50文字"] * lines) for one in HEADERS[tool]]
    row = [""] * len(header)
    for about, column in RESULTS[tool].positions[len(header)].items():
        row[column - 1] = {SHIPMENT: "S26-101", NUMBER: "440105783084", SHIPPED_ON: "2026/12/01"}[about]
    table = read_table(encoded([[], header, row]))
    assert detect(table, FORMATS, RESULTS).name == tool
    (found,) = read(table, FORMATS[tool], RESULTS[tool])
    assert (found.record, found.verdict, found.shipment, found.number) == (3, Verdict.APPLY, "S26-101", "440105783084")


def test_a_quote_that_is_never_closed_spoils_its_own_row_alone() -> None:
    text = (
        'お客様管理番号,伝票番号,出荷予定日\r\n"S26-101,440105783084,2026/12/01\r\nS26-102,398062714976,2026/12/01\r\n'
    )
    rows = read(read_table(text.encode("cp932")), FORMATS["b2"], RESULTS["b2"])
    assert [(row.record, row.shipment) for row in rows][-1] == (3, "S26-102")
    assert rows[-1].verdict is Verdict.APPLY


HEAD = "出荷番号,運送会社,送り状番号,出荷日,備考"
ONE, TWO = "SH-AAAAAAAAAAA22,ヤマト,440105783084,2026/11/20,", "SH-AAAAAAAAAAA33,ヤマト,398062714976,2026/11/20,"
GOOD = [("SH-AAAAAAAAAAA22", "440105783084"), ("SH-AAAAAAAAAAA33", "398062714976")]


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}\r\n{ONE}\r\n{TWO}\r\n",
        f"{HEAD}\r\n{ONE}\r\n{TWO}\r\n\x1a",  # DOS ended files so
        f"\ufeff{HEAD}\r\n{ONE}\r\n{TWO}",  # beside the file's own mark
        f"{HEAD},,\r\n{ONE},,\r\n{TWO},,",  # a spreadsheet's empty columns
        f"{HEAD}\r\n{ONE},,\r\n{TWO}",  # in some rows alone
        f"{HEAD},,\r\n{ONE},,\r\n{TWO}",  # left out of some rows
        f"{HEAD}\r\n{ONE}\x00\x00\r\n{TWO}".replace("22,", "22\x00,").replace(
            "76,", "76\x00,"
        ),  # fields filled with zeros
        f"{HEAD}\r\n{ONE}\r\n{TWO}\r\n".replace("SH-AAAAAAAAAAA22", '"=""SH-AAAAAAAAAAA22"""'),
        f'{HEAD}\r\n{ONE}"上\r\n下"\r\n{TWO}"a""b"\r\n',  # line ends within quotes
        f'{HEAD}\r\n{ONE}"上\r\n{TWO}x\r\n',  # a quote that is never closed, in the last column
        f'{HEAD}\r\n{ONE}"上\r\n{TWO}"x"\r\n',  # and one that another row's quote seems to close
        f"{HEAD}\r{ONE}\r{TWO}\r",
        f"\r\n\r\n{HEAD}\n{ONE}\n{TWO}\n",
        f'{HEAD}\r\n{ONE}"{"長" * 70_000}\r\n{TWO}{"長" * 70_000}\r\n',  # more than the reader takes for one field
    ],
)
def test_what_tools_and_spreadsheets_do_to_a_file_loses_no_row(text: str) -> None:
    for data in (text.encode("utf-8-sig"), text.lstrip("\ufeff").encode("cp932")):
        table = read_table(data)
        rows = [row for row in read(table, detect(table, FORMATS, RESULTS), RESULTS["csv"]) if row.shipment]
        assert [(row.shipment, row.number) for row in rows] == GOOD
        assert {row.verdict for row in rows} == {Verdict.APPLY}


def test_words_where_numbers_should_be_are_no_format() -> None:
    """A title above the header: four columns are not Yu-Pri R's for that alone."""
    text = f"出荷実績一覧,,,\r\n{HEAD.rpartition(',')[0]}\r\nSH-AAAAAAAAAAA22,,,\r\n"
    with pytest.raises(Invalid, match="none of"):
        detect(read_table(text.encode()), FORMATS, RESULTS)


def test_a_mark_before_bytes_that_are_no_utf8_is_refused() -> None:
    with pytest.raises(Invalid):
        read_table(b"\xef\xbb\xbf\x93\xfa")


@pytest.mark.parametrize(
    ("raw", "carrier", "digits", "number", "why"),
    [
        ("444413758703", "yamato", 12, "444413758703", None),
        ('="444413758703"', "yamato", 12, "444413758703", None),
        ("4444-1375-8703", "yamato", 12, "444413758703", None),
        ("4444 1375 8703", "yamato", 12, "444413758703", None),
        ("４４４４－１３７５－８７０３", "yamato", 12, "444413758703", None),
        ("A444413758703A", "yamato", 12, "444413758703", None),
        ("a444413758703a", "sagawa", 12, "444413758703", None),
        ("4.4441E+11", "yamato", 12, "4.4441E+11", Why.TRACK_EXCEL),
        ("4.44E11", "yamato", 12, "4.44E11", Why.TRACK_EXCEL),
        ("4,4441E+11", "yamato", 12, "4,4441E+11", Why.TRACK_EXCEL),
        ("444413758703.0", "yamato", 12, "444413758703.0", Why.TRACK_EXCEL),
        ("000000000000", "yamato", 12, "000000000000", Why.TRACK_ZERO),
        ("0000-0000-0000", "sagawa", 12, "000000000000", Why.TRACK_ZERO),
        ("444413758713", "yamato", 12, "444413758713", Why.TRACK_CHECK),
        ("444413758708", "yamato", 12, "444413758708", Why.TRACK_CHECK),
        ("44441375870", "yamato", 12, "44441375870", Why.TRACK_LEN),
        ("4444137587030", "yamato", 12, "4444137587030", Why.TRACK_LEN),
        ("44441375870O", "yamato", 12, "44441375870O", Why.TRACK_FORM),
        ("未発行", "yamato", 12, "未発行", Why.TRACK_FORM),
        ("0123456789", "sagawa", 12, "0123456789", Why.TRACK_LEN),
        ("13112383852", "japan_post", 12, "13112383852", Why.TRACK_LEN),
        ("13112383852", "japan_post", None, "13112383852", None),
        ("4000004011", "seino", 10, "4000004011", None),
        ("400000401", "seino", 10, "400000401", Why.TRACK_LEN),
        ("444413758713", None, None, "444413758713", Why.TRACK_CHECK),
        ("AB-123", None, None, "AB123", None),
    ],
)
def test_numbers(raw: str, carrier: str | None, digits: int | None, number: str, why: Why | None) -> None:
    """B.4.1: cleaned, never filled up and never guessed. Ten digits of e-hiden or eleven of Yu-Pri R have lost their zeros."""
    got, wrong, says = number_fault(raw, carrier, digits)
    assert (got, wrong) == (number, why)
    assert bool(says) == (why is not None)


@pytest.mark.parametrize(
    ("written", "id_"),
    [
        ("SH-ABCDEFGHIJKLM", "SH-ABCDEFGHIJKLM"),
        ("SHABCDEFGHIJKLM", "SH-ABCDEFGHIJKLM"),
        ("sh-abcdefghijklm", "SH-ABCDEFGHIJKLM"),
        (" ＳＨ－ＡＢＣＤＥＦＧＨＩＪＫＬＭ ", "SH-ABCDEFGHIJKLM"),
        ("S26-101", "S26-101"),
        ("SH-1", "SH-1"),
    ],
)
def test_ids(written: str, id_: str) -> None:
    assert identity(written) == id_


@pytest.mark.parametrize(
    ("name", "back"),
    [
        ("𠮷田 鷗外", "吉田鴎外"),
        ("カフェ〜花〜", "カフェ～花～"),
        ("か\u3099んは\u309aち", "がんぱち"),
        ("サロン\u200b髙橋", "サロン髙橋"),
    ],
)
def test_a_name_comes_back_as_its_label_shows_it(name: str, back: str) -> None:
    """B.9.1: what CP932 has for it, not what the customer wrote."""
    table = read_table(encoded([["お届け先氏名", "お問い合わせ番号"], [back, "405561760612"]]))
    (row,) = judge(read(table, FORMATS["clickpost"], RESULTS["clickpost"]), {"SH-1": Known(1, name=name)}, {})
    assert (row.verdict, row.shipment) == (Verdict.APPLY, "SH-1")


@pytest.mark.parametrize(
    ("text", "forms", "is_day"),
    [
        ("2026/12/01", (SLASHES,), True),
        ("2026/12/1", (SLASHES,), False),
        ("2026/2/30", (LOOSE,), False),
        ("20261201", (SLASHES,), False),
        ("20261201", (SLASHES, DIGITS), True),
        ("20261201093000", (DIGITS,), True),
        ("20261301", (DIGITS,), False),
        ("2026-12-01", (LOOSE,), True),
        ("2026年12月1日", (LOOSE,), True),
        ("2026/12/01 09:30", (LOOSE,), True),
        ("2026/12/01 09:30:15.000", (LOOSE,), True),
        ("2026/12/01(火)", (LOOSE,), True),
        ("2026-12-01T09:30:00+09:00", (LOOSE,), True),
        ("2026-12-01T09:30:00+09:00", (SLASHES,), False),
        ("46357", (LOOSE, DIGITS), False),
        ("12/01/2026", (LOOSE,), False),
    ],
)
def test_days(text: str, forms: tuple[str, ...], is_day: bool) -> None:
    assert (_day(text, forms) is not None) == is_day


def test_a_day_that_cannot_be_read_says_how_one_is_written() -> None:
    table = read_table(f"{HEAD}\r\n{ONE}\r\n".replace("2026/11/20", "11/20").encode("cp932"))
    (row,) = read(table, FORMATS["csv"], RESULTS["csv"])
    assert (row.code, row.reason) == (Why.DATE, "'11/20' is no day in the form YYYY-MM-DD or YYYYMMDD")


def test_the_day_of_a_time_with_its_offset_is_japans() -> None:
    assert _day("2026-11-19T20:00:00Z", (LOOSE, DIGITS)) == date(2026, 11, 20)


@settings(max_examples=examples(150), deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    """Rows of it, or one sentence for the whole file."""
    try:
        table = read_table(data)
        form = detect(table, FORMATS, RESULTS)
        rows = judge(read(table, form, RESULTS[form.name]), {"x": Known(1)}, {})
    except Invalid:
        return
    assert all(row.reason for row in rows if row.verdict is Verdict.QUARANTINE)
