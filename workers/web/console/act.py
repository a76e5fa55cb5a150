"""Acting on an order: ``/console/orders/{shop}/{number}/act/{action}``: its form, what it would do, and then doing it.

All three are made of the action's declaration. What would happen is the stage's own decision; the form that does it carries the
order's version and what was shown, and whoever comes later than a colleague is told so.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from models.store import operator_acts
from models.store.operator_acts import ActRow, NewActRow
from pipelines.errors import Conflict, Invalid, NotFound
from pipelines.operators import Role
from pipelines.orders.act import Asking, action_named, actions, look, preview, standing
from pipelines.orders.action import About, Action
from pipelines.orders.foreseen import Foreseen, foreseen
from pipelines.rules.explain import Sentence
from pipelines.shops import Shop
from workers.operators import PATH
from workers.web.api.views import show_order
from workers.web.app_state import state_of
from workers.web.console.fields import field_at, fields_of, names_of, request_of
from workers.web.console.frame import see
from workers.web.console.order import order_path
from workers.web.console.visit import ConsoleRoute, Visit, visited
from workers.web.pages.forms import Form

router = APIRouter(prefix=f"{PATH}/orders", include_in_schema=False, route_class=ConsoleRoute)


@dataclass(frozen=True, slots=True)
class Desk:
    """An operator before the form of one action on one order."""

    visit: Visit
    shop: Shop
    number: str
    action: Action[Any]
    about: str | None = None
    """The return that it is about, of an action about one."""

    @property
    def path(self) -> str:
        """Where the form is."""
        return f"{order_path(self.shop.key, self.number)}/act/{self.action.name}"

    def asking(self, typed: Mapping[str, str], key: str) -> Asking:
        """The request that was typed. Raises Invalid."""
        asked = self.action.read(request_of(self.action, typed))
        return Asking(self.action, self.shop.key, self.number, asked, self.visit.asker, key, self.about)


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a request would do to the order as it stands at ``version``, after ``acts`` of operators: not every one moves the version."""

    order_id: int
    version: int
    rows: Sequence[Foreseen]
    acts: Sequence[ActRow]

    @property
    def digest(self) -> str:
        """The same for the same prospect after the same acts."""
        return hashlib.sha256(repr((self.rows, len(self.acts))).encode()).hexdigest()

    def has(self, event_id: str) -> bool:
        """Whether the request with this id was made already."""
        return any(one.event_id == event_id for one in self.acts)


@router.get("/{shop}/{number}/act/{name}")
async def ask(request: Request, shop: str, number: str, name: str) -> Response:
    """The form of an action."""

    async def shown(visit: Visit) -> Response:
        desk = _desk(visit, shop, number, name, request.query_params.get("about", ""))
        return await _form(desk, dict(request.query_params))

    return await visited(request, shown)


@router.post("/{shop}/{number}/act/{name}")
async def act(request: Request, shop: str, number: str, name: str) -> Response:
    """Show what the request would do (``step=preview``), or do what was shown (``step=do``)."""

    async def acted(visit: Visit) -> Response:
        form = await visit.form()
        desk = _desk(visit, shop, number, name, form.text("about"))
        try:
            asking = desk.asking(form.fields, form.text("key"))
            if form.text("step") == "do":
                return await _do(desk, form, asking)
            prospect = await _prospect(desk, asking)
        except Invalid as wrong:
            faults = {one.field: one.message for one in wrong.problems}
            return await _form(desk, form.fields, 422, wrong=faults)
        except Conflict as refused:
            return await _form(desk, form.fields, 409, refused=refused)
        return _preview(desk, form.fields, prospect, token_hex(16))

    return await visited(request, acted)


async def _do(desk: Desk, form: Form, asking: Asking) -> Response:
    """Do what was shown. Raises Conflict and Invalid as `look` does."""
    visit = desk.visit
    try:
        looked = await visit.read(
            lambda connection: look(connection, visit.house.shops, asking, visit.now, visit.language)
        )
    except Conflict:
        await visit.record(visit.did(asking.action.name, "refused", await _order_id(desk)))
        raise
    done = see(f"{order_path(desk.shop.key, desk.number)}?done={asking.action.name}")
    if looked.event is None:
        return done  # the same form again, or the order stands there already
    event = looked.event
    prospect = await _prospect(desk, asking)
    if prospect.has(event.event_id):
        return done  # a double click: the first of the two is under way
    if (str(prospect.version), prospect.digest) != (form.text("version"), form.text("digest")):
        return await _too_late(desk, form, prospect)
    mine = visit.did(asking.action.name, "asked", prospect.order_id)
    mine = mine._replace(version=prospect.version, source=event.source, event_id=event.event_id)
    if not await asyncio.to_thread(_claim, desk, mine):
        now = await _prospect(desk, asking)
        return done if now.has(event.event_id) else await _too_late(desk, form, now)
    await state_of(visit.request).desk.event(event)
    return done


async def _too_late(desk: Desk, form: Form, prospect: Prospect) -> Response:
    """Tell that the order is not what the form was drawn from, who did what, and what the request would do now."""
    visit = desk.visit
    await visit.record(visit.did(desk.action.name, "raced", prospect.order_id))
    other = next(reversed(prospect.acts), None)
    return _preview(desk, form.fields, prospect, token_hex(16), 409, late=True, other=other)


def _claim(desk: Desk, mine: NewActRow) -> bool:
    with desk.visit.house.engine.begin() as connection:
        return operator_acts.claim(connection, mine)


def _desk(visit: Visit, shop: str, number: str, name: str, about: str) -> Desk:
    """Raises NotFound and Forbidden."""
    profile = visit.shop(shop, Role.OPERATOR)
    try:
        action = action_named(name)
    except Invalid:
        raise NotFound from None
    if "operator" not in action.roles:
        raise NotFound
    return Desk(visit, profile, number, action, about if action.about == About.RETURN else None)


async def _prospect(desk: Desk, asking: Asking) -> Prospect:
    """Raises NotFound, Conflict and Invalid."""
    visit = desk.visit

    def foresee(connection: Connection) -> Prospect:
        facts = standing(connection, desk.shop.key, desk.number, visit.now, asking=asking)
        if facts is None:
            raise NotFound
        decision = preview(facts, desk.shop, asking, visit.now, visit.language)
        acts = [one for one in operator_acts.of_order(connection, facts.id) if one.outcome not in ("raced", "refused")]
        return Prospect(facts.id, facts.version, foreseen(decision, visit.language), acts)

    found: Prospect = await visit.read(foresee)
    return found


async def _order_id(desk: Desk) -> int | None:
    facts = await desk.visit.read(
        lambda connection: standing(connection, desk.shop.key, desk.number, desk.visit.now, desk.action)
    )
    return facts.id if facts is not None else None


async def _form(
    desk: Desk,
    typed: Mapping[str, str],
    status: int = 200,
    *,
    wrong: Mapping[str, str] | None = None,
    refused: Conflict | None = None,
) -> Response:
    visit = desk.visit

    def show(connection: Connection) -> dict[str, Any] | None:
        return show_order(
            connection, desk.shop.key, desk.number, visit.now, visit.language, profile=desk.shop, inside=True
        )

    shown = await visit.read(show)
    if shown is None:
        raise NotFound
    fields = fields_of(desk.action, desk.shop, shown, typed)
    named = {field.name: field for field in fields if not field.is_fixed}
    return visit.show(
        "act",
        status,
        path=desk.path,
        back=order_path(desk.shop.key, desk.number),
        action=desk.action,
        about=desk.about or "",
        number=desk.number,
        fields=fields,
        named=named,
        wrong={field_at(desk.action, typed, _dotted(name)): says for name, says in (wrong or {}).items()},
        refused=refused,
        names=_labels(),
    )


def _preview(
    desk: Desk,
    typed: Mapping[str, str],
    prospect: Prospect,
    key: str,
    status: int = 200,
    *,
    late: bool = False,
    other: ActRow | None = None,
) -> Response:
    return desk.visit.show(
        "preview",
        status,
        path=desk.path,
        back=order_path(desk.shop.key, desk.number),
        action=desk.action,
        about=desk.about or "",
        number=desk.number,
        prospect=prospect,
        typed=names_of(desk.action, typed),
        key=key,
        late=late,
        other=other,
        names=_labels(),
    )


def _labels() -> Mapping[str, Sentence]:
    """What each action is called on pages."""
    return {one.name: one.label for one in actions()}


def _dotted(field: str) -> str:
    """``lines[0].quantity`` as a form names it."""
    return field.replace("[", ".").replace("]", "")
