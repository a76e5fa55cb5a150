"""Seino Kangaroo Magic II (カンガルーマジックⅡ): 44 columns go in, the last two by a contract of cash on delivery (B.5.4).

Source: two public exporters and the layout of 2014 (happylibus.com/doc/32361); the tool takes 1,000 rows and 2 MB a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pipelines.carriers.seino import CARRIER
from pipelines.files.file_format import (
    DIGITS,
    NUMBER,
    SHIPMENT,
    SHIPPED_ON,
    SLASHES,
    FileFormat,
    Results,
    Written,
    fixed,
    nothing,
)
from pipelines.files.label import Cells, Label
from pipelines.files.writing import address, cash, day, delivery, need_sender, written

if TYPE_CHECKING:
    from pipelines.shops.supplier_files import SupplierFiles

COLUMNS: Final = 44
MOST_ROWS: Final = 1_000
MOST_BYTES: Final = 2 * 1024 * 1024
_MOST: Final = 9_999_999
_WIDE: Final = 40
_MAIL_ORDER: Final = "8"
_KINDS: Final = frozenset("01389")


def _cells(label: Label, settings: SupplierFiles) -> Cells:
    cells = Cells(COLUMNS)
    kind = settings.slip or "0"
    if kind not in _KINDS:
        cells.fault("slip", f"there are no slips of kind {kind}, but of {', '.join(sorted(_KINDS))}")
    cells.need(settings.customer_code, "customer_code", "the shipper's code, [suppliers.NAME.files] customer_code,")
    cells.put(1, settings.customer_code.replace("-", ""), 11, "customer_code")
    cells.code(3, day(cells, label, "%Y%m%d"))
    cells.put(5, label.shipment.upper(), 20, "shipment")
    cells.code(6, "1")
    cells.code(7, kind)
    cells.code(8, "1")
    if label.temperature != "normal":
        cells.fault("temperature", f"the tool has no slip for what travels {label.temperature}")
    need_sender(cells, settings)
    if (sender := settings.sender) is not None:
        cells.put(12, sender.name, _WIDE, "sender.name")
        cells.spread((13, 14), (_WIDE,) * 2, (sender.address, sender.building), "sender.address")
        cells.phone(15, sender.phone, 13, "sender.phone")
    cells.postal_code(19, label.to.postal_code, "postal_code", hyphen=False)
    cells.need(label.to.name, "name", "the consignee's name")
    cells.spread((20, 21), (_WIDE,) * 2, (label.to.name,), "name")
    cells.spread((22, 23), (_WIDE,) * 2, address(label), "address")
    cells.phone(24, label.to.phone, 13, "phone")
    cells.put(33, settings.contents, _WIDE, "contents")
    wished, slot, words = delivery(cells, label, CARRIER, "%m%d")
    if slot and kind == _MAIL_ORDER:
        cells.fault("slot", "the windows of mail-order slips are not known")
    cells.note(34, words, 30)
    if wished or slot:
        cells.code(38, (wished or "0000") + (slot or "0"))
        cells.code(39, "02")
    if label.collect is not None:
        amount, tax = cash(cells, label, settings, _MOST)
        cells.code(43, amount)
        cells.code(44, tax)
    return cells


def _write(labels: Sequence[Label], settings: SupplierFiles) -> Written:
    return written(labels, _cells, settings, most_rows=MOST_ROWS, most_bytes=MOST_BYTES)


_RESULT: Final = {SHIPPED_ON: 1, SHIPMENT: 2, NUMBER: 3}
_IMPORT: Final = {SHIPPED_ON: 3, NUMBER: 4, SHIPMENT: 5}
_RESULTS: Final = Results(
    names={
        SHIPMENT: ("管理番号", "取込番号"),
        NUMBER: ("お問合せ番号", "送り状番号"),
        SHIPPED_ON: ("出荷予定日", "出荷日"),
    },
    # With and without cash on delivery; the layout that goes in is written out by the tool as well.
    positions={45: _RESULT, 47: _RESULT, 44: _IMPORT, 42: _IMPORT},
    days=(SLASHES, DIGITS),
    digits=10,
)

FILE_FORMAT = FileFormat(
    "kangaroo", "Seino Kangaroo Magic II (カンガルーマジックⅡ)", "seino", fixed(_RESULTS), _write, nothing
)
