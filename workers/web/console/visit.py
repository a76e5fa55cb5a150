"""Who visits the console: the session's cookie, the account's role at each shop, and the proof that a form is our own."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlsplit

import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy import Connection
from starlette.responses import Response

from models.database import glance
from models.store import operator_acts
from models.store.operator_acts import NewActRow
from pipelines.errors import Invalid, NotFound, ShukkaError
from pipelines.operators import EVERY_SHOP, Role, role_at, shops_of
from pipelines.orders.act import Asker
from pipelines.review.queue import Seen
from pipelines.shops import Shop
from workers.operators import PATH, SESSION_SECONDS, csrf_of, signed_in
from workers.web.answers import HttpProblem
from workers.web.app_state import state_of
from workers.web.body import BadBody
from workers.web.console.causes import worded
from workers.web.console.frame import LANGUAGES, page, see
from workers.web.headers import language as language_of
from workers.web.pages.forms import Form, read_form
from workers.wiring import House

log = structlog.get_logger(__name__)

COOKIE: Final = "shukka_console"
#: Of the address of a page to go on with.
LONGEST_PAGE: Final = 2_000
_SAFE: Final = frozenset({"GET", "HEAD"})


class SignInNeeded(ShukkaError):
    """Nobody is signed in, or not any more."""


class Forbidden(ShukkaError):
    """The account may see this, and its role may not do it."""


class Foreign(ShukkaError):
    """A form that is not one of ours, or one of a session before."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who is signed in, and the language that the pages speak to them."""

    request: Request
    token: str
    account: int
    name: str
    roles: Mapping[str, str]
    language: str
    now: datetime

    @property
    def house(self) -> House:
        """What the process stands on."""
        return state_of(self.request).house

    @property
    def shops(self) -> tuple[str, ...]:
        """The shops that the visitor may know of."""
        return shops_of(self.roles, self.house.shops)

    def shop(self, key: str, needs: Role = Role.VIEWER) -> Shop:
        """The profile of a shop. Raises NotFound for one that there is not, or that is not the visitor's, alike; Forbidden where the
        role there is not enough."""
        role = role_at(self.roles, key)
        if role is None or key not in self.house.shops:
            raise NotFound
        if role < needs:
            raise Forbidden
        return self.house.shops[key]

    def may(self, key: str, needs: Role) -> bool:
        """Whether the role at a shop is enough."""
        role = role_at(self.roles, key)
        return role is not None and role >= needs

    def shops_with(self, needs: Role) -> tuple[str, ...]:
        """The shops at which the role is enough."""
        return tuple(shop for shop in self.shops if self.may(shop, needs))

    def is_everywhere(self, needs: Role = Role.VIEWER) -> bool:
        """Whether the role at every shop, and so over what is of no shop, is enough."""
        return self.may(EVERY_SHOP, needs)

    def check_everywhere(self, needs: Role = Role.VIEWER) -> None:
        """Raise NotFound where the visitor is of single shops alone, Forbidden where the role at every shop is not enough."""
        if not self.is_everywhere():
            raise NotFound
        if not self.is_everywhere(needs):
            raise Forbidden

    def seen(self, needs: Role = Role.VIEWER) -> Seen:
        """What of the review queue the role is enough for. Raises Forbidden where it is nothing at all."""
        if self.is_everywhere(needs):
            return Seen(None)
        shops = self.shops_with(needs)
        if not shops:
            raise Forbidden
        return Seen(shops)

    @property
    def asker(self) -> Asker:
        """The visitor as whoever asks for an action."""
        return Asker(f"operator:{self.account}", self.name, "operator", self.shops)

    def show(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page of this visit."""
        return page(
            template,
            self.language,
            status,
            visit=self,
            csrf=csrf_of(self.token),
            told=lambda text: worded(text or "", self.language),
            **values,
        )

    async def read(self, look: Callable[[Connection], Any]) -> Any:
        """What ``look`` finds in the database, beside the event loop."""

        def looked() -> Any:
            with glance(self.house.engine) as connection:
                return look(connection)

        return await asyncio.to_thread(looked)

    async def form(self) -> Form:
        """The form of the request. Raises Foreign where it is not one that this session was shown."""
        form = await read_form(self.request)
        if not hmac.compare_digest(form.text("csrf", 128).encode(), csrf_of(self.token).encode()):
            raise Foreign
        return form

    def did(self, act: str, outcome: str = "done", order_id: int | None = None) -> NewActRow:
        """The row of something that the visitor did."""
        return NewActRow(self.account, self.name, act, order_id, None, None, None, outcome, self.now)

    async def record(self, act: NewActRow) -> None:
        """Keep what the visitor did."""

        def keep() -> None:
            with self.house.engine.begin() as connection:
                operator_acts.record(connection, [act])

        await asyncio.to_thread(keep)


Handler = Callable[[Visit], Awaitable[Response]]


async def visited(request: Request, answer: Handler) -> Response:
    """``answer`` to whoever is signed in. Raises SignInNeeded for nobody, 429 for who asks too much, Foreign for a form of another
    site's."""
    check_origin(request)
    state, token = state_of(request), request.cookies.get(COOKIE, "")
    found = await asyncio.to_thread(signed_in, state.house.engine, token) if token else None
    if found is None:
        raise SignInNeeded
    state.count_page(request, ("operator", found.account_id))
    spoken = request.query_params.get("lang", "")
    language = spoken if spoken in LANGUAGES else found.locale or language_of(request)
    request.state.language = language  # a refusal is a page of this visit too
    if any("\x00" in text for pair in request.query_params.multi_items() for text in pair):
        raise NotFound
    visit = Visit(request, token, found.account_id, found.name, found.roles, language, state.house.clock.now())
    return await answer(visit)


def check_origin(request: Request) -> None:
    """Raise Foreign where what changes something was sent by a page of another site: browsers say whose it is."""
    if request.method in _SAFE:
        return
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site", "same-origin")
    if site not in ("same-origin", "none") or (origin is not None and not _is_ours(request, origin)):
        raise Foreign


def _is_ours(request: Request, origin: str) -> bool:
    """Whether an Origin, a scheme and a host, is of the host that was asked."""
    _, told, host = origin.partition("://")
    return bool(told) and host == request.headers.get("host")


def inside(to: str) -> str:
    """A page of the console to go on with, and none of anywhere else."""
    is_inside = to == PATH or to.startswith((f"{PATH}/", f"{PATH}?"))
    return to if is_inside and "\\" not in to and "//" not in to and to.isascii() and to.isprintable() else PATH


def signed(request: Request, token: str, path: str) -> Response:
    """See ``path`` with the session of ``token`` in a cookie that scripts and other sites never see."""
    answer = see(path)
    answer.set_cookie(
        COOKIE, token, max_age=SESSION_SECONDS, path=PATH, secure=_is_secure(request), httponly=True, samesite="lax"
    )
    return answer


def unsigned(request: Request, path: str) -> Response:
    """See ``path`` without the session's cookie."""
    answer = see(path)
    answer.delete_cookie(COOKIE, path=PATH, secure=_is_secure(request), httponly=True, samesite="lax")
    return answer


def _is_secure(request: Request) -> bool:
    """Whether readers come by https: here, or at the proxy in front, whose address is the public one."""
    public = urlsplit(state_of(request).house.settings.shukka_public_url or "")
    return request.url.scheme == "https" or (public.scheme == "https" and public.netloc == request.headers.get("host"))


def _wanted(request: Request) -> str:
    """The page to go on with after signing in, with all that its address asks; Today instead of what a form was sent to."""
    if request.method not in _SAFE:
        return PATH
    path, query = request.scope["raw_path"].decode("latin-1"), request.url.query
    whole = f"{path}?{query}" if query else path
    return whole if len(whole) <= LONGEST_PAGE else path


def _refusal(request: Request, status: int, why: str) -> Response:
    """The page of a refusal, in the language of the visit if there is one."""
    return page("refused", getattr(request.state, "language", None) or language_of(request), status, why=why)


class ConsoleRoute(APIRoute):
    """A route whose refusals are pages too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with what it raises turned into a page."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except SignInNeeded:
                if request.headers.get("hx-request"):
                    return Response(status_code=401, headers={"HX-Redirect": f"{PATH}/sign-in"})
                return see(f"{PATH}/sign-in?to={quote(_wanted(request), safe='')}")
            except (NotFound, RequestValidationError):  # what is no number in a path is called by nothing
                return _refusal(request, 404, "gone")
            except Invalid:
                return _refusal(request, 422, "form")
            except Forbidden:
                return _refusal(request, 403, "role")
            except Foreign:
                return _refusal(request, 403, "foreign")
            except BadBody as bad:
                return _refusal(request, bad.status, "form")
            except HttpProblem as problem:
                if problem.status != 429:
                    raise
                return _refusal(request, 429, "busy")

        return handled
