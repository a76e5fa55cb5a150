"""Suppliers that come for their work: by a list, by a mailbox and a page, by a folder (docs/suppliers.md, docs/files.md)."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.sandbox.world import SECRET, eventually, running
from workers.sandbox.http_server import Reply, Request, serving

FAST = ("--clock", "2026-11-20T10:00:00+09:00", "--clock-rate", "36000", "--fault", "split_rate=0")
WORK = {
    "id": "SH-1:requested", "shop": "clinic", "order": "C-1", "shipment": "SH-1", "dispatch_on": "2026-11-20",
    "lines": [{"line": "1", "sku": "BED-01", "name": "診察台", "quantity": 1}],
}  # fmt: skip
ROW = {
    "出荷番号": "SH-1", "注文番号": "C-1", "出荷予定日": "2026-11-20", "代引金額": "", "うち消費税": "", "運送会社": "", "送り状番号": "",
    "出荷日": "", "明細": "1", "商品コード": "BED-01", "商品": "診察台", "数量": "1",
}  # fmt: skip
PAGE = """<dl><dt>Order</dt><dd>C-1</dd><dt>Leaves on</dt><dd>Fri 20 Nov 2026</dd></dl>
<tbody>
<tr><td>診察台<br><span class="hint">BED-01</span></td><td class="number">1</td><td class="number">1</td></tr></tbody>
<input type="hidden" name="once" value="abc123">
<input class="few" id="ship-1" type="number" inputmode="numeric" min="0" max="1" name="pieces:1" value="1">"""


class Shop:
    """Shukka's side of the list and of the page, as far as a supplier sees it."""

    def __init__(self, *, refusing: int = 0) -> None:
        self.events: list[dict[str, Any]] = []
        self.forms: list[dict[str, str]] = []
        self.statuses = [refusing] * bool(refusing)

    async def handle(self, request: Request) -> Reply:
        if request.path.startswith("/s/"):
            return self._page(request)
        assert request.headers["authorization"] == "Bearer key"
        if request.method == "GET":
            asked = "state=requested" in request.query and "shipment.acknowledged" not in self.types
            return Reply(200, {"work": [WORK] if asked else [], "next": None})
        if self.statuses:
            return Reply(self.statuses.pop())
        self.events.append(request.json())
        return Reply(202)

    def _page(self, request: Request) -> Reply:
        if request.method == "GET":
            return Reply(200, PAGE.encode(), {"content-type": "text/html"})
        self.forms.append(dict(parse_qsl(request.body.decode(), keep_blank_values=True)))
        return Reply(self.statuses.pop() if self.statuses else 303)

    @property
    def types(self) -> list[str]:
        return [one["type"] for one in self.events]


async def lived(shop: Shop, tmp_path: Path, done: Callable[[], bool], *options: str) -> list[dict[str, Any]]:
    """The supplier's journal once ``done``."""
    common = ("--name", "maker-b", "--secret", SECRET, "--callback", "http://127.0.0.1:9/", *FAST)
    async with serving(shop.handle, 0) as port:
        (tmp_path / "keys").write_text(json.dumps({"maker-b": "key"}))
        given = [one.replace("PORT", str(port)) for one in options]
        with running("supplier", tmp_path / "journal", *common, *given) as maker:
            await eventually(done)
            await eventually(lambda: bool(maker.records("delivered") or maker.records("turned_away")))
            assert maker.stop() == 0
            return [
                record for kind in ("instruction", "delivered", "turned_away", "file") for record in maker.records(kind)
            ]


def test_a_supplier_that_polls_takes_what_is_listed_once_and_posts_its_news(tmp_path: Path) -> None:
    shop = Shop(refusing=503)
    options = ("--channel", "maker-b=poll", "--url", "http://127.0.0.1:PORT", "--keys-file", str(tmp_path / "keys"))
    journal = asyncio.run(lived(shop, tmp_path, lambda: "shipment.delivered" in shop.types, *options))
    [told] = [one for one in journal if one["kind"] == "instruction"]
    assert (told["channel"], told["id"], told["lines"]) == ("poll", WORK["id"], WORK["lines"])
    assert {(one["id"], one["type"]) for one in shop.events} >= {
        ("SH-1:shipment.acknowledged:1", "shipment.acknowledged"), ("SH-1:shipment.shipped:2", "shipment.shipped"),
    }  # fmt: skip
    assert {one["via"] for one in journal if one["kind"] == "delivered"} == {"poll"}


def instruction(mailbox: Path, *, address: str = "") -> None:
    mailbox.mkdir()
    (mailbox / "000001.eml").write_bytes(
        (
            "To: maker-b@maker.example.jp\r\nMessage-ID: <1@x>\r\nX-Shukka-Template: supplier_instruction\r\n"
            "X-Shukka-Shipment: SH-1\r\nX-Shukka-Order: clinic/C-1\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
            f"{address}\r\nhttp://127.0.0.1:%s/s/token\r\n"
        ).encode()
    )


@pytest.mark.parametrize(("channel", "address"), [("mail", "〒460-0008 愛知県"), ("portal", "")])
def test_a_supplier_with_a_mailbox_presses_the_buttons_of_the_page_that_its_mail_links_to(
    tmp_path: Path, channel: str, address: str
) -> None:
    shop = Shop()

    async def scenario() -> list[dict[str, Any]]:
        async with serving(shop.handle, 0) as port:
            instruction(tmp_path / "mailbox", address=address)
            mail = tmp_path / "mailbox" / "000001.eml"
            mail.write_bytes(mail.read_bytes().replace(b"%s", str(port).encode()))
            options = ("--channel", f"maker-b={channel}", "--mailbox", str(tmp_path / "mailbox"))
            return await lived(shop, tmp_path, lambda: len(shop.forms) == 2, *options)

    journal = asyncio.run(scenario())
    [told] = [one for one in journal if one["kind"] == "instruction"]
    assert (told["lines"], told["dispatch_on"]) == (WORK["lines"], "2026-11-20")
    assert told["tells_address"] is bool(address)
    assert [one["act"] for one in shop.forms] == ["acknowledge", "ship"]
    assert shop.forms[1]["pieces:1"] == "1"
    assert len(shop.forms[1]["tracking_number"]) == 12


def test_what_a_page_turns_away_for_good_is_not_pressed_again(tmp_path: Path) -> None:
    shop = Shop(refusing=409)

    async def scenario() -> list[dict[str, Any]]:
        async with serving(shop.handle, 0) as port:
            instruction(tmp_path / "mailbox")
            mail = tmp_path / "mailbox" / "000001.eml"
            mail.write_bytes(mail.read_bytes().replace(b"%s", str(port).encode()))
            options = (
                "--channel",
                "maker-b=portal",
                "--mailbox",
                str(tmp_path / "mailbox"),
                "--refuses-first",
                "maker-b",
            )
            return await lived(shop, tmp_path, lambda: len(shop.forms) == 1, *options)

    journal = asyncio.run(scenario())
    assert [one["status"] for one in journal if one["kind"] == "turned_away"] == [409]
    assert (shop.forms[0]["act"], shop.forms[0]["reason"]) == ("refuse", "discontinued")


def test_a_supplier_with_a_folder_sends_a_number_again_that_it_had_typed_wrong(tmp_path: Path) -> None:
    place = tmp_path / "files" / "maker-b"
    for name in ("out", "in", "answers"):
        (place / name).mkdir(parents=True)
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, list(ROW), lineterminator="\r\n")
    writer.writeheader()
    writer.writerow(ROW)
    (place / "out" / "maker-b-clinic-1-csv-1of1-0.csv").write_bytes(table.getvalue().encode("cp932"))
    numbers: list[str] = []

    def answered() -> bool:
        """What Shukka does with a file: reads it, takes it away, says what became of it."""
        for file in (place / "in").glob("*.csv"):
            [row] = csv.DictReader(io.StringIO(file.read_bytes().decode("cp932")))
            numbers.append(row["送り状番号"])
            wrong = (
                []
                if int(row["送り状番号"][:11]) % 7 == int(row["送り状番号"][11])
                else [{"row": 2, "code": "TRACK_CHECK"}]
            )
            file.unlink()
            (place / "answers" / f"{file.name}.json").write_text(json.dumps({"rows": 1, "quarantined": wrong}))
        return len(numbers) == 2

    options = ("--channel", "maker-b=files", "--files", str(tmp_path / "files"), "--damages", "maker-b")
    journal = asyncio.run(lived(Shop(), tmp_path, answered, *options))
    files = [one for one in journal if one["kind"] == "file"]
    assert [bool(one["answer"]["quarantined"]) for one in files] == [True, False]
    assert [one["damaged"] for one in files] == [["SH-1"], []]
    assert numbers[0][:11] == numbers[1][:11]
    assert list((place / "out").iterdir()) == []
    assert [one["type"] for one in journal if one["kind"] == "delivered"] == ["shipment.shipped"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--channel", "maker-b=poll"), "--url: is needed, since maker-b is told by poll"),
        (("--channel", "maker-b=pigeon"), "must be NAME=CHANNEL"),
    ],
)
def test_a_channel_that_lacks_something_does_not_start(tmp_path: Path, options: tuple[str, ...], says: str) -> None:
    command = [sys.executable, "-m", "workers.sandbox.supplier", "--journal", str(tmp_path / "j"), "--name", "maker-b"]
    done = subprocess.run(
        [*command, "--secret", SECRET, "--callback", "http://127.0.0.1:9/", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert says in done.stderr
