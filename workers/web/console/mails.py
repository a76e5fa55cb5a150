"""Mails: ``/console/mails``: every template of a shop as a sample, in both languages, and the addresses that get no more mail."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from secrets import token_hex
from typing import Final

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from models.store import bounces, operators, suppressions
from models.store.mails import SEND
from models.store.suppressions import ReleasedRow, StandingRow
from pipelines.engine.run import DueMail, queue_mails
from pipelines.errors import NotFound
from pipelines.operators import Role
from pipelines.review.queue import named
from templates_mail import LOCALES
from workers.mail.preview import intended, raw
from workers.mail.samples import TEMPLATES
from workers.operators import PATH
from workers.web.console.frame import FRAMED, see
from workers.web.console.visit import ConsoleRoute, Visit, visited

router = APIRouter(prefix=f"{PATH}/mails", include_in_schema=False, route_class=ConsoleRoute)

#: How wide a sample is shown.
DESK: Final = "desk"
WIDTHS: Final = (DESK, "phone")


@router.get("")
async def read_templates(request: Request) -> Response:
    """The templates of a shop: ``?shop=``."""

    async def shown(visit: Visit) -> Response:
        asked = request.query_params.get("shop", "")
        shop = visit.shop(asked or next(iter(visit.shops), ""))
        return visit.show("mails", shop=shop.key, templates=sorted(TEMPLATES), locale=visit.language)

    return await visited(request, shown)


@router.get("/samples/{shop}/{template}/{locale}")
async def read_sample(request: Request, shop: str, template: str, locale: str) -> Response:
    """A sample as its reader would see it: ``?width=``."""

    async def shown(visit: Visit) -> Response:
        message = await _sample(visit, shop, template, locale)
        plain = message.get_body(("plain",))
        width = request.query_params.get("width", "")
        return visit.show(
            "sample",
            shop=shop,
            about=template,
            locale=locale,
            locales=LOCALES,
            widths=WIDTHS,
            width=width if width in WIDTHS else DESK,
            subject=str(message["Subject"]),
            sender=str(message["From"]),
            text=plain.get_content() if plain is not None else "",
            mine=await asyncio.to_thread(_mine, visit),
            acts=visit.may(shop, Role.OPERATOR),
            once=token_hex(16),
            done=request.query_params.get("done", ""),
        )

    return await visited(request, shown)


@router.get("/samples/{shop}/{template}/{locale}/html")
async def read_sample_html(request: Request, shop: str, template: str, locale: str) -> Response:
    """The HTML of a sample, for the frame."""

    async def shown(visit: Visit) -> Response:
        html = (await _sample(visit, shop, template, locale)).get_body(("html",))
        if html is None:
            raise NotFound
        return Response(html.get_content(), media_type="text/html; charset=utf-8", headers=FRAMED)

    return await visited(request, shown)


@router.post("/samples/{shop}/{template}/{locale}")
async def send_sample(request: Request, shop: str, template: str, locale: str) -> Response:
    """Send a sample to the operator's own address, as any mail is sent; the same form again sends nothing. Its links open nothing."""

    async def sent(visit: Visit) -> Response:
        profile = visit.shop(shop, Role.OPERATOR)
        form = await visit.form()
        to = await asyncio.to_thread(_mine, visit)
        if template not in TEMPLATES or locale not in LOCALES or to is None:
            raise NotFound
        key = f"sample:{visit.account}:{form.text('once')}"
        intent = replace(intended(profile, template, locale), to=to, to_name=visit.name, subject_key=key, shipment=None)

        def queue() -> None:
            with visit.house.engine.begin() as connection:
                queue_mails(connection, visit.house.renderer.unlinked(), [DueMail(shop, intent)], visit.now)

        await asyncio.to_thread(queue)
        await visit.record(visit.did("mails.sample"))
        await asyncio.to_thread(visit.house.bell.ring, effects={SEND})
        return see(f"{PATH}/mails/samples/{shop}/{template}/{locale}?done=1")

    return await visited(request, sent)


@router.get("/addresses")
async def read_addresses(request: Request) -> Response:
    """The addresses of the visitor's shops that get no more mail, the newest first."""

    async def shown(visit: Visit) -> Response:
        def look(connection: Connection) -> list[StandingRow]:
            return suppressions.standing(connection, visit.shops)

        rows: list[StandingRow] = await visit.read(look)
        acts = visit.shops_with(Role.OPERATOR)
        return visit.show("addresses", rows=rows, acts=acts, done=request.query_params.get("done", ""))

    return await visited(request, shown)


@router.post("/addresses/{suppression}")
async def release(request: Request, suppression: int) -> Response:
    """Let an address have mails again; what bounced there counts as seen to."""

    async def released(visit: Visit) -> Response:
        shops = visit.seen(Role.OPERATOR).shops or visit.shops
        await visit.form()

        def let_go() -> list[ReleasedRow]:
            with visit.house.engine.begin() as connection:
                return suppressions.release(connection, shops, visit.name, number=suppression)

        if not await asyncio.to_thread(let_go):
            raise NotFound
        await visit.record(visit.did("mails.release"))
        return see(f"{PATH}/mails/addresses?done=1")

    return await visited(request, released)


@router.post("/bounces/{bounce}")
async def dismiss(request: Request, bounce: int) -> Response:
    """Say that a mail that did not arrive was seen to; its address stays suppressed."""

    async def dismissed(visit: Visit) -> Response:
        seen = visit.seen(Role.OPERATOR)
        await visit.form()

        def keep() -> int | None:
            with visit.house.engine.begin() as connection:
                item = named(connection, visit.now, "bounce", str(bounce), seen)
                bounces.dismiss(connection, bounce, visit.name)
                return item.row.order_id

        await visit.record(visit.did("mails.dismiss", order_id=await asyncio.to_thread(keep)))
        return see(f"{PATH}/review?kind=bounce")

    return await visited(request, dismissed)


def _mine(visit: Visit) -> str | None:
    """Where the visitor has mail."""
    with visit.house.engine.begin() as connection:
        account = operators.by_id(connection, visit.account)
    return account.mail if account is not None else None


async def _sample(visit: Visit, shop: str, template: str, locale: str) -> EmailMessage:
    """Raises NotFound. Its links open nothing."""
    profile = visit.shop(shop)
    if template not in TEMPLATES or locale not in LOCALES:
        raise NotFound
    sent = await asyncio.to_thread(raw, visit.house.renderer.unlinked(), profile, template, locale)
    return message_from_bytes(sent, policy=policy.default)
