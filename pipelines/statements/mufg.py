"""三菱UFJダイレクト: CP932, days as 2026/7/27, the payer in a column of his own; a newer one has ラベル (gateways.md 7.3)."""

from __future__ import annotations

from pipelines.statements.csv_download import Columns, csv_format

STATEMENT = csv_format(
    "mufg",
    "三菱UFJダイレクト",
    Columns(
        day=("日付",),
        money_in="預かり金額",
        money_out="支払い金額",
        balance="差引残高",
        text=("摘要", "摘要内容"),
        payer="摘要内容",
        uncleared="未資金化区分",
        others=("メモ", "入払区分", "ラベル"),
    ),
)
