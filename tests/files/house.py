"""A house whose warehouse works with a label program, and the program itself, which knows its own format and nothing else."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Engine

from pipelines.files import FORMATS
from pipelines.shops import Shop
from pipelines.shops.load import PACKAGED
from pipelines.suppliers.file_export import Exported, export
from pipelines.suppliers.file_import import Imported, import_file
from tests.files.carriers import check
from tests.rules.build import shop_with
from tests.world import SHOPS, World, a_line, document, tracking_number
from workers.installation import INSTALLATION
from workers.mail.rendering import Renderer

#: What the salon says of its warehouse, to the end of its profile.
SHIPPED = (PACKAGED / "salon.toml").read_text("utf-8").partition("[suppliers.warehouse]\n")[2]
PROFILE = """carrier = "yamato"
{changes}
[suppliers.warehouse.files]
{files}
customer_code = "03000012003"
sender = {{ name = "見本商店", postal_code = "104-9999", address = "東京都中央区見本町9-9-9", phone = "03-0000-1200" }}
"""
TODAY = date(2026, 11, 20)


def shop(files: str = "", changes: str = "") -> Shop:
    """The salon, its warehouse with a label program."""
    profile = PROFILE.format(files=files, changes=changes)
    return shop_with("salon", **{SHIPPED: profile}).connect(INSTALLATION)


def world_with(engine: Engine, database_url: str, renderer: Renderer, files: str = "", changes: str = "") -> World:
    return World(engine, database_url, renderer, shops={**SHOPS, "salon": shop(files, changes)})


def told(world: World, count: int, **changes: Any) -> list[str]:
    """So many orders of three pieces whose warehouse was told; their shipments."""
    world.take(*(document(f"S-{n}", a_line(quantity=3), customer=f"M-{n}", **changes) for n in range(count)))
    world.settle()
    return [row.id for row in world.rows("SELECT id FROM shipment WHERE state = 'instructed' ORDER BY id")]


def exported(world: World, form: str) -> Exported:
    with world.engine.connect() as connection:
        return export(connection, world.shops, "warehouse", FORMATS[form])


def taken_in(world: World, data: bytes, form: str = "auto", supplier: str = "warehouse", **options: Any) -> Imported:
    return import_file(
        world.engine, world.clock, world.shops, data, supplier=supplier, form=form, file="numbers.csv", **options
    )


def cells(data: bytes) -> list[list[str]]:
    text = data.decode("utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "cp932")
    return [one for one, _ in check.records(text, check.Report())[0]]


def answered(form: str, parts: Sequence[bytes], first: int = 44_010_000_000, day: date = TODAY) -> bytes:
    """The numbers that a label program gives the labels of ``parts``, in its own layout of what comes out."""
    rows: list[list[str]] = []
    for part in parts:
        for row in cells(part)[1 if form in ("b2", "ehiden3", "csv") else 0 :]:
            number = tracking_number(first + len(rows))
            rows.append(_RESULT[form](row, number, day))
    return as_bytes(rows, _HEADER.get(form))


def as_bytes(rows: Sequence[Sequence[str]], header: Sequence[str] | None = None, encoding: str = "cp932") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([*([header] if header else []), *rows])
    return text.getvalue().encode(encoding)


def _b2(row: list[str], number: str, day: date) -> list[str]:
    return [*row[:3], number, *row[4:]]


def _ehiden3(row: list[str], number: str, day: date) -> list[str]:
    found = [""] * 91
    found[0], found[2], found[18] = number, f"{day:%Y/%m/%d}", row[9]
    return found


def _yupri(row: list[str], number: str, day: date) -> list[str]:
    return [row[0], f"{number[:4]}-{number[4:8]}-{number[8:]}", f"{day:%Y%m%d}120000", "", "10", "0A"]


def _kangaroo(row: list[str], number: str, day: date) -> list[str]:
    return [f"{day:%Y/%m/%d}", row[4], number[2:], "1", "0", "1", *[""] * 39]


def _csv(row: list[str], number: str, day: date) -> list[str]:
    return [row[0], "ヤマト運輸", number, day.isoformat()]


_RESULT = {"b2": _b2, "ehiden3": _ehiden3, "yupri": _yupri, "kangaroo": _kangaroo, "csv": _csv}
_HEADER = {"csv": ["出荷番号", "運送会社", "送り状番号", "出荷日"]}
