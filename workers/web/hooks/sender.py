"""Who sent a webhook: the client behind a name in the URL, its headers, and how one that proves nothing is refused."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request

from workers.http.signing import ID, SIGNATURE, TIMESTAMP, SignatureRefused
from workers.metrics import WEBHOOKS
from workers.web.answers import HttpProblem
from workers.web.app_state import state_of
from workers.web.clients import Partner

SIGNED: Final[dict[str, Any]] = {
    "parameters": [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
        for name in (ID, TIMESTAMP, SIGNATURE)
    ],
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
}
"""What the published schema says of a webhook signed by Standard Webhooks."""


async def partner_of(request: Request, kind: str, name: str) -> Partner | None:
    """The client of ``kind`` called ``name``; None if there is none."""
    return await state_of(request).clients.partner(kind, name)


def headers_of(request: Request) -> dict[str, str]:
    """Headers by name in lower case; what was sent more than once is joined by a comma and a space."""
    found: dict[str, str] = {}
    for raw_name, raw_value in request.headers.raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def no_such_sender(kind: str) -> HttpProblem:
    """Whoever is not known is refused like one who cannot prove who he is."""
    return refused(kind, SignatureRefused("No such sender."))


def refused(kind: str, reason: SignatureRefused) -> HttpProblem:
    """401, counted."""
    WEBHOOKS.labels(kind, "401").inc()
    return HttpProblem(401, "Signature refused", reason.reason)
