"""GMOあおぞらネット銀行: CP932, days as 20260727, money in before money out (gateways.md 7.3)."""

from __future__ import annotations

from pipelines.statements.csv_download import Columns, csv_format

STATEMENT = csv_format(
    "gmo_aozora",
    "GMOあおぞらネット銀行",
    Columns(day=("日付",), money_in="入金金額", money_out="出金金額", balance="残高", text=("摘要",), others=("メモ",)),
)
