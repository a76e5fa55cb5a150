"""Reports of what became of mails, posted as they came by whoever has an operator's key: a relay that pipes its bounces."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from starlette.responses import Response

from pipelines.bounces.receiving import of_message
from workers.web.answers import as_json, not_found
from workers.web.app_state import state_of
from workers.web.body import read_body
from workers.web.hooks.mails import ANY_BODY, kept
from workers.web.mail_shapes import Heard
from workers.web.shapes import answers

router = APIRouter(prefix="/v1/mail-reports", tags=["mails"])


@router.post("", status_code=202, responses=answers(s202=Heard, s200=Heard), openapi_extra=ANY_BODY)
async def post_mail_report(request: Request) -> Response:
    """Take in one report, the whole message as the body: 202 once it is kept, 200 for the same message again. Of which shop it is shows
    only when it is read, so it is for keys of every shop."""
    caller = await state_of(request).caller(request, "operator")
    if caller.shops:
        raise not_found()
    told = of_message(await read_body(request))
    new = await asyncio.to_thread(kept, request, [told])
    return as_json(202 if new else 200, {"reports": 1, "new": new})
