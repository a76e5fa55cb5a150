"""A supplier's file of tracking numbers over HTTP, with its own key and for its own shipments alone."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from pipelines.doors import question
from pipelines.suppliers.file_import import AUTO, Imported, import_file
from workers.patience import patiently
from workers.web.answers import as_json, not_found
from workers.web.app_state import state_of
from workers.web.body import read_body
from workers.web.query import parameters_of, query_of
from workers.web.shapes import answers
from workers.web.supplier_shapes import SupplierFileAnswer

router = APIRouter(prefix="/v1/suppliers", tags=["suppliers"])

#: Bytes: some ten thousand rows of the widest layout.
MOST_BYTES: Final = 8 * 1024 * 1024
_LONGEST_NAME: Final = 200
_ANY: Final[dict[str, Any]] = {"required": True, "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}


class FileQuery(BaseModel):
    """What is said of a file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: str = Field(
        default=AUTO, description="b2, ehiden3, yupri, kangaroo, csv, ehiden2, bizlogi, clickpost, nextengine, or auto"
    )
    file: str = Field(default="", description="The file's name, as the answer and the operator shall see it")


@router.post(
    "/{supplier}/files",
    responses=answers(s200=SupplierFileAnswer),
    openapi_extra={"parameters": parameters_of(FileQuery), "requestBody": _ANY},
)
async def supplier_file(request: Request, supplier: str) -> Response:
    """The file itself as the body, in the encoding it was written in. Each good row counts once, however often it is sent; what is
    wrong is listed with its row. 422 for a file of which nothing can be read, 413 above 8 MiB."""
    state = state_of(request)
    caller = await state.caller(request, "supplier")
    if caller.name != supplier:
        raise not_found()
    asked = question(FileQuery, query_of(request))
    data = await read_body(request, MOST_BYTES)
    name = asked.file.replace("\x00", "")[:_LONGEST_NAME]
    house = state.house

    def taken(again: bool) -> Imported:
        return import_file(
            house.engine,
            house.clock,
            house.shops,
            data,
            supplier=supplier,
            form=asked.format,
            file=name,
            seen=caller.shops,
        )

    imported = await asyncio.to_thread(patiently, taken)
    return as_json(200, imported.to_json())
