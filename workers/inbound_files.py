"""Looks every minute for files that suppliers put into their folders, takes the numbers in, and says beside them what became of
each row."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson
import structlog

from pipelines.errors import Invalid, Problem
from pipelines.points.jobs import Period, PeriodicJob, Tools
from pipelines.suppliers.file_import import import_file, refuse
from workers.channels.files import NAME, Folder, Settings
from workers.settings import read
from workers.wiring import House

log = structlog.get_logger(__name__)

#: Real seconds since a file was last written to, before it counts as whole.
SETTLED: Final = 5.0
#: No label program writes more.
_MOST_BYTES: Final = 64 * 1024 * 1024


def job(house: House) -> PeriodicJob | None:
    """The look into the folders of those suppliers that a profile instructs by files; None where there is none."""
    suppliers = sorted(
        {name for shop in house.shops.values() for name, one in shop.suppliers.items() if one.channel == NAME}
    )
    if not suppliers:
        return None
    root = read(Settings, house.environment).shukka_files

    def work(tools: Tools, period: Period) -> None:
        for supplier in suppliers:
            for answer in look(house, root, supplier):
                tools.transact(lambda connection: None)  # the job stays ours
                log.info("supplier_file.read", supplier=supplier, **answer)

    return PeriodicJob("files.inbound", _minute, work)


def _minute(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)


def look(house: House, root: Path, supplier: str) -> Iterator[dict[str, Any]]:
    """Take in each file that is whole, one after the other; counts of what became of it. The file itself is kept in the database and
    goes from the folder; what became of its rows stands in ``answers`` under its name. One of which nothing can be read is given back
    there."""
    folder = Folder(root, supplier)
    try:
        folder.make()
        waiting = sorted(path for path in folder.inbound.iterdir() if _is_whole(path))
    except OSError as error:
        log.error("supplier_file.folder", supplier=supplier, error=error.strerror)
        return
    for path in waiting:
        try:
            data = _bytes(path)
            answer = _taken(house, data, path.name, supplier)
            _say(folder.answers / f"{path.name}.json", answer)
            if "refused" in answer:
                os.replace(path, folder.answers / path.name)
            else:
                path.unlink()
        except OSError as error:
            log.error("supplier_file.unreadable", supplier=supplier, file=path.name, error=error.strerror)
            continue
        yield {name: told for name, told in answer.items() if isinstance(told, int)}


def _is_whole(path: Path) -> bool:
    """Whether a file is one that is sent, and nobody is writing it any more."""
    if path.name.startswith(".") or path.suffix in (".part", ".tmp") or not path.is_file():
        return False
    return path.stat().st_mtime <= time.time() - SETTLED


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MOST_BYTES + 1)


def _taken(house: House, data: bytes, name: str, supplier: str) -> dict[str, Any]:
    """What became of a file; one of which nothing can be read goes before the operator."""
    try:
        if len(data) > _MOST_BYTES:
            raise Invalid([Problem("FILE", "it is larger than any such file")])
        imported = import_file(house.engine, house.clock, house.shops, data, supplier=supplier, file=name)
    except Invalid as fault:
        reason = "; ".join(one.message for one in fault.problems)
        refuse(house.engine, house.clock, data, supplier=supplier, file=name, reason=reason)
        return {"file": name, "refused": reason}
    return imported.to_json()


def _say(path: Path, answer: dict[str, Any]) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(orjson.dumps(answer, option=orjson.OPT_INDENT_2) + b"\n")
    os.replace(part, path)
