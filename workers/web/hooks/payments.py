"""Payment notices: each gateway in its own format, by its own signature, acknowledged in its own way.

The name in the URL is the gateway's. A notice is stored in the inbox before it is acknowledged; nothing is acted on here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from pipelines.engine.inbox import notice_event
from pipelines.errors import Unreachable
from pipelines.gateway import Notice, ReadNotices
from workers.allowance import Allowance
from workers.http.signing import SignatureRefused
from workers.metrics import WEBHOOKS
from workers.payments import GATEWAYS
from workers.web.answers import HttpProblem
from workers.web.app_state import state_of
from workers.web.body import read_body
from workers.web.hooks.sender import headers_of, no_such_sender, partner_of, refused

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

_ANY: dict[str, Any] = {"content": {"*/*": {"schema": {}}}}
_ANY_BODY = {
    "requestBody": {"required": True, **_ANY},
    "responses": {
        "202": {"description": "Kept; acknowledged as the gateway wants it", **_ANY},
        "200": {"description": "Kept, of a gateway that wants this status; else it was known", **_ANY},
    },
}


@router.post("/payments/{gateway}", status_code=202, response_class=Response, openapi_extra=_ANY_BODY)
async def payment_notice(request: Request, gateway: str) -> Response:
    """What a gateway or the bank says of payments."""
    body = await read_body(request)
    declared = GATEWAYS.get(gateway)
    proofs = await _proofs(request, gateway)
    if declared is None or declared.read_notices is None or not proofs:
        raise no_such_sender("payment")
    proving = declared.read_notices, headers_of(request), body, proofs
    notices, shops, may = await asyncio.to_thread(_proven, *proving) if declared.reads_afar else _proven(*proving)
    state = state_of(request)
    state.count_webhook(request, gateway, may)
    now = state.house.clock.now()
    events = [notice_event(notice, gateway=gateway, shops=shops, now=now) for notice in notices]
    new = any(await asyncio.gather(*(state.desk.event(event) for event in events)))
    said = declared.acknowledge(notices, new)
    WEBHOOKS.labels("payment", str(said.status)).inc()
    return Response(said.body, status_code=said.status, media_type=said.media_type)


Proof = tuple[Sequence[str], Sequence[str], Allowance]
"""Secrets that prove a gateway's notices, the shops it may then speak of, and how much it may say."""


async def _proofs(request: Request, gateway: str) -> Sequence[Proof]:
    """The gateway's own settings and the client of its name, whichever there are; none for an unknown sender."""
    state, proofs = state_of(request), list[Proof]()
    if (secrets := state.notice_secrets.get(gateway)) is not None:
        shops = state.house.shops.values()
        named = [one.key for one in shops if gateway in one.payment.gateways.values()]
        proofs.append((secrets, named, state.clients.may))
    if (partner := await partner_of(request, "gateway", gateway)) is not None:
        proofs.append((partner.secrets, partner.shops, partner.may))
    return proofs


def _proven(
    read: ReadNotices, headers: Mapping[str, str], body: bytes, proofs: Sequence[Proof]
) -> tuple[Sequence[Notice], Sequence[str], Allowance]:
    """The notices in ``body`` by the first of ``proofs`` that holds. Raises HttpProblem where none does."""
    reason = SignatureRefused("No such sender.")
    for secrets, shops, may in proofs:
        try:
            return read(headers, body, secrets, datetime.now(UTC)), shops, may
        except SignatureRefused as refusal:
            reason = refusal
        except Unreachable:
            WEBHOOKS.labels("payment", "503").inc()
            raise HttpProblem(
                503, "Not proven yet", "Who signed it cannot be asked now; send it again later."
            ) from None
    raise refused("payment", reason)
