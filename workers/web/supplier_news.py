"""The one way in for what suppliers say, whether it was proven by a signature, a key or a link: stored in the inbox, answered
202. Nothing is acted on here."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Request
from starlette.responses import Response

from pipelines.suppliers.news import supplier_event
from pipelines.values.card_number import mask
from workers.web.answers import as_json
from workers.web.app_state import state_of


async def store_news(
    request: Request, raw: object, *, supplier: str, shops: Sequence[str], event_id: str, fault: str | None = None
) -> bool:
    """Store what ``supplier`` said of shipments of ``shops`` (empty: every shop); False if it was known already. ``fault``: why it
    cannot be acted on."""
    state = state_of(request)
    now = state.house.clock.now()
    event = supplier_event(raw, supplier=supplier, shops=shops, event_id=event_id, now=now, fault=fault)
    return await state.desk.event(event)


def stored(new: bool, event_id: str) -> Response:
    """202 for what was stored, 200 for what was known."""
    return as_json(202 if new else 200, {"id": mask(event_id), "status": "stored" if new else "known"})
