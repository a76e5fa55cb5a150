"""Partners: ``/console/partners``: clients with new keys and revocation, suppliers with the last that was heard, events that are
delivered to storefronts. For accounts of every shop alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from models.store import attention, clients, partner_health
from models.store.attention import CountRow
from models.store.clients import ListedRow
from models.store.partner_health import DeliveryRow, HeardRow
from pipelines.engine import announce
from pipelines.errors import Invalid, NotFound
from pipelines.operators import Role
from workers.enrolment import Credentials, revoke_client, rotate_client
from workers.operators import PATH
from workers.web.console.frame import see
from workers.web.console.visit import ConsoleRoute, Visit, visited

router = APIRouter(prefix=f"{PATH}/partners", include_in_schema=False, route_class=ConsoleRoute)

#: For so long the old key counts beside the new one, as by `shukka client rotate`.
GRACE: Final = timedelta(hours=24)


class Partners(NamedTuple):
    """What the page shows; neither keys nor secrets are among it."""

    clients: Sequence[ListedRow]
    heard: Sequence[HeardRow]
    deliveries: Sequence[DeliveryRow]
    circuits: Sequence[CountRow]


@router.get("")
async def read_partners(request: Request) -> Response:
    """All partners."""

    async def shown(visit: Visit) -> Response:
        visit.check_everywhere()
        return await _page(visit)

    return await visited(request, shown)


@router.post("/{kind}/{name}/rotate")
async def rotate(request: Request, kind: str, name: str) -> Response:
    """Give a client a new key and secret, which this one answer shows and nothing shows again."""

    async def rotated(visit: Visit) -> Response:
        visit.check_everywhere(Role.ADMIN)
        await visit.form()

        def change() -> Credentials:
            return rotate_client(visit.house.engine, name, kind, now=visit.now, grace=GRACE)

        try:
            made = await asyncio.to_thread(change)
        except Invalid:
            raise NotFound from None
        await visit.record(visit.did("partners.rotate"))
        return await _page(visit, made)

    return await visited(request, rotated)


@router.post("/{kind}/{name}/revoke")
async def revoke(request: Request, kind: str, name: str) -> Response:
    """Let a client count for nothing from now on, for an admin who typed its name again (``again``)."""

    async def revoked(visit: Visit) -> Response:
        visit.check_everywhere(Role.ADMIN)
        form = await visit.form()
        if form.text("again", 200) != name:
            return await _page(visit, status=422, fault=True)
        try:
            await asyncio.to_thread(lambda: revoke_client(visit.house.engine, name, kind, now=visit.now))
        except Invalid:
            raise NotFound from None
        await visit.record(visit.did("partners.revoke"))
        return see(f"{PATH}/partners")

    return await visited(request, revoked)


async def _page(visit: Visit, made: Credentials | None = None, status: int = 200, *, fault: bool = False) -> Response:
    def look(connection: Connection) -> Partners:
        return Partners(
            [one for one in clients.listed(connection) if one.revoked_at is None],
            partner_health.heard(connection),
            partner_health.deliveries(connection, announce.KIND),
            [one for one in attention.counts(connection, visit.now) if one.what == "circuit"],
        )

    return visit.show(
        "partners",
        status,
        partners=await visit.read(look),
        made=made,
        fault=fault,
        acts=visit.is_everywhere(Role.ADMIN),
        now=visit.now,
    )
