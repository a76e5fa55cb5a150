"""A maker's file on its page: what is still to be sent as a spreadsheet, and tracking numbers from whatever file it has, each row with
its verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response

from models.database import glance
from pipelines.errors import Invalid, NotFound
from pipelines.files import FORMATS
from pipelines.files.results import Row, Verdict
from pipelines.suppliers.file_export import Exported, export
from pipelines.suppliers.file_import import Imported, import_file
from pipelines.suppliers.work import Work
from workers.patience import patiently
from workers.web.api.supplier_files import MOST_BYTES
from workers.web.app_state import state_of
from workers.web.pages.html import HEADERS, to
from workers.web.pages.multipart import read_form_with_files
from workers.web.pages.supplier import Visit, answered, today

router = APIRouter(prefix="/s", include_in_schema=False)

_MOST_SHOWN: Final = 1_000
"""Rows whose verdict is shown, the wrong ones before others."""
_LONGEST_NAME: Final = 200
_SAYS: Final[Mapping[Verdict, str]] = {
    Verdict.APPLY: "verdict_ok",
    Verdict.APPLY_PARCEL: "verdict_ok",
    Verdict.CORRECT: "verdict_ok",
    Verdict.DUPLICATE: "verdict_known",
    Verdict.PENDING: "file_pending",
    Verdict.DELETED: "file_deleted",
}
"""The page's word for a row; one that is quarantined has the word of its reason."""


@dataclass(frozen=True, slots=True)
class RowShown:
    """A row of a file as the page shows it; ``says`` is the word for its verdict."""

    record: int
    about: str
    number: str
    says: str
    is_good: bool


@router.get("/{token}/list.csv")
async def read_list(request: Request, token: str) -> Response:
    """What is still to be sent as the CSV of the supplier's profile, with empty columns for the numbers."""

    async def shown(visit: Visit) -> Response:
        exported = await asyncio.to_thread(_exported, visit)
        name, data = next(iter(exported.files.items()), ("", b""))
        if not data:
            raise NotFound
        disposition = f"attachment; filename*=UTF-8''{quote(name)}"
        return Response(data, media_type="text/csv", headers={**HEADERS, "Content-Disposition": disposition})

    return await answered(request, token, shown)


def _exported(visit: Visit) -> Exported:
    with glance(state_of(visit.request).house.engine) as connection:
        return export(connection, {visit.shop.key: visit.shop}, visit.opens.supplier, FORMATS["csv"])


@router.get("/{token}/file")
async def see_list(request: Request, token: str) -> Response:
    """The list, for whoever changes the language or loads anew where a file was sent."""

    async def seen(visit: Visit) -> Response:
        return to(f"{visit.path}/today?lang={visit.language}")

    return await answered(request, token, seen)


@router.post("/{token}/file")
async def take_file(request: Request, token: str) -> Response:
    """The numbers of a file: the right rows go through, each other one is explained. The same file again does nothing."""

    async def taken(visit: Visit) -> Response:
        _, files = await read_form_with_files(request, MOST_BYTES)
        works = await asyncio.to_thread(visit.open)
        house, sent = state_of(request).house, next(iter(files), None)
        if sent is None:
            return today(visit, works, 422, file_fault="file_none")

        def read(again: bool) -> Imported:
            return import_file(
                house.engine,
                house.clock,
                house.shops,
                sent.content,
                supplier=visit.opens.supplier,
                file=sent.name[:_LONGEST_NAME],
                seen=(visit.shop.key,),
            )

        try:
            imported = await asyncio.to_thread(patiently, read)
        except Invalid:
            return today(visit, works, 422, file_fault="file_unread")
        named = await asyncio.to_thread(visit.named, sorted({row.shipment for row in imported.told if row.shipment}))
        left = {row.shipment for row in imported.told if row.verdict in (Verdict.APPLY, Verdict.APPLY_PARCEL)}
        still = [one for one in works if one.told.shipment not in left]
        return today(visit, still, file=imported, file_rows=_shown(imported.told, named))

    return await answered(request, token, taken)


def _shown(rows: Sequence[Row], named: Mapping[str, Work]) -> list[RowShown]:
    told = [row for row in rows if row.verdict is not Verdict.BLANK]
    first = sorted(told, key=lambda row: row.verdict is not Verdict.QUARANTINE)[:_MOST_SHOWN]
    return [
        RowShown(
            record=row.record,
            about=named[row.shipment].told.number if row.shipment in named else row.shipment,
            number=row.number,
            says=f"file_{row.code.lower()}" if row.code is not None else _SAYS[row.verdict],
            is_good=row.code is None,
        )
        for row in sorted(first, key=lambda row: row.record)
    ]
