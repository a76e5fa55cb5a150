"""A form that comes with files (multipart/form-data), read whole within its limits."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Final, NamedTuple

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from workers.web.body import BadBody, read_body
from workers.web.pages.forms import Form

_OF_FIELDS: Final = 262_144
"""Bytes that the fields of a form may have beside its files."""
_MOST_FILES: Final = 20
_MOST_FIELDS: Final = 2_000


class SentFile(NamedTuple):
    """A file as it was sent; ``name`` is what its sender calls it."""

    name: str
    content: bytes


class FormWithFiles(NamedTuple):
    """The fields of a form, and the files that came with it, without those that were left empty."""

    form: Form
    files: list[SentFile]


async def read_form_with_files(request: Request, most_bytes: int) -> FormWithFiles:
    """The form of a request, whose files have ``most_bytes`` together. Raises BadBody for what is none, or too large."""
    raw = await read_body(request, most_bytes + _OF_FIELDS)

    async def whole() -> AsyncGenerator[bytes, None]:
        yield raw

    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise BadBody(400, "The form cannot be read.")
    try:
        told = await MultiPartParser(request.headers, whole(), max_files=_MOST_FILES, max_fields=_MOST_FIELDS).parse()
    except (MultiPartException, KeyError, ValueError):
        raise BadBody(400, "The form cannot be read.") from None
    fields, files = dict[str, str](), list[SentFile]()
    for name, value in told.multi_items():
        if isinstance(value, UploadFile):
            files.append(SentFile((value.filename or "").replace("\x00", ""), await value.read()))
            await value.close()
        elif "\x00" in name or "\x00" in value:
            raise BadBody(400, "The form holds a character that no text has.")
        else:
            fields[name] = value
    return FormWithFiles(Form(fields), [one for one in files if one.content])
