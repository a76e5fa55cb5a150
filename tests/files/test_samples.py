"""Every sample of a result file ends as it should, record by record (B.5, tests/files/carriers/README.md)."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipelines.files import FORMATS
from pipelines.files.results import Known, Row, Verdict, detect, judge, read
from pipelines.files.table import read_table
from pipelines.shops.supplier_files import SupplierFiles

SAMPLES = Path(__file__).parent / "carriers" / "samples"
#: Sample -> our format.
NAMED = {"kangaroo2": "kangaroo", "bizlogi": "bizlogi", "bizlogi_depo": "bizlogi"}
SETTINGS = SupplierFiles()
RESULTS = {name: form.results(SETTINGS) for name, form in FORMATS.items()}


def table(name: str) -> list[dict[str, str]]:
    with (SAMPLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


IDS = table("ids.csv")
EXPECTED: dict[str, dict[int, tuple[str, str]]] = defaultdict(dict)
for line in table("EXPECTED.csv"):
    EXPECTED[line["file"]][int(line["record"])] = (line["action"], line["reason"])


def known(sample: str) -> Mapping[str, Known]:
    """The shipments there are; Click Post finds by name, so only those of its carrier are open."""
    here = [one for one in IDS if not sample.startswith("clickpost") or one["layout"] == "yupri"]
    return {one["id"]: Known(int(one["parcels"]), name=one["name"]) for one in here}


def said(row: Row) -> tuple[str, str]:
    """What became of a row, in the words of EXPECTED.csv."""
    if row.code == "AMBIGUOUS":
        return "hold_ambiguous", ""
    if row.name and row.verdict is Verdict.APPLY:
        return "match_by_name", ""
    return str(row.verdict), str(row.code or "")


def form_of(sample: str) -> str:
    tool = sample.partition("_result")[0]
    return NAMED.get(tool, tool)


@pytest.mark.parametrize("sample", sorted(EXPECTED))
def test_a_sample_ends_as_it_should(sample: str) -> None:
    form = FORMATS[form_of(sample)]
    rows = read(read_table((SAMPLES / sample).read_bytes()), form, RESULTS[form.name], "yamato")
    got = {row.record: said(row) for row in judge(rows, known(sample), {})}
    assert got == EXPECTED[sample]


@pytest.mark.parametrize("sample", sorted(EXPECTED))
def test_a_sample_is_told_from_all_others(sample: str) -> None:
    """``--format auto``: by its header, else by its columns and where the numbers stand."""
    assert detect(read_table((SAMPLES / sample).read_bytes()), FORMATS, RESULTS).name == form_of(sample)


@pytest.mark.parametrize("sample", sorted(EXPECTED))
def test_what_was_applied_is_nothing_the_second_time(sample: str) -> None:
    form = FORMATS[form_of(sample)]
    rows = read(read_table((SAMPLES / sample).read_bytes()), form, RESULTS[form.name], "yamato")
    first = judge(rows, known(sample), {})
    has: dict[str, set[str]] = defaultdict(set)
    for row in first:
        if row.verdict in (Verdict.APPLY, Verdict.APPLY_PARCEL):
            has[row.shipment].add(row.number)
    now = {
        id_: Known(
            one.parcels, frozenset(has[id_]), one.name, open=not sample.startswith("clickpost") or id_ not in has
        )
        for id_, one in known(sample).items()
    }
    again = judge(rows, now, {})
    assert not [row for row in again if row.verdict in (Verdict.APPLY, Verdict.APPLY_PARCEL)]
