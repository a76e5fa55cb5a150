"""Reports of what became of mails: each provider in its own format, by its own signature; kept before it is acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from pipelines.bounces.receiving import Told, receive
from pipelines.engine.inbox import storable_id
from pipelines.errors import Unreachable
from workers.bounces import MAIL_PROVIDERS
from workers.http.signing import SignatureRefused
from workers.metrics import WEBHOOKS
from workers.patience import patiently
from workers.web.answers import HttpProblem, as_json
from workers.web.app_state import state_of
from workers.web.body import read_body
from workers.web.hooks.sender import headers_of, no_such_sender, refused
from workers.web.mail_shapes import Heard
from workers.web.shapes import answers

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

_KIND: Final = "mail"
ANY_BODY: Final[dict[str, Any]] = {"requestBody": {"required": True, "content": {"*/*": {"schema": {}}}}}


@router.post("/mail/{provider}", status_code=202, responses=answers(s202=Heard, s200=Heard), openapi_extra=ANY_BODY)
async def mail_report(request: Request, provider: str) -> Response:
    """What a provider says of mails that were sent: 202 once it is kept, 200 where all of it was known; 401 for who proves nothing, and
    while nothing is set for the provider."""
    body = await read_body(request)
    state = state_of(request)
    declared, settings = MAIL_PROVIDERS.get(provider), state.mail_doors.get(provider)
    if declared is None or settings is None:
        raise no_such_sender(_KIND)
    prove = partial(declared.read, headers_of(request), body, settings, datetime.now(UTC))
    try:
        heard = await asyncio.to_thread(prove) if declared.reads_afar else prove()
    except SignatureRefused as reason:
        raise refused(_KIND, reason) from None
    except Unreachable:
        WEBHOOKS.labels(_KIND, "503").inc()
        raise HttpProblem(503, "Not proven yet", "Who signed it cannot be asked now; send it again later.") from None
    state.count_webhook(request, f"mail:{provider}", state.clients.may)
    told = [Told(f"mail:{provider}", storable_id(one.event_id), one.report, one.fault) for one in heard]
    new = await asyncio.to_thread(kept, request, told)
    status = 202 if new or not told else 200
    WEBHOOKS.labels(_KIND, str(status)).inc()
    return as_json(status, {"reports": len(told), "new": new})


def kept(request: Request, told: Sequence[Told]) -> int:
    """How many of the reports are new, once they are kept."""
    house = state_of(request).house
    return sum(patiently(lambda again: [new or again for new in receive(house.engine, house.clock, told)]))
