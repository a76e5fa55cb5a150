"""Sagawa Biz-Logi DEPO: what comes out, 61 columns (B.5)."""

from __future__ import annotations

from typing import Final

from pipelines.files.file_format import DIGITS, NUMBER, SHIPMENT, SHIPPED_ON, SLASHES, FileFormat, Results, fixed

_RESULTS: Final = Results(
    names={
        SHIPMENT: ("お客様管理番号",),
        NUMBER: ("問い合せ№",),
        SHIPPED_ON: ("出荷日",),
    },
    positions={61: {NUMBER: 1, SHIPMENT: 2, SHIPPED_ON: 7}},
    days=(SLASHES, DIGITS),
    digits=12,
)

FILE_FORMAT = FileFormat("bizlogi", "Sagawa Biz-Logi DEPO", "sagawa", fixed(_RESULTS))
