"""One order, whole: ``/console/orders/{shop}/{number}``, its mails as they went out, and notes about it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from secrets import token_hex
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from models.mail_packing import unpack
from models.store import mails, operator_acts, orders
from models.store.mails import KeptMailRow
from models.store.operator_acts import ActRow, NoteRow
from pipelines.carriers import carrier
from pipelines.documents.issue import listed
from pipelines.documents.kinds import OF_AN_ORDER
from pipelines.engine.facts import Facts
from pipelines.errors import NotFound
from pipelines.operators import Role
from pipelines.orders.act import Possible, possible, standing
from pipelines.shops import Shop
from pipelines.values.card_number import mask
from workers.operators import PATH
from workers.web.api.views import show_order
from workers.web.console.frame import FRAMED, see
from workers.web.console.timeline import KINDS, timeline
from workers.web.console.visit import ConsoleRoute, Visit, visited

router = APIRouter(prefix=f"{PATH}/orders", include_in_schema=False, route_class=ConsoleRoute)

_LONGEST_NOTE: Final = 4_000


@dataclass(frozen=True, slots=True)
class Story:
    """An order as the console shows it."""

    shown: dict[str, Any]
    facts: Facts
    possible: list[Possible]
    notes: list[NoteRow]
    acts: list[ActRow]
    documents: list[dict[str, Any]]


def order_path(shop: str, number: str) -> str:
    """Where the console shows an order."""
    return f"{PATH}/orders/{quote(shop, safe='')}/{quote(number, safe='')}"


def story_of(connection: Connection, visit: Visit, shop: Shop, number: str) -> Story:
    """All that is known of an order. Raises NotFound."""
    shown = show_order(connection, shop.key, number, visit.now, visit.language, profile=shop, inside=True)
    facts = standing(connection, shop.key, number, visit.now)
    if shown is None or facts is None:
        raise NotFound
    return Story(
        shown,
        facts,
        possible(facts, shop, visit.now),
        operator_acts.notes_of(connection, facts.id),
        operator_acts.of_order(connection, facts.id),
        listed(connection, shop, number, visit.now, OF_AN_ORDER),
    )


@router.get("/{shop}/{number}")
async def read_order(request: Request, shop: str, number: str) -> Response:
    """The order with everything that stands behind it."""

    async def shown(visit: Visit) -> Response:
        profile = visit.shop(shop)
        story: Story = await visit.read(lambda connection: story_of(connection, visit, profile, number))
        kind = request.query_params.get("kind", "")
        return visit.show(
            "order",
            path=order_path(shop, number),
            order=story.shown,
            version=story.facts.version,
            profile=profile,
            possible=[one for one in story.possible if not one.refusals],
            impossible=[one for one in story.possible if one.refusals],
            names={one.action.name: one.action.label for one in story.possible},
            entries=timeline(story.shown, story.notes, story.acts, visit.language, kind),
            kinds=KINDS,
            kind=kind if kind in KINDS else "",
            documents=story.documents,
            carrier=lambda name: _carrier(name, visit.language),
            once=token_hex(16),
            acts=visit.may(shop, Role.OPERATOR),
            done=request.query_params.get("done", ""),
        )

    return await visited(request, shown)


def _carrier(name: str | None, language: str) -> str:
    """What readers call a carrier; one that is not known, as it is."""
    known = carrier(name) if name else None
    return known.called(language) if known else name or ""


@router.get("/{shop}/{number}/news")
async def read_news(request: Request, shop: str, number: str) -> Response:
    """A bar that says so where the order is no longer what the page shows (``?version=``); nothing (204) where it is."""

    async def told(visit: Visit) -> Response:
        visit.shop(shop)
        row = await visit.read(lambda connection: orders.by_number(connection, shop, number))
        if row is None:
            raise NotFound
        if str(row.version) == request.query_params.get("version"):
            return Response(status_code=204)
        return visit.show("news", path=order_path(shop, number))

    return await visited(request, told)


@router.post("/{shop}/{number}/notes")
async def add_note(request: Request, shop: str, number: str) -> Response:
    """Note something about the order, for colleagues; the same form again adds nothing."""

    async def noted(visit: Visit) -> Response:
        visit.shop(shop, Role.OPERATOR)
        form = await visit.form()
        text, key = mask(form.text("text", _LONGEST_NOTE)), form.text("once")

        def keep() -> None:
            with visit.house.engine.begin() as connection:
                row = orders.by_number(connection, shop, number)
                if row is None:
                    raise NotFound
                if text and key:
                    note = NoteRow(row.id, visit.name, text, f"{visit.account}:{key}", visit.now)
                    operator_acts.add_note(connection, [note])

        await asyncio.to_thread(keep)
        return see(f"{order_path(shop, number)}#timeline")

    return await visited(request, noted)


@router.get("/{shop}/{number}/mails/{mail}")
async def read_mail(request: Request, shop: str, number: str, mail: int) -> Response:
    """A mail as its reader saw it: heads and text here, its HTML in a frame that may do nothing."""

    async def shown(visit: Visit) -> Response:
        row, message = await _mail(visit, shop, number, mail)
        plain = message.get_body(("plain",)) if message is not None else None
        return visit.show(
            "mail",
            path=order_path(shop, number),
            number=number,
            mail=row,
            id=mail,
            subject=str(message["Subject"]) if message is not None else "",
            sender=str(message["From"]) if message is not None else "",
            text=plain.get_content() if plain is not None else "",
            has_html=message is not None and message.get_body(("html",)) is not None,
        )

    return await visited(request, shown)


@router.get("/{shop}/{number}/mails/{mail}/html")
async def read_mail_html(request: Request, shop: str, number: str, mail: int) -> Response:
    """The HTML of a mail, for the frame."""

    async def shown(visit: Visit) -> Response:
        _, message = await _mail(visit, shop, number, mail)
        html = message.get_body(("html",)) if message is not None else None
        if html is None:
            raise NotFound
        return Response(html.get_content(), media_type="text/html; charset=utf-8", headers=FRAMED)

    return await visited(request, shown)


async def _mail(visit: Visit, shop: str, number: str, mail: int) -> tuple[KeptMailRow, EmailMessage | None]:
    """A mail about the order, and what it says, None where that is no longer kept. Raises NotFound."""
    visit.shop(shop)

    def look(connection: Connection) -> KeptMailRow | None:
        row = orders.by_number(connection, shop, number)
        return mails.kept(connection, row.id, mail) if row is not None else None

    found: KeptMailRow | None = await visit.read(look)
    if found is None:
        raise NotFound
    return found, message_from_bytes(unpack(found.packed), policy=policy.default) if found.packed else None
