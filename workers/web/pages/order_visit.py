"""A visit of a customer to the page of one order: what the link opens, the facts by which it is shown, and what is asked on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from models.database import glance
from pipelines.customers.order_page import PATH, PURPOSE, OrderPass, order_pass
from pipelines.engine.facts import Facts
from pipelines.errors import NotFound
from pipelines.orders.act import Asker, Asking, Looked, standing
from pipelines.orders.action import Action
from pipelines.shops import Shop
from workers.web.answers import HttpProblem
from workers.web.app_state import AppState, state_of
from workers.web.body import BadBody
from workers.web.handing_in import hand_in
from workers.web.pages.html import LANGUAGES, not_taken, page, to
from workers.web.pages.order_view import ROLE, OrderView, view

_BOOK: Final = "order_words"
CUSTOMER: Final = Asker("page:order", "customer", ROLE)
"""Who asks by the link: bound as through the storefront."""


@dataclass(frozen=True, slots=True)
class OrderVisit:
    """Somebody with a good link to an order that is still somebody's."""

    request: Request
    token: str
    opens: OrderPass
    shop: Shop
    facts: Facts
    language: str
    now: datetime

    @property
    def path(self) -> str:
        """Where the page of the link is."""
        return f"{PATH}{self.token}"

    @property
    def state(self) -> AppState:
        """The application's."""
        return state_of(self.request)

    async def view(self) -> OrderView:
        """The order as its customer sees it."""

        def read() -> OrderView:
            with glance(self.state.house.engine) as connection:
                return view(connection, self.facts, self.shop, self.language, self.now)

        return await asyncio.to_thread(read)

    def show(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page of this visit."""
        shop = self.shop
        return page(
            template,
            self.language,
            status,
            book=_BOOK,
            path=self.path,
            shop_name=(shop.name_en if self.language == "en" else "") or shop.name,
            shop=shop,
            order_number=self.facts.number,
            **values,
        )

    def back(self, said: str = "") -> Response:
        """To the order's page, after a form was taken; ``said`` is which."""
        return to(f"{self.path}?lang={self.language}{f'&said={said}' if said else ''}")

    async def ask(
        self,
        action: Action[Any],
        asked: BaseModel,
        once: str,
        about: str | None = None,
        before: Callable[[str], Awaitable[None]] | None = None,
    ) -> Looked:
        """Ask for ``action`` as the customer, by the one door of all actions; ``once`` makes a second click the first one again.
        ``before`` the request is kept, it is told the id of what it opens. Raises as `pipelines.orders.act.look` does."""
        asking = Asking(action, self.shop.key, self.facts.number, asked, CUSTOMER, once, about)
        return await hand_in(self.state, asking, self.now, self.language, before)


async def answered(request: Request, token: str, answer: Callable[[OrderVisit], Awaitable[Response]]) -> Response:
    """``answer`` to whoever has a good link; to anybody else one and the same page, which says nothing."""
    wished = request.query_params.get("lang", "")
    language = wished if wished in LANGUAGES else ""
    try:
        return await answer(await _visit(request, token, language))
    except NotFound:
        return page("apology", language or "ja", 404, why="gone")
    except BadBody as bad:
        return not_taken(bad, language or "ja")
    except HttpProblem as problem:
        if problem.status != 429:
            raise
        return page("apology", language or "ja", 429, why="busy")


async def _visit(request: Request, token: str, language: str) -> OrderVisit:
    state = state_of(request)
    house = state.house
    if house.links is None:
        raise NotFound
    now = house.clock.now()
    opens = order_pass(house.links.subject(PURPOSE, token, now))
    state.count_page(request, opens)
    shop = house.shops.get(opens.shop)

    def read() -> Facts | None:
        with glance(house.engine) as connection:
            return standing(connection, opens.shop, opens.number, now)

    facts = await asyncio.to_thread(read) if shop is not None else None
    # Who was forgotten has no page any more.
    if shop is None or facts is None or not facts.document["customer"]["email"]:
        raise NotFound
    spoken = language or ("en" if facts.locale == "en" else "ja")
    return OrderVisit(request, token, opens, shop, facts, spoken, now)
