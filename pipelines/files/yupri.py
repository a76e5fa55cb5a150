"""Japan Post Yu-Pri R (ゆうパックプリントR): 117 columns go in by a filter of the tool, 6 of the dispatch history come out (B.5.3).

Source: a public exporter's list of columns; widths after the layout of 2014 (paperzz.com/doc/5322404).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pipelines.carriers.japan_post import CARRIER
from pipelines.files.file_format import (
    DIGITS,
    LOOSE,
    NUMBER,
    SHIPMENT,
    SHIPPED_ON,
    FileFormat,
    Results,
    Written,
    fixed,
    nothing,
)
from pipelines.files.label import Cells, Label, short_id
from pipelines.files.writing import address, cash, day, delivery, need_sender, written

if TYPE_CHECKING:
    from pipelines.shops.supplier_files import SupplierFiles

COLUMNS: Final = 117
_COOL: Final = {"normal": "0", "chilled": "1", "frozen": "2"}
#: The prepaid form of three parts, on A4.
_FORM: Final = "1100780"
_NO_WINDOW: Final = "00"
_MOST: Final = 2_000_000
_WIDE: Final = 50


def _cells(label: Label, settings: SupplierFiles) -> Cells:
    cells = Cells(COLUMNS)
    cells.put(1, short_id(label.shipment), 15, "shipment")
    cells.code(2, day(cells, label, "%Y%m%d"))
    cells.code(6, "0")
    cells.code(7, _COOL[label.temperature])
    cells.code(8, "2" if label.collect is not None else "0")
    cells.code(11, settings.slip or _FORM)
    cells.postal_code(13, label.to.postal_code, "postal_code", hyphen=False)
    cells.spread((14, 15, 16), (_WIDE,) * 3, address(label), "address")
    cells.need(label.to.name, "name", "the consignee's name")
    cells.spread((17, 18), (_WIDE,) * 2, (label.to.name,), "name")
    cells.code(19, "0")
    cells.phone(20, label.to.phone, 20, "phone")
    need_sender(cells, settings)
    if (sender := settings.sender) is not None:
        cells.postal_code(30, sender.postal_code, "sender.postal_code", hyphen=False)
        cells.spread((31, 32, 33), (_WIDE,) * 3, (sender.address, sender.building), "sender.address")
        cells.spread((34, 35), (_WIDE,) * 2, (sender.name,), "sender.name")
        cells.phone(37, sender.phone, 20, "sender.phone")
    if label.order.isascii() and len(label.order) <= 50:
        cells.code(54, label.order)
    for column in range(55, 60):
        cells.code(column, "0")
    cells.code(60, "080")
    cells.code(64, "0")
    wished, slot, words = delivery(cells, label, CARRIER, "%Y%m%d")
    cells.code(65, wished)
    cells.code(66, slot or _NO_WINDOW)
    cells.code(72, "1")
    cells.note(73, words, 40)
    cells.put(75, label.shipment, 20, "shipment")
    if label.collect is not None:
        amount, tax = cash(cells, label, settings, _MOST)
        cells.code(99, amount)
        cells.code(100, tax)
    cells.put(103, settings.contents, 50, "contents")
    cells.code(104, "1")
    return cells


def _write(labels: Sequence[Label], settings: SupplierFiles) -> Written:
    return written(labels, _cells, settings)


_RESULTS: Final = Results(
    names={
        SHIPMENT: ("お客様側管理番号", "お客様管理番号"),
        NUMBER: ("お問い合わせ番号", "お問合せ番号", "お問い合せ番号"),
        SHIPPED_ON: ("仮引受確定作業年月日", "発送日", "引受日"),
    },
    # Other filters give other columns: whatever is not one of these is read by its header alone.
    positions={6: {SHIPMENT: 1, NUMBER: 2, SHIPPED_ON: 3}, 4: {SHIPMENT: 1, NUMBER: 2}},
    days=(DIGITS, LOOSE),
    day_needed=False,
    digits=12,
)

FILE_FORMAT = FileFormat(
    "yupri", "Japan Post Yu-Pri R (ゆうパックプリントR)", "japan_post", fixed(_RESULTS), _write, nothing
)
