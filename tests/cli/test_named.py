"""A mistyped name is said in one line: an empty answer and exit 0 would read as if there were nothing."""

from __future__ import annotations

import pytest

from tests.cli.console import in_process
from tests.world import World

_SHOP = "there is no shop salom; the shops are apparel, clinic, reuse, salon"


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ("payments closing --gateway stripes", "--gateway: there is no gateway stripes; the gateways are "),
        ("payments payouts --shop salom", f"--shop: {_SHOP}"),
        ("payments payouts --csv --shop salom", f"--shop: {_SHOP}"),
        ("postings list --shop clinic --shop salom", f"--shop: {_SHOP}"),
        ("points movements --from 2026-11-01 --to 2026-11-30 --shop salom", f"--shop: {_SHOP}"),
        ("retry --shop salom", f"--shop: {_SHOP}"),
        ("orders --shop salom", f"--shop: {_SHOP}"),
        ("orders --json --shop salom", f"--shop: {_SHOP}"),
        ("points statement salom M-1", f"SHOP: {_SHOP}"),
        ("mails release a@shop.example --shop salom", f"--shop: {_SHOP}"),
        ("client rotate web --kind store", "--kind: must be one of storefront, supplier, gateway, operator"),
        ("billing statement clinic M-9 --month 2026-10", "CUSTOMER: nobody knows M-9 in the shop clinic"),
        ("billing statement clinic M-9 --month 2026-10 --json", "CUSTOMER: nobody knows M-9 in the shop clinic"),
        ("documents list salom", f"SHOP: {_SHOP}"),
        ("documents list salom/S-1", f"SHOP: {_SHOP}"),
    ],
)
def test_a_name_that_is_none_is_said(
    database: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, told: str, says: str
) -> None:
    code, out, err = in_process(capsys, monkeypatch, *told.split())
    assert (code, out, says in err) == (2, "", True), err


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ("documents list salon --since 2026-12-01 --until 2026-11-01", "--until: lies before --since"),
        ("documents list salon --least 500 --most 100", "--most: lies before --least"),
        ("retry --since 2026-11-20T09:00 --until 2026-11-20T08:00", "--until: lies before --since"),
        (
            "orders --placed-from 2026-11-20T09:00:00+09:00 --placed-to 2026-11-19T09:00:00+09:00",
            "--placed-to: lies before --placed-from",
        ),
        ("points movements --from 2026-11-30 --to 2026-11-01", "--to: lies before --from"),
    ],
)
def test_what_ends_before_it_begins_is_said(
    database: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, told: str, says: str
) -> None:
    code, out, err = in_process(capsys, monkeypatch, *told.split())
    assert (code, out, err) == (2, "", f"shukka: {says}: nothing can lie between them\n")


@pytest.mark.parametrize(
    "told",
    [
        "billing statement clinic M-1 --month 9999-12",
        "documents statement clinic M-1 --out made.pdf --month 9999-12",
        "payments closing --date 9999-12-31",
    ],
)
def test_the_end_of_the_calendar_is_no_day_of_books(
    database: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    code, out, err = in_process(capsys, monkeypatch, *told.split())
    option = told.split()[-2]
    assert (code, out, err) == (2, "", f"shukka: {option}: Must lie between the years 2001 and 2098.\n")


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ("statement clinic M-9 --month 2026-10", "customer M-9 has nothing on a bill of clinic in 2026-10"),
        ("issue salon/S-9 --kind receipt", "there is no order salon/S-9"),
    ],
)
def test_of_nothing_no_document_is_issued(
    database: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, told: str, says: str
) -> None:
    code, _, err = in_process(capsys, monkeypatch, "documents", *told.split(), "--out", "made.pdf")
    assert (code, err) == (1, f"shukka: {says}\n")
