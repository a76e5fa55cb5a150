"""A row is known by what it says: whichever files it stands in, in whatever order, it is one row (gateways.md 7.3, 9: 35, 36)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from pipelines.statements import FORMATS
from pipelines.statements.statement import Movement, fingerprints
from pipelines.statements.zengin import read
from tests.statements.files import Entry, Line, account_03, csv_of, zengin

TODAY = date(2026, 11, 25)
ROW = Movement(2, date(2026, 11, 24), 5_500, "振込 ﾔﾏﾀﾞ", "ﾔﾏﾀﾞ", 105_500, "00000001")


def test_each_thing_that_a_row_says_tells_it_apart() -> None:
    others = [
        replace(ROW, booked_on=date(2026, 11, 23)),
        replace(ROW, amount=5_501),
        replace(ROW, text="振込 ﾔﾏﾀﾀﾞ"),
        replace(ROW, balance=None),
        replace(ROW, reference="00000002"),
    ]
    names = {name for row in (ROW, *others) for name in fingerprints([row], "1")} | set(fingerprints([ROW], "2"))
    assert len(names) == len(others) + 2
    assert all(name.isalpha() for name in names), "no digits that look like a card number"


def test_where_it_stands_and_how_it_is_written_does_not() -> None:
    moved = replace(ROW, row=9, text="振込　ヤマダ", payer="ヤマダ")
    assert fingerprints([moved], "1") == fingerprints([ROW], "1")


def test_two_equal_rows_of_a_day_are_two_payments() -> None:
    assert len(set(fingerprints([ROW, ROW], "1"))) == 2
    again = read(zengin(account_03([Line(700, "ｻﾄｳ"), Line(700, "ｻﾄｳ")])), TODAY).rows
    assert len(set(fingerprints(again, ""))) == 2


payments = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from((500, 700)), st.sampled_from(("ｻﾄｳ", "ﾀﾅｶ"))), max_size=14
)


@given(payments, st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=4), st.booleans())
def test_downloads_may_overlap_in_any_way_and_order(
    paid: list[tuple[int, int, str]], windows: list[tuple[int, int]], newest_first: bool
) -> None:
    """Each transfer of the days that some download covers has one name; no name is of two transfers."""
    balance, account = 100_000, []
    for day, amount, payer in sorted(paid, key=lambda one: one[0]):
        balance += amount
        account.append((day, Entry(f"2026/11/{10 + day}", amount, payer, balance)))
    names: Counter[str] = Counter()
    for first, last in windows:
        rows = [entry for day, entry in account if first <= day <= last]
        data = csv_of("smbc", rows[::-1] if newest_first else rows)
        names.update(fingerprints(FORMATS["smbc"].read(data, TODAY).rows, ""))
    covered = [entry for day, entry in account if any(first <= day <= last for first, last in windows)]
    assert len(names) == len(covered)
