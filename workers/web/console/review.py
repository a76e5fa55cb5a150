"""What waits for a human: ``/console/review``: the one queue with its filters, one thing with its small forms, and one act on many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from models.states import HoldReason
from models.store import review
from pipelines.doors import read
from pipelines.errors import Invalid, NotFound
from pipelines.operators import Role
from pipelines.orders.act import Possible, action_named, possible, standing
from pipelines.orders.action import About
from pipelines.review import desk
from pipelines.review.desk import ReviewAct, ReviewAssign, ReviewNoteDocument
from pipelines.review.kinds import ASSIGN, DISMISS, OWN, POSTED, RETRY
from pipelines.review.queue import Item, Seen, named, page
from pipelines.values.card_number import mask
from workers.operators import PATH
from workers.web.api.views import show_order
from workers.web.app_state import state_of
from workers.web.console.causes import item_in
from workers.web.console.fields import Field, fields_of, request_of
from workers.web.console.frame import see
from workers.web.console.order import order_path
from workers.web.console.visit import ConsoleRoute, Visit, visited
from workers.web.pages.forms import Form
from workers.web.query import query_of
from workers.web.review_desk import act

router = APIRouter(prefix=f"{PATH}/review", include_in_schema=False, route_class=ConsoleRoute)

#: Acts on many that are no choice of any: who has them.
_MINE, _NOBODYS = "mine", "nobodys"
RETURN, BOUNCE, MAIL = "return", "bounce", "mail"
_LONGEST_KIND: Final = 32
_LONGEST_KEY: Final = 200
#: The small forms of choices that are no actions of orders: their fields.
_FORMS: Final[Mapping[str, Sequence[Field]]] = {
    RETRY: (),
    POSTED: (),
    ASSIGN: (
        Field("shop", "shop", "text", is_needed=True, longest=64),
        Field("number", "number", "text", is_needed=True, longest=64),
    ),
    DISMISS: (Field("reason", "reason", "text", is_needed=True, longest=500),),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A small form of one thing: where it goes, its fields, and the return that it is about."""

    name: str
    path: str
    fields: Sequence[Field]
    about: str = ""


@router.get("")
async def read_queue(request: Request) -> Response:
    """The queue, the longest waiting first: ``?kind=&shop=&reason=&assigned=&cursor=``."""

    async def shown(visit: Visit) -> Response:
        try:
            asked = desk.query_asked({name: text for name, text in query_of(request).items() if name != "lang"})
            seen = Seen((visit.shop(asked.shop).key,)) if asked.shop is not None else visit.seen()

            def look(connection: Connection) -> tuple[list[Item], str | None]:
                return page(connection, visit.now, asked.which, seen, cursor=asked.cursor, limit=asked.limit)

            items, following = await visit.read(look)
        except Invalid:
            raise NotFound from None
        offers = _offers(items)
        chosen = {name: value or "" for name, value in asked.model_dump(exclude={"cursor", "limit"}).items()}
        return visit.show(
            "review",
            items=[item_in(item, visit.language) for item in items],
            more=urlencode({**chosen, "cursor": following}) if following else "",
            chosen=chosen,
            kinds=review.KINDS,
            reasons=sorted(HoldReason),
            nobody=review.NOBODY,
            offers=offers,
            names=_names(offers, visit.language),
            may_act={item.row.key for item in items if _may_act(visit, item)},
            once=token_hex(16),
        )

    return await visited(request, shown)


@router.get("/one")
async def read_one(request: Request) -> Response:
    """One thing that waits, with what may safely be done about it: ``?kind=&key=``."""

    async def shown(visit: Visit) -> Response:
        kind, key = (request.query_params.get(name, "") for name in ("kind", "key"))

        def look(connection: Connection) -> tuple[Item, list[Choice]]:
            item = named(connection, visit.now, kind, key, visit.seen())
            return item, _choices(connection, visit, item) if _may_act(visit, item) else []

        item, choices = await visit.read(look)
        row = item.row
        return visit.show(
            "review_one",
            item=item_in(item, visit.language),
            choices=choices,
            acts=_may_act(visit, item),
            order=order_path(row.shop, row.number) if row.shop and row.order_id else "",
            names=_names([one.name for one in choices], visit.language),
            once=token_hex(16),
            done=request.query_params.get("done", ""),
        )

    return await visited(request, shown)


@router.post("/act")
async def act_on_many(request: Request) -> Response:
    """One act on all that were ticked (``item.N`` = ``kind key``), each with its own answer."""

    async def acted(visit: Visit) -> Response:
        form = await visit.form()
        seen, what = visit.seen(Role.OPERATOR), form.text("action")
        picked = [_pair(text) for name, text in sorted(form.fields.items()) if name.startswith("item.")]
        if not picked or not what:
            return visit.show("review_acted", 422, results=[], what=what, back=_back(form))
        try:
            if what in (_MINE, _NOBODYS):
                results = await _assign_all(visit, picked, seen, visit.name if what == _MINE else None)
            else:
                results = await _act_on_all(visit, form, picked, seen)
        except Invalid:
            return visit.show("review_acted", 422, results=[], what=what, back=_back(form))
        return visit.show("review_acted", results=results, what=what, back=_back(form))

    return await visited(request, acted)


@router.post("/assign")
async def assign_one(request: Request) -> Response:
    """Let an operator look at it: ``operator``, empty for nobody."""

    def change(connection: Connection, visit: Visit, form: Form) -> Item:
        told = {"kind": form.text("kind"), "key": form.text("key", 200), "operator": form.text("operator") or None}
        return desk.assign(connection, visit.now, read(ReviewAssign, told), visit.seen(Role.OPERATOR))

    return await _changed(request, "review.assign", change)


@router.post("/note")
async def note_one(request: Request) -> Response:
    """Write something down about it, for good."""

    def change(connection: Connection, visit: Visit, form: Form) -> Item:
        told = {"kind": form.text("kind"), "key": form.text("key", 200), "says": mask(form.text("says", 2_000))}
        asked = read(ReviewNoteDocument, told)
        return desk.write_down(connection, visit.now, asked, visit.name, visit.seen(Role.OPERATOR))

    return await _changed(request, "review.note", change)


async def _changed(request: Request, what: str, change: Callable[[Connection, Visit, Form], Item]) -> Response:
    async def changed(visit: Visit) -> Response:
        form = await visit.form()

        def keep() -> Item:
            with visit.house.engine.begin() as connection:
                return change(connection, visit, form)

        try:
            item = await asyncio.to_thread(keep)
        except Invalid:
            raise NotFound from None
        await visit.record(visit.did(what, order_id=item.row.order_id))
        return see(f"{one_path(item.row.kind, item.row.key)}&done={what}")

    return await visited(request, changed)


def one_path(kind: str, key: str) -> str:
    """Where the console shows one thing that waits."""
    return f"{PATH}/review/one?{urlencode({'kind': kind, 'key': key})}"


async def _act_on_all(
    visit: Visit, form: Form, picked: Sequence[tuple[str, str]], seen: Seen
) -> Sequence[Mapping[str, Any]]:
    """What came of a choice, by thing. Raises Invalid for a request that is none."""
    what = form.text("action")
    items = [{"kind": kind, "key": key} for kind, key in picked]
    asked = read(ReviewAct, {"items": items, "action": what, "body": _body(what, form)})
    orders = await visit.read(lambda connection: [_order_of(connection, visit, *one, seen) for one in picked])
    key = f"{visit.account}:{form.text('once')}" if form.text("once") else None
    results = await act(state_of(visit.request), visit.asker, seen, asked, key, visit.language)
    for order_id, result in zip(orders, results, strict=True):
        await visit.record(visit.did(what, "done" if result["status"] < 300 else "refused", order_id))
    return results


async def _assign_all(
    visit: Visit, picked: Sequence[tuple[str, str]], seen: Seen, operator: str | None
) -> Sequence[Mapping[str, Any]]:
    def keep() -> Sequence[Mapping[str, Any]]:
        with visit.house.engine.begin() as connection:
            return [
                _assigned(connection, visit, ReviewAssign(kind=k, key=w, operator=operator), seen) for k, w in picked
            ]

    results = await asyncio.to_thread(keep)
    await visit.record(visit.did("review.assign"))
    return results


def _assigned(connection: Connection, visit: Visit, asked: ReviewAssign, seen: Seen) -> Mapping[str, Any]:
    told = {"kind": asked.kind, "key": asked.key}
    try:
        desk.assign(connection, visit.now, asked, seen)
    except NotFound:
        return {**told, "status": 404}
    return {**told, "status": 200}


def _order_of(connection: Connection, visit: Visit, kind: str, key: str, seen: Seen) -> int | None:
    try:
        return named(connection, visit.now, kind, key, seen).row.order_id
    except NotFound:
        return None


def _body(what: str, form: Form) -> Mapping[str, Any]:
    if what in _FORMS:
        return {field.name: text for field in _FORMS[what] if (text := form.text(field.name, 500))}
    return request_of(action_named(what), form.fields)


def _choices(connection: Connection, visit: Visit, item: Item) -> list[Choice]:
    """The small forms of one thing: those of an order's actions go by their page, which shows first what they would do."""
    row = item.row
    own = [Choice(name, f"{PATH}/review/act", _FORMS[name]) for name in item.choices if name in OWN]
    of_order = row.kind == RETURN or set(item.choices) - OWN
    return [*own, *_choices_of_order(connection, visit, item)] if of_order else own


def _choices_of_order(connection: Connection, visit: Visit, item: Item) -> list[Choice]:
    row = item.row
    assert row.shop is not None
    assert row.number is not None
    shop = visit.shop(row.shop)
    shown = show_order(connection, row.shop, row.number, visit.now, visit.language, profile=shop, inside=True)
    facts = standing(connection, row.shop, row.number, visit.now)
    if shown is None or facts is None:
        return []
    given = _given(item, shown)
    path = f"{order_path(row.shop, row.number)}/act/"
    return [
        Choice(one.action.name, path + one.action.name, fields_of(one.action, shop, shown, given), about)
        for one, about in _possible(possible(facts, shop, visit.now), item)
    ]


def _given(item: Item, shown: Mapping[str, Any]) -> Mapping[str, str]:
    """What its forms begin with: the shipment that is held, the mail that did not arrive."""
    if item.hold is not None:
        return {"shipment": item.hold.shipment} if item.hold.shipment is not None else {}
    if item.row.kind == MAIL:
        return {"mail": item.row.key}
    bounced = [str(one["id"]) for one in shown["mails"] if one["state"] == "bounced"]
    return {"mail": bounced.pop()} if item.row.kind == BOUNCE and bounced else {}


def _possible(found: Sequence[Possible], item: Item) -> Iterator[tuple[Possible, str]]:
    """Of what is possible now what answers ``item``, its most fitting first; with the return that it is about."""
    open_ = [one for one in found if not one.refusals]
    if item.row.kind == RETURN:
        yield from ((one, item.row.key) for one in open_ if one.about == item.row.key)
        return
    for name in item.choices:
        for one in (one for one in open_ if one.action.name == name):
            if one.action.about == About.RETURN:
                yield one, one.about or ""
            elif one.about is None or item.hold is None or item.hold.shipment in (None, one.about):
                yield one, ""


def _offers(items: Sequence[Item]) -> list[str]:
    """What may be asked of several of ``items`` at once: choices whose requests need nothing but a reason."""
    names = dict.fromkeys(name for item in items for name in item.choices)
    return [name for name in names if name in (RETRY, POSTED) or (name not in _FORMS and _is_plain(name))]


def _names(choices: Sequence[str], language: str) -> Mapping[str, str]:
    """What those of the choices are called that are actions of orders."""
    return {one: action_named(one).label.says(language) for one in choices if one not in _FORMS}


def _is_plain(name: str) -> bool:
    needed = {field for field, one in action_named(name).model.model_fields.items() if one.is_required()}
    return needed <= {"shipment", "reason"}


def _may_act(visit: Visit, item: Item) -> bool:
    shop = item.row.shop
    return visit.is_everywhere(Role.OPERATOR) or (shop is not None and visit.may(shop, Role.OPERATOR))


def _pair(text: str) -> tuple[str, str]:
    kind, _, key = text.partition(" ")
    return kind[:_LONGEST_KIND], key[:_LONGEST_KEY]


def _back(form: Form) -> str:
    kind = form.text("from")
    return f"{PATH}/review?{urlencode({'kind': kind})}" if kind in review.KINDS else f"{PATH}/review"
