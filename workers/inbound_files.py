"""Looks every minute for files that suppliers put into their folders, takes the numbers in, and says beside them what became of
each row."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson
import structlog

from models.database import is_passing
from pipelines.engine.run import describe
from pipelines.errors import Invalid, Problem
from pipelines.points.jobs import Period, PeriodicJob, Tools
from pipelines.suppliers.file_import import import_file, refuse
from pipelines.values.encoded_text import file_name
from workers.channels.files import NAME, Folder, Settings
from workers.settings import read
from workers.wiring import House

log = structlog.get_logger(__name__)

#: The job's name.
JOB: Final = "files.inbound"
#: Real seconds since a file was last written to, before it counts as whole.
SETTLED: Final = 5.0
#: No label program writes more.
_MOST_BYTES: Final = 64 * 1024 * 1024
#: Bytes of a file's name that are kept before the ending of its answer.
_LONGEST_NAME: Final = 250


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

    return PeriodicJob(JOB, _minute, work)


def _minute(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)


def look(house: House, root: Path, supplier: str) -> Iterator[dict[str, Any]]:
    """Take in each file that is whole, one after the other; counts of what became of it. The file itself is kept in the database and
    goes from the folder; what became of its rows stands in ``answers`` under its name. One of which nothing can be read is given back
    there; one that may not be read stays, and goes before the operator. None keeps the others waiting."""
    folder = Folder(root, supplier)
    try:
        folder.make()
        waiting = sorted(path for path in folder.inbound.iterdir() if _is_whole(path))
    except OSError as error:
        log.error("supplier_file.folder", supplier=supplier, error=error.strerror)
        return
    for path in waiting:
        name = file_name(path.name)
        try:
            answer = _read(house, folder, path, supplier)
        except OSError as error:
            log.error("supplier_file.unreadable", supplier=supplier, file=name, error=error.strerror)
        except Exception as error:  # the boundary of a file, which keeps it from the others; tried again a minute later
            if is_passing(error):
                raise
            log.error("supplier_file.failed", supplier=supplier, file=name, error=describe(error))
        else:
            yield {name: told for name, told in answer.items() if isinstance(told, int)}


def _is_whole(path: Path) -> bool:
    """Whether a file is one that is sent, and nobody is writing it any more; a link is looked at as such."""
    if path.name.startswith(".") or path.suffix in (".part", ".tmp"):
        return False
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False  # its supplier took it back
    return not stat.S_ISDIR(found.st_mode) and found.st_mtime <= time.time() - SETTLED


def _read(house: House, folder: Folder, path: Path, supplier: str) -> dict[str, Any]:
    """What became of a file, said beside it; the file is taken away, unless another one came in its place meanwhile."""
    before = path.lstat()
    known_by = os.fsencode(f"{path.name}:{before.st_mtime_ns}")  # where what is in it cannot be told
    if stat.S_ISREG(before.st_mode):
        try:
            data = _bytes(path)
        except PermissionError as error:
            reason = f"it may not be read ({error.strerror}); let Shukka read it"
            _refused(house, known_by, path.name, supplier, reason)
            raise
        answer = _taken(house, data, path.name, supplier)
    else:
        reason = "it is a link, or no file at all; put the file itself here"
        answer = _refused(house, known_by, path.name, supplier, reason)
    _say(folder.answers, path.name, answer)
    if _mark(path.lstat()) == _mark(before):
        if "refused" in answer:
            os.replace(path, folder.answers / path.name)
        else:
            path.unlink()
    return answer


def _mark(found: os.stat_result) -> tuple[int, int, int]:
    """What a file is known by, as long as nobody writes it or puts another one in its place."""
    return found.st_ino, found.st_mtime_ns, found.st_size


def _bytes(path: Path) -> bytes:
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        return file.read(_MOST_BYTES + 1)


def _taken(house: House, data: bytes, name: str, supplier: str) -> dict[str, Any]:
    """What became of what is in a file; one of which nothing can be read goes before the operator."""
    try:
        if len(data) > _MOST_BYTES:
            raise Invalid([Problem("FILE", "it is larger than any such file")])
        imported = import_file(house.engine, house.clock, house.shops, data, supplier=supplier, file=name)
    except Invalid as fault:
        return _refused(house, data, name, supplier, "; ".join(one.message for one in fault.problems))
    return imported.to_json()


def _refused(house: House, data: bytes, name: str, supplier: str, reason: str) -> dict[str, Any]:
    """That a file goes before the operator, once; ``data`` is what it is known by."""
    refuse(house.engine, house.clock, data, supplier=supplier, file=name, reason=reason)
    return {"file": file_name(name), "refused": reason}


def _say(answers: Path, name: str, answer: dict[str, Any]) -> None:
    """Write what became of the file ``name``, under as much of its name as a file's may have."""
    part = answers / ".answer.part"
    part.unlink(missing_ok=True)  # whatever somebody laid there
    part.write_bytes(orjson.dumps(answer, option=orjson.OPT_INDENT_2) + b"\n")
    os.replace(part, answers / f"{os.fsdecode(os.fsencode(name)[:_LONGEST_NAME])}.json")
