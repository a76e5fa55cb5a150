"""Labels to be printed: who gets what from where, and whatever a test changes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from pipelines.files import FORMATS
from pipelines.files.label import Label, Piece, Place
from pipelines.shops.supplier_files import SupplierFiles
from tests.files.carriers import check

#: Our format -> the checker's layout of what goes in.
LAYOUTS = {"b2": "b2", "ehiden3": "ehiden3", "yupri": "yupri", "kangaroo": "kangaroo2"}
SENDER = {
    "name": "見本商店",
    "postal_code": "104-9999",
    "address": "東京都中央区見本町9-9-9",
    "building": "見本ビル1F",
    "phone": "03-0000-1200",
}
PLACE = Place("髙橋 﨑子", "460-0008", "愛知県", "名古屋市中区", "栄1-2-3", "", "052-000-1234")
LABEL = Label(
    "SH-ABCDEFGHIJKLM",
    "S-1001",
    date(2026, 11, 20),
    None,
    None,
    PLACE,
    (Piece("1", "SKU-1", "シャンプー", 2),),
)


def settings(**changes: Any) -> SupplierFiles:
    return SupplierFiles.model_validate({"customer_code": "03000012003", "sender": SENDER, **changes})


def label(**changes: Any) -> Label:
    """``LABEL`` with other fields; those of its place by their own names."""
    place = {name: changes.pop(name) for name in list(changes) if hasattr(PLACE, name)}
    return replace(LABEL, to=replace(PLACE, **place), **changes)


def written(form: str, *labels: Label, **profile: Any) -> list[list[str]]:
    """The rows of the only file that holds all of ``labels``, without a header; the checker finds no fault in it."""
    told = FORMATS[form].write(labels, settings(**profile))
    assert told.held == {}
    (data,) = told.parts
    assert faults(form, data) == []
    rows = [cells for cells, _ in check.records(data.decode("cp932"), check.Report())[0]]
    return rows[len(rows) - len(labels) :]


def held(form: str, one: Label, **profile: Any) -> dict[str, str]:
    """Why a label is not printed, by field."""
    told = FORMATS[form].write([one], settings(**profile))
    assert told.parts == []
    return {fault.field: fault.reason for fault in told.held[one.shipment]}


def faults(form: str, data: bytes) -> list[tuple[object, ...]]:
    """What the independent checker finds wrong with a file that goes in."""
    report, _ = check.check(LAYOUTS[form], data)
    return [one for one in report if one[3] == "F"]
