"""The ASGI application: routes, errors as problem documents, health, metrics, OpenAPI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match
from starlette.types import Lifespan

from models.database import READ_ONLY, TROUBLES, glance, is_passing, recent_trouble
from models.store.revision import is_current
from pipelines.engine.run import describe
from pipelines.errors import Conflict, Invalid, NotFound, Raced, ShukkaError
from pipelines.orders.act import actions
from workers import metrics
from workers.logs import configure
from workers.measuring import Measuring
from workers.web import reference
from workers.web.answers import HttpProblem, as_json, database_away, invalid, not_found
from workers.web.api import actions as acting
from workers.web.api import (
    customers,
    documents,
    mail_reports,
    order_list,
    orders,
    postings,
    promise,
    ranks,
    returns,
    review,
    supplier_files,
    suppressions,
)
from workers.web.api import suppliers as supplier_work
from workers.web.app_state import AppState, state_of
from workers.web.asked import asked
from workers.web.body import BadBody
from workers.web.clients import Clients
from workers.web.console import routes as console
from workers.web.deadline import Deadline
from workers.web.desk import Desk
from workers.web.hooks import mails, payments, suppliers
from workers.web.limits import Limits, TellLimits
from workers.web.openapi import operation_id, published
from workers.web.pages import order as order_page
from workers.web.pages import order_return, refund_account
from workers.web.pages import supplier as supplier_page
from workers.web.pages import supplier_file as supplier_file_page
from workers.web.problem import problem
from workers.web.shapes import Health, Readiness, answers
from workers.web.timed import Timed
from workers.web.unread import Unread
from workers.wiring import House, build_or_exit

log = structlog.get_logger(__name__)

#: Modules whose ``DOCUMENTS`` the published schema describes.
_DOCUMENTED = (orders, promise, returns, customers, review, supplier_work, documents, suppliers)

#: What the service can do without, and states of the database in which orders are still shown.
_SPARED = frozenset({"broker"})
_READ = TROUBLES
_METHODS: Final = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
#: Seconds a check of readiness may take; whoever asks has little patience.
_CHECK_WITHIN = 5.0


def create_app(house: House | None = None) -> FastAPI:
    """The application; without ``house`` it is built from the environment (uvicorn --factory)."""
    if house is None:
        configure()
        house = build_or_exit("web", _complete)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        state: AppState = app.state.shukka
        state.desk.close()
        state.house.engine.dispose()

    app = interface(lifespan)
    app.state.shukka = state_for(house)
    return app


def interface(lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """All that is answered, without what answers it: enough for the published schema, which needs no database."""
    app = FastAPI(
        title="Shukka",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
        dependencies=[Depends(_nameable)],
    )
    app.add_middleware(Deadline)
    app.add_middleware(TellLimits)
    app.add_middleware(Timed)
    app.add_middleware(Unread)
    app.include_router(orders.router)
    app.include_router(order_list.router)
    app.include_router(promise.router)
    app.include_router(acting.router_of(actions()))
    app.include_router(returns.router)
    app.include_router(documents.router)
    app.include_router(ranks.router)
    app.include_router(customers.router)
    app.include_router(postings.router)
    app.include_router(suppressions.router)
    app.include_router(mail_reports.router)
    app.include_router(review.router)
    app.include_router(supplier_files.router)
    app.include_router(supplier_work.router)
    app.include_router(suppliers.router)
    app.include_router(supplier_page.router)
    app.include_router(supplier_file_page.router)
    app.include_router(payments.router)
    app.include_router(mails.router)
    app.include_router(refund_account.router)
    app.include_router(order_page.router)
    app.include_router(order_return.router)
    app.include_router(console.router)
    app.include_router(reference.router)
    _add_operations(app)
    _add_errors(app)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def state_for(house: House) -> AppState:
    """What the application serves: ``app.state.shukka``."""
    clients = Clients(house.engine, house.clock, house.settings.allowance)
    return AppState(
        house,
        Desk(house),
        clients,
        Limits(),
        Measuring(house),
        house.notice_secrets(),
        house.mail_doors(),
        house.settings.links,
    )


def _complete(house: House) -> None:
    """Raise Misconfigured for what only this process needs."""
    house.notice_secrets()
    house.mail_doors()
    house.need_links()
    house.need_shops()
    house.need_stores()


async def _nameable(request: Request) -> None:
    """Nothing is named by nothing or by what is no UTF-8, and what has U+0000 in its name the database would not even look for."""
    if not (names := request.path_params.values()):
        return
    try:
        unquote_to_bytes(request.scope.get("raw_path", b"")).decode()
    except UnicodeDecodeError:
        raise not_found() from None
    if any(not name or "\x00" in name for name in names):
        raise not_found()


def _add_operations(app: FastAPI) -> None:
    # Balancers and monitors ask by HEAD.
    @app.head("/healthz", include_in_schema=False)
    @app.get("/healthz", tags=["operations"], responses=answers(s200=Health))
    async def healthz() -> dict[str, str]:
        """The process is alive."""
        return {"status": "ok"}

    @app.head("/readyz", include_in_schema=False)
    @app.get("/readyz", tags=["operations"], responses=answers(s200=Readiness, s503=Readiness))
    async def readyz(request: Request) -> Response:
        """Database and migrations are there: 200, else 503. ``degraded`` names what is missing. Without the broker orders are taken
        in and go on, later by about a second. A database that writes nothing (read-only, its disk full) is still read: what
        would be written is answered 503 alone."""
        house = state_of(request).house
        found = await asyncio.gather(
            _within(_database, house, {"database": "silent"}), _within(_broker, house, {"broker": "silent"})
        )
        checks = {name: state for part in found for name, state in part.items()}
        missing = [name for name, state in checks.items() if state != "ok"]
        ready = all(name in _SPARED or checks[name] in _READ for name in missing)
        status = ("degraded" if missing else "ok") if ready else "not ready"
        return as_json(200 if ready else 503, {"status": status, "degraded": missing, "checks": checks})

    @app.get("/metrics", name="metrics", tags=["operations"], response_class=PlainTextResponse)
    async def metrics_page(request: Request) -> Response:
        """Prometheus metrics."""
        measuring = state_of(request).measuring
        await asyncio.gather(
            _measured(measuring.database, metrics.DATABASE), _measured(measuring.broker, metrics.BROKER)
        )
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _measured(measure: Callable[[], None], reachable: Gauge) -> None:
    try:
        await asyncio.wait_for(asyncio.to_thread(measure), _CHECK_WITHIN)
    except TimeoutError:
        reachable.set(0)


async def _within(check: Callable[[House], dict[str, str]], house: House, silent: dict[str, str]) -> dict[str, str]:
    try:
        return await asyncio.wait_for(asyncio.to_thread(check, house), _CHECK_WITHIN)
    except TimeoutError:
        return silent


def _database(house: House) -> dict[str, str]:
    try:
        with glance(house.engine) as connection:
            writes = not connection.execute(text("SELECT current_setting('transaction_read_only')::bool")).scalar_one()
            migrations = "ok" if is_current(connection) else "behind: run `shukka migrate`"
    except SQLAlchemyError as error:
        return {"database": type(error).__name__}
    return {"database": (recent_trouble(house.engine) or "ok") if writes else READ_ONLY, "migrations": migrations}


def _broker(house: House) -> dict[str, str]:
    try:
        house.bell.check()
    except (RedisError, OSError, ShukkaError) as error:
        return {"broker": type(error).__name__}
    return {"broker": "ok"}


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(HttpProblem)
    async def on_problem(request: Request, error: HttpProblem) -> Response:
        return problem(error.status, error.title, error.detail, headers=error.headers)

    @app.exception_handler(BadBody)
    async def on_bad_body(request: Request, error: BadBody) -> Response:
        return problem(error.status, "Too large" if error.status == 413 else "Bad body", error.detail)

    @app.exception_handler(Invalid)
    async def on_invalid(request: Request, error: Invalid) -> Response:
        return invalid(error.problems)

    @app.exception_handler(Raced)
    async def on_raced(request: Request, error: Raced) -> Response:
        says = "Others were in the way; nothing was stored: send the same request again."
        return problem(503, "Busy", says, headers={"Retry-After": "1"})

    @app.exception_handler(Conflict)
    async def on_conflict(request: Request, error: Conflict) -> Response:
        detail = f"{error.detail} ({error.rule})" if error.rule else error.detail
        return problem(409, "Conflict", detail, ways_out=error.ways_out)

    @app.exception_handler(NotFound)
    async def on_not_found(request: Request, error: NotFound) -> Response:
        return problem(404, not_found().title, not_found().detail)

    @app.exception_handler(RequestValidationError)
    async def on_wrong_path(request: Request, error: RequestValidationError) -> Response:
        # Handlers read queries, headers and bodies themselves: what is left to the framework is a path that leads nowhere.
        return problem(404, not_found().title, not_found().detail)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        detail, headers = str(error.detail), error.headers
        if error.status_code == 404:
            detail = "There is no such page."
        elif error.status_code == 405:
            headers = {"Allow": _allowed(app, request)}
            detail = f"What is here is asked by {headers['Allow']}."
        return problem(error.status_code, str(error.detail), detail, headers=headers)

    @app.exception_handler(SQLAlchemyError)
    async def on_database(request: Request, error: SQLAlchemyError) -> Response:
        if not is_passing(error):
            return await on_fault(request, error)
        log.error("web.database_away", error=describe(error))
        return database_away()

    @app.exception_handler(Exception)
    async def on_fault(request: Request, error: Exception) -> Response:
        log.error("web.fault", error=describe(error), **asked(request.scope))
        return problem(500, "Fault", "This is our mistake and was recorded; sending the same request again is safe.")


def _allowed(app: FastAPI, request: Request) -> str:
    """Every method that the path has; the framework names those of the first route alone."""

    def has(method: str) -> bool:
        found = (route.matches({**request.scope, "method": method}) for route in app.routes)
        return any(match is Match.FULL for match, _ in found)

    return ", ".join(filter(has, _METHODS))


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        of_modules = [one for module in _DOCUMENTED for one in module.DOCUMENTS]
        app.openapi_schema = published(app, [*acting.documents_of(actions()), *of_modules])
    return app.openapi_schema
