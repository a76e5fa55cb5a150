"""Webhooks: verify over the raw bytes, store in the inbox, answer 202. Nothing is acted on here."""

from __future__ import annotations

import asyncio
import time

from fastapi import APIRouter, Request
from starlette.responses import Response

from pipelines.engine.inbox import Received, deposit_event
from pipelines.suppliers.news import supplier_event
from workers.http.signing import SignatureRefused, verify
from workers.metrics import WEBHOOKS
from workers.web.answers import HttpProblem, as_json
from workers.web.app_state import state_of
from workers.web.body import parse_json, read_body
from workers.web.clients import Partner

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

_SIGNED = {
    "parameters": [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    ],
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
}


@router.post("/suppliers/{supplier}", status_code=202, openapi_extra=_SIGNED)
async def supplier_webhook(request: Request, supplier: str) -> Response:
    """News of a warehouse or maker (contract: Supplier webhooks)."""
    partner, event_id, raw = await _verified(request, "supplier", supplier)
    now = state_of(request).house.clock.now()
    event = supplier_event(raw, supplier=supplier, shops=partner.shops, event_id=event_id, now=now)
    return await _stored(request, "supplier", event)


@router.post("/payments/{gateway}", status_code=202, openapi_extra=_SIGNED)
async def payment_webhook(request: Request, gateway: str) -> Response:
    """Payment notices; the bank's ``deposit.received`` is signed by Standard Webhooks."""
    partner, event_id, raw = await _verified(request, "gateway", gateway)
    now = state_of(request).house.clock.now()
    event = deposit_event(raw, gateway=gateway, shops=partner.shops, event_id=event_id, now=now)
    return await _stored(request, "payment", event)


async def _verified(request: Request, kind: str, name: str) -> tuple[Partner, str, object]:
    """The partner, the webhook-id and the parsed body; 413, 401 and 400 in this order."""
    raw = await read_body(request)
    clients = state_of(request).clients
    partner = clients.known_partner(kind, name) or await asyncio.to_thread(clients.partner, kind, name)
    try:
        if partner is None:
            raise SignatureRefused("No such sender.")
        names = [key.lower() for key, _ in request.headers.raw if key.lower().startswith(b"webhook-")]
        if len(names) != len(set(names)):
            raise SignatureRefused("A signature header was sent more than once.")
        event_id = verify(partner.secrets, request.headers, raw, now=int(time.time()))
    except SignatureRefused as refused:
        WEBHOOKS.labels(kind, "401").inc()
        raise HttpProblem(401, "Signature refused", refused.reason) from None
    return partner, event_id, parse_json(raw)


async def _stored(request: Request, kind: str, event: Received) -> Response:
    new = await state_of(request).desk.event(event)
    WEBHOOKS.labels(kind, "202" if new else "200").inc()
    return as_json(202 if new else 200, {"id": event.event_id, "status": "stored" if new else "known"})
