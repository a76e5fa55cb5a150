"""Supplier webhooks: verified over the raw bytes, stored in the inbox, answered 202. Nothing is acted on here."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from pipelines.suppliers.news import SupplierEvent
from workers.http.signed_json import proven
from workers.http.signing import SignatureRefused
from workers.http.signing import check_announced as check_signature
from workers.metrics import WEBHOOKS
from workers.web.app_state import state_of
from workers.web.body import check_announced as check_body
from workers.web.body import parse_told, read_body, takes
from workers.web.hooks.sender import SIGNED, headers_of, no_such_sender, partner_of, refused
from workers.web.shapes import answers
from workers.web.supplier_news import store_news, stored
from workers.web.supplier_shapes import Stored

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])


#: Documents that the published schema describes.
DOCUMENTS = (SupplierEvent,)


@router.post(
    "/suppliers/{supplier}",
    status_code=202,
    responses=answers(s202=Stored, s200=Stored),
    openapi_extra={**SIGNED, **takes(SupplierEvent)},
)
async def supplier_webhook(request: Request, supplier: str) -> Response:
    """News of a warehouse or maker (contract: Supplier webhooks); 413, 401 and 400 in this order. A body whose headers prove
    nothing is not waited for."""
    try:
        check_body(request)
        check_signature(headers_of(request), now=int(datetime.now(UTC).timestamp()))
        body = await read_body(request)
        partner = await partner_of(request, "supplier", supplier)
        if partner is None:
            raise no_such_sender("supplier")
        event_id = proven(headers_of(request), body, partner.secrets, datetime.now(UTC))
    except SignatureRefused as reason:
        raise refused("supplier", reason) from None
    state_of(request).count_webhook(request, partner.id, partner.may)
    raw, fault = parse_told(body)
    new = await store_news(request, raw, supplier=supplier, shops=partner.shops, event_id=event_id, fault=fault)
    answer = stored(new, event_id)
    WEBHOOKS.labels("supplier", str(answer.status_code)).inc()
    return answer
