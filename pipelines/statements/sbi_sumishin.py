"""住信SBIネット銀行 (d NEOBANK): CP932, the newest row first, amounts with commas, the payer in full width (gateways.md 7.3)."""

from __future__ import annotations

from pipelines.statements.csv_download import Columns, csv_format

STATEMENT = csv_format(
    "sbi_sumishin",
    "住信SBIネット銀行 (d NEOBANK)",
    Columns(
        day=("日付",),
        money_in="入金金額(円)",
        money_out="出金金額(円)",
        balance="残高(円)",
        text=("内容",),
        others=("メモ",),
    ),
)
