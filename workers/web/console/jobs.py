"""What the service itself has to do: ``/console/jobs`` (work, effects, periodic jobs, what was given up, with retry) and
``/console/now`` (rates and latencies)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from models.store import attention, given_up, jobs
from models.store.attention import CountRow
from models.store.given_up import GroupRow, Which
from models.store.jobs import ProgressRow
from pipelines.operators import Role
from pipelines.route import WOKEN_BY
from workers.effects.retrying import WHATS, try_all_again
from workers.operators import PATH
from workers.throughput import look
from workers.web.console.bars import bars
from workers.web.console.frame import see, words
from workers.web.console.visit import ConsoleRoute, Visit, visited

router = APIRouter(prefix=PATH, include_in_schema=False, route_class=ConsoleRoute)

#: By what groups of what was given up are told apart, and tried again.
FILTERS: Final = ("what", "kind", "target", "shop", "reason")
_LONGEST: Final = 200


class Due(NamedTuple):
    """What the page of jobs shows."""

    counted: Sequence[CountRow]
    progress: Sequence[ProgressRow]
    groups: Sequence[GroupRow]


@router.get("/jobs")
async def read_jobs(request: Request) -> Response:
    """Due work by stage, effects by kind, periodic jobs, and what was given up by what it has in common: ``?what=&kind=&...``."""

    async def shown(visit: Visit) -> Response:
        visit.check_everywhere()
        which = _which(request.query_params)

        def find(connection: Connection) -> Due:
            counted = attention.counts(connection, visit.now)
            return Due(counted, jobs.progress(connection), given_up.groups(connection, which, list(WOKEN_BY)))

        due: Due = await visit.read(find)
        return visit.show(
            "jobs",
            due=due,
            whats=WHATS,
            chosen={name: getattr(which, name) or "" for name in FILTERS},
            total=sum(one.number for one in due.groups),
            acts=visit.is_everywhere(Role.OPERATOR),
            tried=request.query_params.get("tried", ""),
        )

    return await visited(request, shown)


@router.post("/jobs/retry")
async def retry(request: Request) -> Response:
    """Try all again that the fields mean, as ``shukka retry --yes`` does; ``all`` must be said where no field means anything."""

    async def retried(visit: Visit) -> Response:
        visit.check_everywhere(Role.OPERATOR)
        form = await visit.form()
        which = _which(form.fields)
        if which == Which() and form.text("all") != "yes":
            return see(f"{PATH}/jobs")
        number = await asyncio.to_thread(try_all_again, visit.house.engine, which, visit.now)
        await visit.record(visit.did("jobs.retry"))
        return see(f"{PATH}/jobs?tried={number}")

    return await visited(request, retried)


@router.get("/now")
async def read_now(request: Request) -> Response:
    """Orders a second, backlog by stage, effects by how they ended, latencies; read again every few seconds."""

    async def shown(visit: Visit) -> Response:
        visit.check_everywhere()
        seen = await asyncio.to_thread(look, visit.house.engine, visit.now)
        return visit.show("now", seen=seen, charts=_charts(seen, words(visit.language)["words"]))

    return await visited(request, shown)


def _charts(seen: Mapping[str, Any], named: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """The pictures by what they show: numbers of names, as SVG, in the words of ``named``."""

    def word(table: str, name: str) -> str:
        return named[table].get(name, name)

    return {
        "rates": bars([(word("state", name), rate) for name, rate in seen["orders_per_second"].items()]),
        "stages": bars([(word("stage", one["stage"]), one["due"]) for one in seen["stages"]]),
        "waiting": bars([(word("entity", one["kind"]), one["waiting"]) for one in seen["waiting"]]),
        "effects": bars(
            [(f"{word('entity', one['kind'])} {word('state', one['state'])}", one["ended"]) for one in seen["effects"]]
        ),
    }


def _which(told: Mapping[str, str]) -> Which:
    what, kind, target, shop, reason = (told.get(name, "").strip()[:_LONGEST] or None for name in FILTERS)
    return Which(what, kind, target, shop, reason)
