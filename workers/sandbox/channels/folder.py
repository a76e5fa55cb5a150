"""A simulated supplier with a spreadsheet and a shared folder: takes files of work out of ``out``, fills numbers into their rows and
puts them into ``in``; ``answers`` says what became of each row (docs/files.md)."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, Final

import orjson

from workers.sandbox.channels.channel import REQUESTED, Told
from workers.sandbox.courier import Event
from workers.sandbox.journal import Journal

_Row = dict[str, str]
#: Real seconds: parcels that leave within the first go into one file, and how often its answer is looked for.
_TOGETHER: Final = 0.5
_LOOK: Final = 0.2
_ENCODING: Final = "cp932"


class Folder:
    """The folder of the supplier ``name`` under ``root``; with ``damages`` its first number is typed wrong at first."""

    name = "files"
    says = frozenset({"shipment.shipped"})

    def __init__(self, root: Path, name: str, *, journal: Journal, damages: bool) -> None:
        place = root / name
        self._out, self._in, self._answers = place / "out", place / "in", place / "answers"
        self._taken = place / "taken"
        self._taken.mkdir(parents=True, exist_ok=True)
        self._supplier = name
        self._journal = journal
        self._damages = damages
        self._files = count(1)
        self._open: list[Path] = []
        self._rows: dict[str, list[_Row]] = {}
        self._waiting: list[tuple[Event, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        for file in sorted(self._taken.glob("*.csv")):
            self._keep(file)

    async def look(self) -> Sequence[Told]:
        """The shipments of the files that came since."""
        self._open = sorted(self._out.glob("*.csv"))
        return [told for file in self._open for told in self._keep(file)]

    def took(self) -> None:
        """Those files are taken away."""
        for file in self._open:
            file.replace(self._taken / file.name)
        self._open = []

    async def say(self, event: Event) -> None:
        """Put its rows into the next file, and again until they are right."""
        heard = asyncio.get_running_loop().create_future()
        self._waiting.append((event, heard))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all())
        await heard

    def _keep(self, file: Path) -> list[Told]:
        shop = file.name.removeprefix(f"{self._supplier}-").partition("-")[0]
        found: dict[str, list[_Row]] = {}
        for row in csv.DictReader(io.StringIO(file.read_bytes().decode(_ENCODING))):
            found.setdefault(row["出荷番号"], []).append(row)
        self._rows |= found
        return [_told(shop, shipment, rows) for shipment, rows in found.items()]

    async def _write_all(self) -> None:
        while self._waiting:
            await asyncio.sleep(_TOGETHER)
            batch, self._waiting = self._waiting, []
            (first, _), *_ = batch
            damaged = {first.id} if self._damages else set()
            self._damages = False
            await self._hand_in([event for event, _ in batch], damaged)
            if damaged:
                await self._hand_in([first], set())
            for event, heard in batch:
                await self._journal.write(
                    {"kind": "delivered", "id": event.id, "type": event.type, "via": self.name, "tries": 1}
                )
                heard.set_result(None)
        self._writer = None

    async def _hand_in(self, events: Sequence[Event], damaged: set[str]) -> None:
        rows = [row for event in events for row in self._filled(event, is_damaged=event.id in damaged)]
        text = io.StringIO(newline="")
        first, *_ = rows
        table = csv.DictWriter(text, list(first), lineterminator="\r\n")
        table.writeheader()
        table.writerows(rows)
        event, *_ = events
        name = f"{datetime.fromisoformat(event.timestamp):%Y%m%d-%H%M%S}-{next(self._files):03}.csv"
        part = self._in / f"{name}.part"
        part.write_bytes(text.getvalue().encode(_ENCODING))
        part.replace(self._in / name)
        answer = await self._answer(name)
        said = {key: answer.get(key) for key in ("rows", "applied", "known", "quarantined", "refused")}
        wrong = sorted({event.data["shipment"] for event in events if event.id in damaged})
        await self._journal.write(
            {"kind": "file", "supplier": self._supplier, "file": name, "damaged": wrong, "answer": said}
        )

    async def _answer(self, name: str) -> Mapping[str, Any]:
        path = self._answers / f"{name}.json"
        while not path.exists():
            await asyncio.sleep(_LOOK)
        answer: Mapping[str, Any] = orjson.loads(path.read_bytes())
        return answer

    def _filled(self, event: Event, *, is_damaged: bool) -> list[_Row]:
        pieces = {one["line"]: str(one["quantity"]) for one in event.data["lines"]}
        number = event.data["tracking_number"] or ""
        if is_damaged:
            number = wrong_digit(number)
        left = datetime.fromisoformat(event.data["shipped_at"]).date().isoformat()
        return [
            {
                **row,
                "数量": pieces[row["明細"]],
                "運送会社": event.data["carrier"],
                "送り状番号": number,
                "出荷日": left,
            }
            for row in self._rows[event.data["shipment"]]
            if row["明細"] in pieces
        ]


def wrong_digit(number: str) -> str:
    """The number with the check digit of another one."""
    digit = int(number) % 10
    return f"{int(number) - digit + (digit + 1) % 7:012}"


def _told(shop: str, shipment: str, rows: Sequence[_Row]) -> Told:
    first, *_ = rows
    lines = [
        {"line": one["明細"], "sku": one["商品コード"], "name": one["商品"], "quantity": int(one["数量"])}
        for one in rows
    ]
    collect = {"amount": int(first["代引金額"]), "tax": int(first["うち消費税"])} if first["代引金額"] else None
    data = {
        "shop": shop, "order": first["注文番号"], "shipment": shipment, "dispatch_on": first["出荷予定日"] or None,
        "lines": lines, "collect": collect,
    }  # fmt: skip
    return Told(f"{shipment}:requested", REQUESTED, data)
