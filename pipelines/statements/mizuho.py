"""みずほダイレクト: CP932, lines about the account above the header (gateways.md 7.3)."""

from __future__ import annotations

from pipelines.statements.csv_download import Columns, csv_format

STATEMENT = csv_format(
    "mizuho",
    "みずほダイレクト",
    Columns(
        day=("日付",),
        money_in="お預かり金額",
        money_out="お支払金額",
        balance="残高",
        text=("摘要",),
        leading=True,
    ),
)
