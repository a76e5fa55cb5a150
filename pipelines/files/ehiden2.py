"""Sagawa e-hiden II (e飛伝Ⅱ) and e-hiden Pro: what comes out, 53 columns or by its header (B.5.2)."""

from __future__ import annotations

from typing import Final

from pipelines.files.file_format import (
    DELETED,
    DIGITS,
    LOOSE,
    NUMBER,
    SHIPMENT,
    SHIPPED_ON,
    FileFormat,
    Results,
    fixed,
)

_RESULTS: Final = Results(
    names={
        SHIPMENT: ("お客様管理ナンバー", "お客様管理番号", "顧客管理番号"),
        NUMBER: ("お問合せ送り状No", "問い合せNo"),
        SHIPPED_ON: ("出荷日時", "出荷日"),
        DELETED: ("削除区分",),
    },
    positions={53: {NUMBER: 1, SHIPPED_ON: 2, SHIPMENT: 13, DELETED: 53}},
    days=(DIGITS, LOOSE),
    day_needed=False,
    digits=12,
)

FILE_FORMAT = FileFormat("ehiden2", "Sagawa e-hiden II (e飛伝Ⅱ)", "sagawa", fixed(_RESULTS))
