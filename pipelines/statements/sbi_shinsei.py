"""SBI新生銀行: UTF-8 with its mark, days as 2026/07/27 (gateways.md 7.3)."""

from __future__ import annotations

from pipelines.statements.csv_download import Columns, csv_format

STATEMENT = csv_format(
    "sbi_shinsei",
    "SBI新生銀行",
    Columns(
        day=("取引日",), money_in="入金金額", money_out="出金金額", balance="残高", text=("摘要",), others=("メモ",)
    ),
)
