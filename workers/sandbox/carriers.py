"""The inquiry pages of carriers (お問い合わせ): ``python -m workers.sandbox.carriers --journal FILE``.

``POST /_parcels {"number", "history": [{"word", "at"}]}`` is a parcel as its carrier sees it, ``at`` with its offset. ``POST /yamato`` is
Yamato's form of ten numbers, ``GET /japan_post?reqCodeNo1=...`` Japan Post's search: their pages, as public readers of them know them.
A number that was not told of is not registered. What was asked is in the journal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs

from pipelines.values.calendar import in_japan
from workers.sandbox import process
from workers.sandbox.agenda import Agenda
from workers.sandbox.faults import Faults
from workers.sandbox.http_server import CUT, Reply, Request
from workers.sandbox.journal import Journal

FAULTS = {
    "down_rate": 0.0,  # 503, for maintenance
    "cut_rate": 0.0,  # the connection ends without an answer
    "changed_rate": 0.0,  # another page, such as one that a proxy shows
    "busy_rate": 0.0,  # 429, to be asked again in two minutes
}
_MOST: Final = 10
_PAGE: Final = {"content-type": "text/html; charset=UTF-8"}


class Scan(NamedTuple):
    """A parcel was scanned: the carrier's word, and when (aware)."""

    word: str
    at: datetime


class Carriers:
    """Answers for every carrier; a parcel's history is whatever it was told last."""

    def __init__(self, journal: Journal, faults: Faults) -> None:
        self._journal = journal
        self._faults = faults
        self._parcels: dict[str, list[Scan]] = {}

    async def handle(self, request: Request) -> Reply | None:
        """Answer one request."""
        match request.method, request.path:
            case "POST", "/_faults":
                return process.change_faults(self._faults, request)
            case "POST", "/_parcels":
                return self._told(request.json())
            case "POST", "/yamato":
                form = parse_qs(request.body.decode())
                numbers = [form[name][0] for place in range(1, _MOST + 1) if (name := f"number{place:02}") in form]
                return await self._answer("yamato", numbers, yamato_page)
            case "GET", "/japan_post":
                return await self._answer(
                    "japan_post", parse_qs(request.query).get("reqCodeNo1", [""]), japan_post_page
                )
        return Reply(404)

    def _told(self, parcel: Mapping[str, Any]) -> Reply:
        self._parcels[parcel["number"]] = [
            Scan(one["word"], datetime.fromisoformat(one["at"])) for one in parcel["history"]
        ]
        return Reply(202)

    async def _answer(self, carrier: str, numbers: Sequence[str], page: Any) -> Reply | None:
        await self._journal.write({"kind": "asked", "carrier": carrier, "numbers": numbers})
        if self._faults.strikes("cut_rate"):
            return CUT
        if self._faults.strikes("down_rate"):
            return Reply(503, b"<html><body>maintenance</body></html>", _PAGE)
        if self._faults.strikes("busy_rate"):
            return Reply(429, b"", {**_PAGE, "retry-after": "120"})
        if self._faults.strikes("changed_rate"):
            return Reply(200, b"<html><body><h1>Welcome</h1></body></html>", _PAGE)
        return Reply(200, page({number: self._parcels.get(number, []) for number in numbers}).encode(), _PAGE)


def yamato_page(parcels: Mapping[str, Sequence[Scan]]) -> str:
    """A block for each number; days have no year."""
    blocks = []
    for place, (number, scans) in enumerate(parcels.items(), 1):
        shown = "-".join(number[start : start + 4] for start in range(0, len(number), 4))
        state = scans[-1].word if scans else "伝票番号未登録"
        rows = "".join(
            f'<li><div class="item">{escape(one.word)}</div>'
            f'<div class="date">{in_japan(one.at):%m月%d日 %H:%M}</div><div class="name">築地支店</div></li>'
            for one in scans
        )
        detail = f'<div class="tracking-invoice-block-detail"><ol>{rows}</ol></div>' if rows else ""
        blocks.append(
            f'<div class="parts-tracking-invoice-block"><h3 class="tracking-invoice-block-title">{place}件目：{shown}</h3>'
            f'<div class="tracking-invoice-block-state"><h4 class="tracking-invoice-block-state-title">{escape(state)}</h4>'
            '<div class="tracking-invoice-block-state-summary">お問い合わせの結果です。</div></div>'
            '<div class="tracking-invoice-block-summary"><ul><li><div class="item">商品名：</div>'
            f'<div class="data">宅急便</div></li></ul></div>{detail}</div>'
        )
    return f"<!DOCTYPE html><html lang=ja><head><title>お問い合わせ</title></head><body>{''.join(blocks)}</body></html>"


def japan_post_page(parcels: Mapping[str, Sequence[Scan]]) -> str:
    """Two rows for each scan, the second with the postal code."""
    ((number, scans),) = parcels.items()
    if not scans:
        return f"<html><body><table summary='照会結果'><tr><td>{escape(number)}</td><td>お問い合わせ番号が見つかりません。</td></tr></table></body></html>"
    rows = "".join(
        f"<tr><td rowspan=2>{in_japan(one.at):%Y/%m/%d %H:%M}</td><td rowspan=2>{escape(one.word)}</td><td rowspan=2></td>"
        "<td>京橋郵便局</td><td rowspan=2>東京都</td></tr><tr><td>104-0061</td></tr>"
        for one in scans
    )
    head = "<tr><th rowspan=2>状態発生日</th><th rowspan=2>配送履歴</th><th rowspan=2>詳細</th><th>取扱局</th><th rowspan=2>県名等</th></tr>"
    return (
        "<html><body><table summary='配達状況詳細'><tr><th>商品種別</th></tr><tr><td>ゆうパック</td></tr></table>"
        f"<table summary='履歴情報'>{head}<tr><th>郵便番号</th></tr>{rows}</table></body></html>"
    )


async def main() -> None:
    """Serve until SIGTERM."""
    arguments = process.parser("workers.sandbox.carriers", "The inquiry pages of carriers.").parse_args()
    faults = Faults(FAULTS, seed=arguments.seed)
    faults.set_flags(arguments.fault)
    stop = process.stop_signal()
    async with Journal(arguments.journal) as journal:
        carriers = Carriers(journal, faults)
        await process.serve_with(carriers.handle, Agenda(process.clock_of(arguments)), arguments.port, stop)


if __name__ == "__main__":
    process.run(main)
