"""SMBCダイレクト: CP932, days as 2026/4/10, the payer within the content (振込　ﾔﾏﾀﾞ ﾊﾅｺ; gateways.md 7.3)."""

from __future__ import annotations

from pipelines.statements.csv_download import Columns, csv_format

STATEMENT = csv_format(
    "smbc",
    "SMBCダイレクト",
    Columns(
        day=("年月日", "お取引日"),
        money_in="お預入れ",
        money_out="お引出し",
        balance="残高",
        text=("お取り扱い内容",),
        others=("メモ", "ラベル"),
    ),
)
