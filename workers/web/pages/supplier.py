"""The maker's page (contract ``/s/{token}``): what a supplier without an account has to send, and its answers.

Whoever has the link is its supplier, of one shop. Whatever is pressed here becomes the webhook's event, by the same one way in.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response

from models.database import glance
from models.store import documents
from models.store import links as link_store
from models.store.documents import FileRow
from models.store.links import LinkHolder
from pipelines.carriers import CARRIERS, Carrier, carrier
from pipelines.documents.issue import pick_list_of
from pipelines.errors import NotFound, Problem
from pipelines.shops import Shop
from pipelines.suppliers.departures import Departure, faults
from pipelines.suppliers.file_import import Imported
from pipelines.suppliers.links import LASTS, PATH, PURPOSE, Pass, pass_of
from pipelines.suppliers.news import supplier_event
from pipelines.suppliers.work import LISTS, Work, listed, named
from pipelines.values.calendar import in_japan
from workers.documents.typesetter import typesetter
from workers.patience import patiently
from workers.web.answers import HttpProblem, as_json
from workers.web.api.documents import Pdf, file_name
from workers.web.app_state import state_of
from workers.web.body import BadBody
from workers.web.pages import forms
from workers.web.pages.html import LANGUAGES, not_taken, page, to, words
from workers.web.pages.verdicts import Row, Verdict, pasted_again, verdict_of, verdicts
from workers.web.supplier_news import store_news

router = APIRouter(prefix="/s", include_in_schema=False)

_MOST: Final = 500
"""Shipments that the list of a page holds; what is behind them comes up once they are sent."""
_ANSWERS: Final = {"cancel_accepted", "cancel_refused"}


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody with a good link: what it opens, and the language the page speaks."""

    request: Request
    token: str
    opens: Pass
    shop: Shop
    language: str
    now: datetime

    @property
    def path(self) -> str:
        """Where the page of the link is."""
        return f"{PATH}{self.token}"

    def carriers(self) -> list[Carrier]:
        """Those that the shop takes."""
        return [carrier(name) for name in self.shop.delivery.carriers] or list(CARRIERS.values())

    def show(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page of this visit."""
        profile = self.shop.supplier(self.opens.supplier)
        return page(
            template,
            self.language,
            status,
            path=self.path,
            supplier=profile.name or self.opens.supplier,
            shop_name=(self.shop.name_en if self.language == "en" else "") or self.shop.name,
            today=in_japan(self.now).date(),
            **values,
        )

    async def work(self) -> Work:
        """The shipment of the link. Raises NotFound where it is not this supplier's any more."""
        found = await asyncio.to_thread(self.named, [self.opens.shipment])
        if self.opens.shipment not in found:
            raise NotFound
        return found[self.opens.shipment]

    def named(self, ids: Sequence[str]) -> dict[str, Work]:
        """Those of the shipments that are this supplier's at this shop."""
        with glance(state_of(self.request).house.engine) as connection:
            return named(connection, {self.shop.key: self.shop}, self.opens.supplier, ids)

    def pick_list(self, work: Work) -> FileRow:
        """The list of what is still to be picked of a shipment, which is kept. Raises NotFound."""
        with state_of(self.request).house.engine.begin() as connection:
            told, by = work.told, f"supplier:{self.opens.supplier}"
            made = pick_list_of(connection, self.shop, told.number, told.shipment, by, self.now, typesetter())
            row = documents.file_of(connection, made.id)
        if row is None or not row.file:
            raise NotFound
        return row

    def open(self) -> list[Work]:
        """What is still to be sent, what leaves first at the top."""
        with glance(state_of(self.request).house.engine) as connection:
            shops = {self.shop.key: self.shop}
            found = listed(connection, shops, self.opens.supplier, LISTS["open"], soonest=True, limit=_MOST)
        return sorted((one for one in found if one.is_open), key=_leaves_first)

    async def tell(self, said: dict[str, Any], event_id: str) -> None:
        """Store what the supplier said."""
        await store_news(self.request, said, supplier=self.opens.supplier, shops=(self.shop.key,), event_id=event_id)

    def judge(self, departures: Sequence[tuple[Work, dict[str, Any], str]]) -> list[Problem | None]:
        """Why each parcel that left, told with its event id, cannot be right; None where it can."""
        told = [
            Departure(
                work.told.order_id,
                supplier_event(
                    said, supplier=self.opens.supplier, shops=(self.shop.key,), event_id=event_id, now=self.now
                ),
            )
            for work, said, event_id in departures
        ]
        house = state_of(self.request).house
        with glance(house.engine) as connection:
            return faults(connection, house.shops, told, house.clock)


def _leaves_first(work: Work) -> tuple[bool, str, datetime, str]:
    day = work.told.dispatch_on
    return day is None, day.isoformat() if day else "", work.told.placed_at, work.told.shipment


@router.get("/{token}")
async def read_one(request: Request, token: str) -> Response:
    """One shipment, and all that its supplier may say of it."""

    async def shown(visit: Visit) -> Response:
        return _one(visit, await visit.work(), done=bool(request.query_params.get("done")))

    return await answered(request, token, shown)


@router.post("/{token}")
async def say_of_one(request: Request, token: str) -> Response:
    """What was pressed on the page of one shipment."""

    async def said(visit: Visit) -> Response:
        form, work = await forms.read_form(request), await visit.work()
        act = form.text("act")
        if act in _ANSWERS and work.request == "cancellation_requested":
            told = forms.Said(f"shipment.{act}", {"shipment": work.told.shipment})
        elif work.is_open and (read := forms.news_of(form, work, visit.now)) is not None:
            told = read
        else:
            return _one(visit, work, status=409)
        event, event_id = forms.event(told.type, told.data, visit.now), forms.act_id(form, told, work.told.shipment)
        wrong = {one.field: one.message for one in told.wrong}
        if not wrong and act == "ship":
            (fault,) = await asyncio.to_thread(visit.judge, [(work, event, event_id)])
            if fault is not None and (verdict := verdict_of(fault)) is not Verdict.KNOWN:
                wrong = {fault.field: verdict}
        if wrong:
            return _one(visit, work, status=422, wrong=wrong, form=form, act=act)
        await visit.tell(event, event_id)
        return to(f"{visit.path}?lang={visit.language}&done=1")

    return await answered(request, token, said)


@router.get("/{token}/today")
async def read_today(request: Request, token: str) -> Response:
    """All that the supplier has still to send of this shop."""

    async def shown(visit: Visit) -> Response:
        return today(visit, await asyncio.to_thread(visit.open))

    return await answered(request, token, shown)


@router.post("/{token}/today")
async def enter_numbers(request: Request, token: str) -> Response:
    """Many tracking numbers at once: the right ones go through, each other one is explained beside its row."""

    async def entered(visit: Visit) -> Response:
        form = await forms.read_form(request)
        ids = [one for one in form.text("listed", 64 * _MOST).split(",") if one]
        by = form.text("carrier")
        found = await asyncio.to_thread(visit.named, ids)
        results = await asyncio.to_thread(verdicts, form, ids, found, by, visit.now, visit.judge)
        good = [one for one in results if one.verdict is Verdict.OK]
        await asyncio.gather(*(visit.tell(one.event, one.event_id) for one in good))
        gone = {one.shipment for one in good}
        works = [one for one in await asyncio.to_thread(visit.open) if one.told.shipment not in gone]
        return today(visit, works, results=results, by=by, ids=",".join(ids))

    return await answered(request, token, entered)


@router.get("/{token}/number")
async def check_number(request: Request, token: str) -> Response:
    """What a number would be: `{"valid", "says"}`, for the word beside its field."""

    async def checked(visit: Visit) -> Response:
        form = forms.Form(request.query_params)
        number, by = form.text("number"), form.text("carrier")
        fault = carrier(by).check(number) if by else None
        says = words(visit.language)["fault_number" if fault else "number_good"]
        answer = as_json(200, {"valid": fault is None, "says": says})
        answer.headers.update({"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
        return answer

    return await answered(request, token, checked)


@router.get("/{token}/note")
async def read_note(request: Request, token: str) -> Response:
    """The delivery note of a shipment, to be printed."""

    async def shown(visit: Visit) -> Response:
        work = await visit.work()
        if not work.is_open:
            raise NotFound
        return visit.show("note", work=work)

    return await answered(request, token, shown)


@router.get("/{token}/picks")
async def read_picks(request: Request, token: str) -> Response:
    """What is to be picked for all that is still to be sent, to be printed."""

    async def shown(visit: Visit) -> Response:
        works = await asyncio.to_thread(visit.open)
        count: Counter[tuple[str, str]] = Counter()
        for work in works:
            for line in work.told.lines:
                count[line["sku"], line["name"]] += line["open"]
        picks = [
            {"sku": sku, "name": name, "quantity": pieces} for (sku, name), pieces in sorted(count.items()) if pieces
        ]
        return visit.show("picks", works=works, picks=picks)

    return await answered(request, token, shown)


@router.post("/{token}/pick-list")
async def load_pick_list(request: Request, token: str) -> Response:
    """The stored list of what is to be picked for one shipment, as PDF; pressed again it is the same one."""

    async def loaded(visit: Visit) -> Response:
        work = await visit.work()
        if not work.is_open:
            raise NotFound
        row = await asyncio.to_thread(patiently, lambda again: visit.pick_list(work))
        kept = f"attachment; filename*=UTF-8''{quote(file_name(row))}"
        return Pdf(row.file, headers={"Cache-Control": "no-store", "Content-Disposition": kept})

    return await answered(request, token, loaded)


def _one(
    visit: Visit,
    work: Work,
    *,
    status: int = 200,
    done: bool = False,
    wrong: dict[str, str] | None = None,
    form: forms.Form | None = None,
    act: str = "",
) -> Response:
    # Each form has what was typed into it again, and its own faults: names of fields are the same in several.
    typed: dict[str, dict[str, str]] = {one: defaultdict(str) for one in forms.ACTS}
    faults: dict[str, dict[str, str]] = {one: {} for one in forms.ACTS}
    if form is not None and act in typed:
        typed[act].update({name: form.text(name, forms.LONGEST) for name in form.fields})
        faults[act] = wrong or {}
    usual = visit.shop.supplier(visit.opens.supplier).carrier or ""
    return visit.show(
        "one",
        status,
        work=work,
        done=done,
        wrong=wrong or {},
        typed=typed,
        faults=faults,
        act=act,
        once=token_hex(8),
        carriers=visit.carriers(),
        carrier=usual,
    )


def today(
    visit: Visit,
    works: Sequence[Work],
    status: int = 200,
    *,
    results: Sequence[Row] = (),
    by: str = "",
    ids: str = "",
    file: Imported | None = None,
    file_rows: Sequence[Any] = (),
    file_fault: str = "",
) -> Response:
    """The list of all that is still to be sent, ``works``, with what became of the numbers or the file that was just sent in."""
    bad = sum(not one.verdict.is_good for one in results)
    links = state_of(visit.request).house.links
    assert links is not None  # or there was no visit
    passes = {one.told.shipment: visit.opens._replace(shipment=one.told.shipment) for one in works}
    pages = {
        shipment: f"{PATH}{links.token(PURPOSE, opens.subject, visit.now + LASTS)}"
        for shipment, opens in passes.items()
    }
    return visit.show(
        "today",
        status,
        works=works,
        file=file,
        file_rows=file_rows,
        file_fault=file_fault,
        links=pages,
        ids=",".join(one.told.shipment for one in works),
        listed=ids,
        results=results,
        again=pasted_again(results),
        good=sum(one.verdict is Verdict.OK for one in results),
        bad=bad,
        carriers=visit.carriers(),
        carrier=by or visit.shop.supplier(visit.opens.supplier).carrier or "",
    )


async def answered(request: Request, token: str, answer: Callable[[Visit], Awaitable[Response]]) -> Response:
    """``answer`` to whoever has a good link; to anybody else one and the same page, which says nothing."""
    language = request.query_params.get("lang", "")
    try:
        visit = await _visit(request, token, language)
        return await answer(visit)
    except NotFound:
        return page("apology", language if language in LANGUAGES else "ja", 404, why="gone")
    except BadBody as bad:
        return not_taken(bad, language if language in LANGUAGES else "ja")
    except HttpProblem as problem:
        if problem.status != 429:
            raise
        return page("apology", language if language in LANGUAGES else "ja", 429, why="busy")


async def _visit(request: Request, token: str, language: str) -> Visit:
    state = state_of(request)
    house = state.house
    if house.links is None:
        raise NotFound
    now = house.clock.now()
    opens = pass_of(house.links.subject(PURPOSE, token, now))
    shop = house.shops.get(opens.shop)
    state.count_page(request, opens.holder)

    def generation() -> int:
        with glance(house.engine) as connection:
            return link_store.generation_of(connection, LinkHolder(PURPOSE, opens.holder))

    if shop is None or await asyncio.to_thread(generation) != opens.generation:
        raise NotFound
    spoken = language if language in LANGUAGES else shop.supplier(opens.supplier).locale
    return Visit(request, token, opens, shop, spoken, now)
