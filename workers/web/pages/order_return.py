"""Where a customer asks for a return: ``/o/{token}/return``. What may come back until when, what it gives back, and then sending it.

The form is looked at first and sent then, with what was looked at in it: nothing is opened before, and a second click opens nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from hashlib import sha256
from secrets import token_hex
from typing import Any, Final, get_args

from fastapi import APIRouter, Request
from starlette.responses import Response

from models.return_photo import MOST_PHOTOS
from models.store import return_photos
from models.store.return_photos import PhotoRow
from pipelines.changes.coming_back import sold_of
from pipelines.engine.draft import OrderDraft
from pipelines.errors import Conflict, Invalid, NotFound, Problem
from pipelines.orders.actions import open_return
from pipelines.rules.explain import says
from pipelines.rules.returns.case import Judgement, LineJudgement, Reason, Remedy, Sold
from pipelines.rules.returns.judge import judge, options
from pipelines.shops.returning import ReturnCondition
from workers.patience import patiently
from workers.web.pages import forms
from workers.web.pages.forms import Form
from workers.web.pages.html import to
from workers.web.pages.multipart import read_form_with_files
from workers.web.pages.order_visit import OrderVisit, answered
from workers.web.pages.photos import MOST_PHOTO_BYTES, BadPhoto, redrawn

router = APIRouter(prefix="/o", include_in_schema=False)

#: Reasons of which a picture tells something.
_SEEN: Final = frozenset({Reason.DEFECT, Reason.WRONG_ITEM, Reason.DAMAGED, Reason.NOT_AUTHENTIC})
_MOST_PIECES: Final = 9_999


@router.get("/{token}/return")
async def choose(request: Request, token: str) -> Response:
    """What may come back, and the form that asks for it."""

    async def shown(visit: OrderVisit) -> Response:
        return _form(visit)

    return await answered(request, token, shown)


@router.post("/{token}/return")
async def look_at(request: Request, token: str) -> Response:
    """What was chosen, judged: what it gives back, and until when; stores nothing."""

    async def looked(visit: OrderVisit) -> Response:
        form = await forms.read_form(request)
        asked = _asked(form)
        if asked is None:
            return _form(visit, 422, form=form, fault="return_nothing")
        if form.text("act") == "change":
            return _form(visit, form=form)
        return _summary(visit, form, asked)

    return await answered(request, token, looked)


@router.get("/{token}/return/send")
async def choose_again(request: Request, token: str) -> Response:
    """The form, for whoever loads anew where a return was sent."""

    async def seen(visit: OrderVisit) -> Response:
        return to(f"{visit.path}/return?lang={visit.language}")

    return await answered(request, token, seen)


@router.post("/{token}/return/send")
async def send(request: Request, token: str) -> Response:
    """Open the return that was looked at, with its pictures, once."""

    async def sent(visit: OrderVisit) -> Response:
        form, files = await read_form_with_files(request, MOST_PHOTOS * MOST_PHOTO_BYTES)
        asked = _asked(form)
        if asked is None:
            return _form(visit, 422, form=form, fault="return_nothing")
        try:
            pictures = await asyncio.to_thread(redrawn, [one.content for one in files])
            once = sha256(form.text("once").encode()).hexdigest()
            await _open(visit, asked, once, pictures)
        except BadPhoto as refused:
            return _summary(visit, form, asked, 422, fault=refused.why)
        except (Conflict, Invalid):
            return _summary(visit, form, asked, 409)  # it moved on since it was looked at: the answer is on the page
        return visit.back("return")

    return await answered(request, token, sent)


async def _open(visit: OrderVisit, asked: open_return.ReturnAsked, once: str, pictures: Sequence[bytes]) -> None:
    """The pictures first: a return that is there has them, and a form that is sent again brings them again."""
    house = visit.state.house

    def keep(again: bool, return_id: str) -> None:
        with house.engine.begin() as connection:
            rows = [
                PhotoRow(return_id, place, visit.facts.id, image, visit.now) for place, image in enumerate(pictures, 1)
            ]
            return_photos.add(connection, rows)

    async def first(return_id: str) -> None:
        if pictures:
            await asyncio.to_thread(patiently, lambda again: keep(again, return_id))

    await visit.ask(open_return.ACTION, asked, once, before=first)


def _asked(form: Form) -> open_return.ReturnAsked | None:
    """What the form asks for; None where nothing is chosen, or what no form of ours says."""
    remedy = form.text("remedy") or None
    lines = list(_chosen(form, remedy))
    try:
        return open_return.ACTION.read({"lines": lines}) if lines else None
    except Invalid:
        return None


def _chosen(form: Form, remedy: str | None) -> Iterator[dict[str, Any]]:
    for name in form.fields:
        kind, _, line = name.partition(":")
        pieces = form.text(name)
        if kind != "pieces" or not (pieces.isascii() and pieces.isdigit()) or not 0 < int(pieces) <= _MOST_PIECES:
            continue
        condition = [one for one in get_args(ReturnCondition) if form.text(f"is:{one}:{line}")]
        yield {
            "line": line,
            "quantity": int(pieces),
            "reason": form.text(f"reason:{line}"),
            "condition": condition,
            "remedy": remedy,
        }


def _sold(visit: OrderVisit) -> Sold:
    """The order as the rules see it, their sentences in the page's language."""
    sold = sold_of(OrderDraft(visit.facts), visit.shop)
    return replace(sold, order=replace(sold.order, locale=visit.language))


def _form(visit: OrderVisit, status: int = 200, *, form: Form | None = None, fault: str = "") -> Response:
    found = options(_sold(visit), visit.shop, visit.now)
    if not found and status == 200:
        raise NotFound
    names = {line["line"]: line["name"] for line in visit.facts.document["lines"]}
    by_line: dict[str, list[LineJudgement]] = {}
    for one in found:
        by_line.setdefault(one.line, []).append(one)
    remedies = dict.fromkeys(remedy for one in found if one.allowed for remedy in one.remedies)
    return visit.show(
        "order_return",
        status,
        switch=f"{visit.path}/return",
        fault=fault,
        lines=[_choice(line, names[line], judged) for line, judged in by_line.items()],
        remedies=list(remedies),
        conditions=_conditions(visit),
        chosen=form.fields if form else {},
    )


def _choice(line: str, name: str, judged: Sequence[LineJudgement]) -> dict[str, Any]:
    """A line as the form offers it: the reasons that may be said, and why the others may not."""
    allowed = [one for one in judged if one.allowed]
    return {
        "line": line,
        "name": name,
        "left": max(one.quantity for one in judged),
        "reasons": [{"reason": one.reason, "until": one.apply_by, "cost_on": one.cost_on} for one in allowed],
        "refused": [{"reason": one.reason, "says": [b.says for b in one.because]} for one in judged if not one.allowed],
    }


def _conditions(visit: OrderVisit) -> list[tuple[str, str]]:
    """What the shop's terms ask about the goods, in words."""
    asked = {one for terms in visit.shop.returns.published for one in terms.refused_conditions}
    asked |= {one for terms in visit.shop.returns.published for one in terms.required_conditions}
    return [(one, says(f"return.is.{one}", visit.language)) for one in get_args(ReturnCondition) if one in asked]


def _summary(
    visit: OrderVisit, form: Form, asked: open_return.ReturnAsked, status: int = 200, *, fault: str = ""
) -> Response:
    """What comes of what is asked; sent from here where all of it may be."""
    judged = judge(_sold(visit), visit.shop, open_return.asked_lines(asked), visit.now)
    several = len({one.remedy for one in judged.lines if one.allowed}) > 1
    may = not judged.problems and not several and all(one.allowed for one in judged.lines)
    names = {line["line"]: line["name"] for line in visit.facts.document["lines"]}
    rules = visit.shop.returns
    return visit.show(
        "order_return_sum",
        status if may or status != 200 else 422,
        switch=f"{visit.path}/return",
        fault=fault,
        may=may,
        several=several,
        problems=list(_problems(judged.problems)),
        lines=[_line(one, names.get(one.line, "")) for one in judged.lines],
        gives=judged.settlement if may else None,
        refunds=any(one.remedy == Remedy.REFUND for one in judged.lines),
        remedy=next((one.remedy for one in judged.lines if one.remedy), None),
        goods_by=_goods_by(judged),
        cost_on="shop" if all(one.cost_on == "shop" for one in judged.lines) else "customer",
        is_approved=all(one.approve == "automatic" for one in judged.lines),
        answer_days=rules.answer_days,
        address=rules.address,
        photos=any(one.reason in _SEEN for one in judged.lines),
        hidden=_hidden(form),
        once=token_hex(8),
    )


def _line(one: LineJudgement, name: str) -> dict[str, Any]:
    because = list(dict.fromkeys(reason.says for reason in one.because))
    return {"name": name, "quantity": one.quantity, "reason": one.reason, "allowed": one.allowed, "because": because}


def _problems(found: Sequence[Problem]) -> Iterator[str]:
    """Words of the page for what is wrong, each once; too many pieces are told by the line's own sentence."""
    words = {"line": "return_line", "quantity": "return_quantity", "remedy": "return_remedy"}
    yield from dict.fromkeys(words.get(one.field.rpartition(".")[2], "wrong") for one in found)


def _goods_by(judged: Judgement) -> date | None:
    return min((one.goods_by for one in judged.lines if one.goods_by), default=None)


def _hidden(form: Form) -> Mapping[str, str]:
    """What was chosen, to be sent on."""
    kept = ("pieces:", "reason:", "is:", "remedy")
    return {name: value[:64] for name, value in form.fields.items() if name.startswith(kept) and value}
