"""What goes into each label program: codes, widths in CP932, dates, cash, and what is held instead (B.5.1 to B.5.4, B.5.6, B.9)."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.files import FORMATS
from pipelines.files.cp932 import cut, encoded, full_width, joined, printable, unprintable, width
from pipelines.files.label import phone
from tests.examples import examples
from tests.files.labels import LABEL, LAYOUTS, PLACE, faults, held, label, written
from tests.files.labels import settings as profile

TOOLS = sorted(LAYOUTS)
#: Columns, from 1: the id, the name, cold, the amount and the tax in it.
COLUMNS = {"b2": (1, 16, 3, 34, 35), "ehiden3": (10, 8, 44, 48, 49), "yupri": (1, 17, 7, 99, 100)}


def at(row: list[str], *columns: int) -> list[str]:
    return [row[column - 1] for column in columns]


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"collect": 13_250, "tax": 1_204},
        {"deliver_on": date(2026, 11, 23), "slot": "AM"},
        {"deliver_on": date(2026, 11, 23)},
        {"slot": "夕方がよい"},
        {"name": "株式会社見本商店本社営業部第一課御中 山田太郎"},
        {"line1": "栄一丁目二番三号", "line2": "見本第一マンション 1001号室"},
        {"phone": "+81 52-000-1234", "postal_code": "4600008"},
        {"phone": "０９０（１２３４）５６７８"},
        {"order": "注文-1"},
    ],
    ids=str,
)
def test_the_checker_finds_no_fault(tool: str, changes: dict[str, object]) -> None:
    written(tool, label(**changes))


@pytest.mark.parametrize("tool", TOOLS)
def test_the_same_labels_make_the_same_bytes(tool: str) -> None:
    """B.5.6: exporting twice gives the same file."""
    first, second = (FORMATS[tool].write([LABEL], profile()).parts for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("tool", "normal", "chilled", "frozen"),
    [("b2", "", "2", "1"), ("ehiden3", "001", "002", "003"), ("yupri", "0", "1", "2")],
)
def test_cold_has_another_code_in_every_tool(tool: str, normal: str, chilled: str, frozen: str) -> None:
    """B.5.2: Yamato 1 frozen, 2 chilled; Sagawa 002 chilled, 003 frozen; Japan Post 1 chilled, 2 frozen."""
    labels = [replace(LABEL, shipment=f"SH-{n}", temperature=n) for n in ("normal", "chilled", "frozen")]
    assert [at(row, COLUMNS[tool][2]) for row in written(tool, *labels)] == [[normal], [chilled], [frozen]]


def test_kangaroo_has_no_cold() -> None:
    assert "temperature" in held("kangaroo", label(temperature="chilled"))


def test_what_b2_cannot_do_together() -> None:
    """B.5.1: a Compact is not cooled; Nekopos has no window and collects nothing; Compact collects 30,000 at most."""
    assert "temperature" in held("b2", label(temperature="frozen"), slip="8")
    assert set(held("b2", label(slot="AM", collect=100), slip="A")) >= {"slot", "collect"}
    assert "30000" in held("b2", label(collect=30_001), slip="8")["collect"]
    assert at(written("b2", label(collect=30_000, tax=2_727), slip="8")[0], 2, 34, 35) == ["9", "30000", "2727"]


@pytest.mark.parametrize(("tool", "most"), [("b2", 300_000), ("yupri", 2_000_000)])
def test_how_much_is_collected(tool: str, most: int) -> None:
    *_, amount, tax = COLUMNS[tool]
    assert at(written(tool, label(collect=most, tax=1))[0], amount, tax) == [str(most), "1"]
    assert str(most) in held(tool, label(collect=most + 1))["collect"]
    assert "collect" in held(tool, label(collect=0))
    assert "tax" in held(tool, label(collect=100, tax=101))
    assert "5000" in held(tool, label(collect=5_001), cod_maximum=5_000)["collect"]


@pytest.mark.parametrize(
    ("tool", "slot", "column", "code"),
    [
        ("b2", "AM", 7, "0812"),
        ("b2", "19-21", 7, "1921"),
        ("ehiden3", "12-14", 46, "12"),
        ("ehiden3", "19-21", 46, "19"),
        ("yupri", "AM", 66, "51"),
        ("yupri", "19-21", 66, "57"),
        ("yupri", None, 66, "00"),
        ("kangaroo", "PM", 38, "00002"),
    ],
)
def test_windows(tool: str, slot: str | None, column: int, code: str) -> None:
    """B.4.4."""
    assert at(written(tool, label(slot=slot))[0], column) == [code]


@pytest.mark.parametrize(
    ("tool", "slot"), [("b2", "12-14"), ("b2", "18-21"), ("yupri", "18-21"), ("kangaroo", "14-16")]
)
def test_a_window_that_the_carrier_has_not_holds_the_label(tool: str, slot: str) -> None:
    assert slot in held(tool, label(slot=slot))["slot"]


@pytest.mark.parametrize(
    ("tool", "slot", "column", "code"),
    [("b2", "12-14", 7, ""), ("b2", "AM", 7, "0812"), ("yupri", "18-21", 66, "00"), ("ehiden3", "18-21", 46, "")],
)
def test_a_window_that_nobody_promised_holds_no_label(tool: str, slot: str, column: int, code: str) -> None:
    """DLV-01: best effort; a window that the carrier has not is words like any other."""
    assert at(written(tool, label(slot=slot, best_effort=True))[0], column) == [code]


@pytest.mark.parametrize(
    ("windows", "slot", "seal"), [(6, "AM", "019"), (6, "18-20", "019"), (5, "AM", "016"), (5, "18-21", "007")]
)
def test_sagawas_two_contracts(windows: int, slot: str, seal: str) -> None:
    """B.4.4: windows 18-21 of one and 18-20, 19-21 of the other are never mixed."""
    day = date(2026, 11, 23)
    (row,) = written("ehiden3", label(slot=slot, deliver_on=day), windows=windows)
    assert at(row, 45, 52, 53) == ["2026/11/23", seal, ""], "one seal, of the window, not the day's too"
    assert "slot" in held("ehiden3", label(slot="18-21" if windows == 6 else "19-21"), windows=windows)


def test_seals_say_how_it_is_paid_and_travels_and_when() -> None:
    one = label(collect=5_000, tax=454, temperature="frozen", deliver_on=date(2026, 11, 23))
    assert at(written("ehiden3", one)[0], 52, 53, 54) == ["010", "002", "005"]


@pytest.mark.parametrize("tool", TOOLS)
def test_what_is_missing_holds_the_label(tool: str) -> None:
    """B.5.6: an empty telephone is never filled up with zeros."""
    wrong = label(dispatch_on=None, phone="", postal_code="46", name="")
    assert set(held(tool, wrong, sender=None)) >= {"dispatch_on", "phone", "postal_code", "name", "sender"}
    assert "phone" in held(tool, label(phone="000-0000-0000"))
    assert "deliver_on" in held(tool, label(deliver_on=date(2026, 11, 19)))


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", ["山田 é太", "鈴木 ♡", "魚屋 𩸽", "山田\u200b太郎", "佐藤 👍"])
def test_a_name_that_cannot_be_printed_is_held_with_its_characters(tool: str, name: str) -> None:
    """B.9.1: never another character in somebody's name."""
    (missing,) = (c for c in name if c in "é♡𩸽\u200b👍")
    assert f"U+{ord(missing):04X}" in held(tool, label(name=name))["name"]
    good = label(shipment="SH-GOOD")
    told = FORMATS[tool].write([label(name=name), good], profile())
    assert (len(told.parts), list(told.held)) == (1, [LABEL.shipment]), "its neighbour goes out"


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("〜−‖—‐‑–¥\u00a0x", "～－∥―---￥ x"),
        ("𠮷田 鷗外 屢々", "吉田 鴎外 屡々"),
        ("①㈱№℡㎎㏍ⅰ髙﨑德栁濵瀨彅", "①㈱№℡㎎㏍ⅰ髙﨑德栁濵瀨彅"),
        ("か\u3099っこう ハ\u309a", "がっこう パ"),
        ("神", "神"),
        ("一行目\r\n二行目\t三", "一行目 二行目 三"),
        ("センター", "センター"),
    ],
)
def test_what_looks_the_same_is_printed(given_text: str, shown: str) -> None:
    """B.9.1: names as received, but for characters of which CP932 has one that looks the same."""
    assert printable(given_text) == shown
    assert unprintable(printable(given_text)) == []


@pytest.mark.parametrize(
    ("character", "raw"), [("髙", "FBFC"), ("﨑", "FAB1"), ("濵", "FB4D"), ("ⅰ", "FA40"), ("①", "8740"), ("￢", "81CA")]
)
def test_the_bytes_are_those_that_windows_writes(character: str, raw: str) -> None:
    """B.9.1: Python's own encoder writes NEC's selection (EEE0 for 髙)."""
    assert encoded(character) == bytes.fromhex(raw)
    assert bytes.fromhex(raw).decode("cp932") == character


@given(st.text(st.characters(codec="cp932", exclude_characters="¢£¬‖−〜"), max_size=40))
def test_whatever_is_encoded_reads_back_the_same(text: str) -> None:
    shown = printable(text)
    assert encoded(shown) is not None
    assert printable((encoded(shown) or b"").decode("cp932")) == shown


@pytest.mark.parametrize(
    ("text", "widths", "pieces"),
    [
        ("あいうえお", (6, 6), ["あいう", "えお"]),
        ("見本町12-34-56", (8, 10), ["見本町", "12-34-56"]),
        ("見本町１２３", (8, 8), ["見本町", "１２３"]),
        ("ABC Tower 見本", (9, 8), ["ABC Tower", "見本"]),
        ("12345678901", (6, 6), None),
        ("あいう", (2, 2), None),
        ("ｶﾞｶﾞ", (3, 2), ["ｶﾞ", "ｶﾞ"]),
        ("", (6, 6), ["", ""]),
    ],
)
def test_where_a_text_is_cut(text: str, widths: tuple[int, ...], pieces: list[str] | None) -> None:
    """By bytes, never within a number, a Latin word or a voiced half-width kana (B.4.4 note, B.9)."""
    assert cut(text, widths) == pieces


@settings(max_examples=examples(200))
@given(st.text(st.sampled_from("あ髙ｱﾞ1-A ー"), max_size=60), st.lists(st.integers(2, 40), min_size=1, max_size=3))
def test_pieces_are_the_text_and_none_is_too_wide(text: str, widths: list[int]) -> None:
    for converts in (False, True):
        pieces = cut(text, widths, converts=converts)
        if pieces is not None:
            assert "".join(pieces).replace(" ", "") == text.replace(" ", "")
            measure = full_width if converts else width
            assert all(measure(one) <= most for one, most in zip(pieces, widths, strict=True))


def test_names_and_addresses_are_split_over_their_fields() -> None:
    long = label(name="株式会社見本商店本社営業部第一課御中 山田太郎", line1="栄" * 14 + "1-2-3", line2="見本ビル")
    (row,) = written("b2", long)
    assert at(row, 12, 13) == ["愛知県名古屋市中区" + "栄" * 14 + "1-2-3", "見本ビル"]
    assert at(row, 14, 16) == ["株式会社見本商店本社営業部第一課"[:16], "御中 山田太郎"]
    (row,) = written("ehiden3", long)
    assert at(row, 8, 9) == ["株式会社見本商店本社営業部第一課", "御中 山田太郎"]
    too_long = label(line1="栄" * 90)
    assert all("address" in held(tool, too_long) for tool in TOOLS)


@pytest.mark.parametrize(
    ("tool", "line1", "line2", "columns", "shown"),
    [
        (
            "ehiden3",
            "栄三丁目見本第一ビルディング12-34",
            "1001号室",
            (5, 6, 7),
            ["愛知県名古屋市中区栄三丁目見本第", "一ビルディング12-34", "1001号室"],
        ),
        (
            "b2",
            "栄三丁目" + "見本" * 12 + "12-34",
            "1001号室",
            (12, 13),
            ["愛知県名古屋市中区栄三丁目" + "見本" * 9 + "見", "本見本見本12-34 1001号室"],
        ),
        ("yupri", "栄" * 24 + "12", "B棟", (14, 15, 16), ["愛知県名古屋市中区" + "栄" * 16, "栄" * 8 + "12 B棟", ""]),
    ],
)
def test_a_house_and_a_room_never_make_one_number(
    tool: str, line1: str, line2: str, columns: tuple[int, ...], shown: list[str]
) -> None:
    """B.9.4: an address that fills its fields was written on without a gap, 12-34 and 1001号室 as 12-341001号室."""
    assert at(written(tool, label(line1=line1, line2=line2))[0], *columns) == shown


@pytest.mark.parametrize(
    ("parts", "shown"),
    [
        (("北1条西2", "3-4"), "北1条西2 3-4"),
        (("栄１－２", "１０１"), "栄１－２ １０１"),
        (("1-2-3", "A-101"), "1-2-3 A-101"),
        (("中区栄", "1-2"), "中区栄1-2"),
        (("タワー", "101"), "タワー101"),
        (("栄", ""), "栄"),
    ],
)
def test_how_parts_of_an_address_stand_together(parts: tuple[str, str], shown: str) -> None:
    assert joined(parts) == shown


@pytest.mark.parametrize(("tool", "column"), [("b2", 33), ("ehiden3", 26), ("yupri", 73), ("kangaroo", 34)])
def test_a_wish_in_words_stands_on_every_label_and_holds_none(tool: str, column: int) -> None:
    """DLV-01: words of a slot that nobody promised, without what a label cannot show."""
    (text,) = at(written(tool, label(slot="夕方がよい😊", best_effort=True))[0], column)
    assert text.removeprefix("S-1001 ") == "夕方がよい"
    (text,) = at(written(tool, label(slot="ながい" * 13, best_effort=True))[0], column)
    assert text.removeprefix("S-1001 ").startswith("ながいながい")


@pytest.mark.parametrize("number", ["A" * 64, "注文🎁1", "注文-é"])
@pytest.mark.parametrize(("tool", "column"), [("b2", 33), ("yupri", 54)])
def test_an_orders_number_holds_no_label(tool: str, column: int, number: str) -> None:
    """Nobody can have it written otherwise."""
    (shown,) = at(written(tool, label(order=number))[0], column)
    assert shown == "" or number.startswith(shown)


def test_neither_holds_a_row_of_csv() -> None:
    """In CP932, without what that does not have; all of it stands in UTF-8 (B.9.1)."""
    odd = label(order="注文-é", slot="夕方がよい😊")
    for encoding, number, wish in [("cp932", "", "夕方がよい"), ("utf-8-sig", "注文-é", "夕方がよい😊")]:
        told = FORMATS["csv"].write([odd], profile(encoding=encoding))
        (data,) = told.parts
        header, row = csv.reader(io.StringIO(data.decode(encoding)))
        cells = dict(zip(header, row, strict=True))
        assert (told.held, cells["注文番号"], cells["時間帯"]) == ({}, number, wish)


@pytest.mark.parametrize(
    ("tool", "slip"), [("b2", "1"), ("b2", "2"), ("b2", "6"), ("b2", "9"), ("b2", "Z"), ("kangaroo", "2")]
)
def test_a_kind_of_slip_that_is_not_written_holds_the_label(tool: str, slip: str) -> None:
    """The program would take none of the file, or ask for columns that are empty (B.5.1, B.5.4)."""
    assert slip in held(tool, label(), slip=slip)["slip"]


@pytest.mark.parametrize("tool", ["b2", "ehiden3"])
def test_a_customer_code_is_digits(tool: str) -> None:
    assert "customer_code" in held(tool, label(), customer_code="03A0012003")
    written(tool, label(), customer_code="0300-0012003")
    assert tool != "b2" or "freight_code" in held(tool, label(), freight_code="")


def test_a_time_slip_has_no_window_of_the_day() -> None:
    assert "slot" in held("b2", label(slot="AM"), slip="4")
    written("b2", label(), slip="4")


@pytest.mark.parametrize(
    ("field", "given_text", "shown"),
    [
        ("postal_code", "0600001", "060-0001"),
        ("postal_code", "〒０６０ ０００１", "060-0001"),
        ("phone", "0312345678", "03-1234-5678"),
        ("phone", "09012345678", "090-1234-5678"),
        ("phone", "0520001234", "052-000-1234"),
        ("phone", "+81 52 000 1234", "052-000-1234"),
    ],
)
def test_a_spreadsheet_takes_no_zero_off(field: str, given_text: str, shown: str) -> None:
    """B.5.6: what begins with a zero has hyphens in a file that people open."""
    columns = {"値": field}
    (data,) = FORMATS["csv"].write([label(**{field: given_text})], profile(write=columns)).parts
    assert data.decode("cp932").splitlines()[1] == f'"{shown}"'


def test_an_id_of_ours_fits_every_tool() -> None:
    """Yu-Pri R takes 15 bytes: SH-ABC... goes without its hyphen, and is read with and without it."""
    assert [at(written(tool, LABEL)[0], COLUMNS[tool][0]) for tool in ("b2", "ehiden3", "yupri")] == [
        ["SH-ABCDEFGHIJKLM"],
        ["SHABCDEFGHIJKLM"],
        ["SHABCDEFGHIJKLM"],
    ]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("052-000-1234", "052-000-1234"),
        ("0520001234", "0520001234"),
        ("+81 52-000-1234", "052-000-1234"),
        ("+819012345678", "09012345678"),
        ("+81(0)90-1234-5678", "090-1234-5678"),
        ("０９０−１２３４ー５６７８", "090-1234-5678"),
        ("(052)000-1234", "052-000-1234"),
        ("", None),
        ("000-0000-0000", None),
        ("52-000-1234", None),
        ("052-000-123", None),
    ],
)
def test_telephone_numbers(text: str, number: str | None) -> None:
    """B.5.6."""
    assert phone(text) == number


def test_kangaroo_takes_a_thousand_rows_a_file() -> None:
    """B.5.4: 1,000 rows, 2 MB."""
    told = FORMATS["kangaroo"].write([label(shipment=f"SH-{n}") for n in range(2_001)], profile())
    assert [part.count(b"\r\n") for part in told.parts] == [1_000, 1_000, 1]
    assert not told.held
    assert [fault for part in told.parts for fault in faults("kangaroo", part)] == []


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(TOOLS),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=60),
    st.text(st.sampled_from("愛栄あAｱﾞ1-ー髙 \n\"',é"), max_size=90),
    st.sampled_from([None, 1, 300_000, 300_001]),
)
def test_whatever_a_customer_wrote_is_printed_right_or_held(
    tool: str, name: str, street: str, collect: int | None
) -> None:
    one = label(name=name, line1=street, collect=collect)
    told = FORMATS[tool].write([one], profile())
    assert bool(told.parts) != bool(told.held)
    assert [fault for part in told.parts for fault in faults(tool, part)] == []


def test_the_place_is_the_orders_own() -> None:
    (row,) = written("b2", LABEL)
    assert at(row, 9, 11, 12, 16) == [PLACE.phone, PLACE.postal_code, "愛知県名古屋市中区栄1-2-3", PLACE.name]
