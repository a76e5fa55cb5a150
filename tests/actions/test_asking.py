"""A request: the same again, another under its key, two at once, and one that stopped being possible on its way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from pipelines.engine.inbox import Received
from tests.actions.orders import ONE_PIECE, REQUESTS, STANDS, held, released, request_for
from tests.web.site import Site, fields, problem
from tests.world import document
from workers.web.desk import Desk
from workers.wiring import House

STAND_OF = {name: stand for stand, possible in STANDS.items() for name in possible}


def post(site: Site, action: str, body: Any = None, key: str | None = None, **options: Any) -> Any:
    headers = {"idempotency-key": key} if key else {}
    asked = request_for(site.world, action) if body is None else body
    return site.post(f"/v1/orders/salon/S-1/{action}", asked, headers=headers, **{"key": site.operator, **options})


def asked(site: Site) -> list[tuple[str, str | None]]:
    """(state, reason) of every request of a client."""
    found = site.world.rows("SELECT state, reason FROM inbox_event WHERE source LIKE 'client:%' ORDER BY id")
    return [(one.state, one.reason) for one in found]


@pytest.mark.parametrize("action", sorted(REQUESTS))
def test_the_same_request_again_changes_nothing(site: Site, action: str) -> None:
    STAND_OF[action](site.world)
    before = len(asked(site))
    for _ in range(2):
        answer = post(site, action, key="k-1")
        if action == "returns":
            assert (answer.status_code, answer.json()["state"]) == (201, "requested")
        else:
            assert (answer.status_code, answer.json()["url"]) == (202, "/v1/orders/salon/S-1")
        site.world.settle()
    assert [state for state, _ in asked(site)[before:]] == ["applied"]
    assert site.world.broken() == {}


def test_a_visit_comes_back_to_a_day_that_was_asked_for_before(site: Site) -> None:
    """STO-01: without a key a day that is asked for twice is one request, and one after another day is not."""
    STAND_OF["pickup:visit"](site.world)
    days = ["2026-11-28", "2026-11-28", "2026-11-29", "2026-11-28"]
    for day in days:
        assert post(site, "pickup:visit", {"visit_on": day}).status_code == 202
        site.world.settle()
        shown = site.get("/v1/orders/salon/S-1", key=site.operator).json()
        assert shown["pickup"]["visit_on"] == day
    assert [state for state, _ in asked(site)] == ["applied"] * 3
    assert site.world.broken() == {}


@pytest.mark.parametrize(
    ("action", "other"),
    [
        ("cancel", {"reason": "another"}),
        ("lines:cancel", {"lines": [{"line": "1", "quantity": 1}]}),
        ("refunds", {"amount": 1}),
        ("coupons", {"coupons": []}),
    ],
)
def test_a_key_stands_for_one_request(site: Site, action: str, other: dict[str, Any]) -> None:
    """Nothing that an operator says is dropped in silence."""
    STAND_OF[action](site.world)
    assert post(site, action, key="k-1").status_code == 202
    assert "Idempotency-Key" in problem(post(site, action, other, key="k-1"), 409)["detail"]


class MeetingDesk(Desk):
    """A desk that keeps nothing until two requests, both looked at, have come to it."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self._two = asyncio.Barrier(2)

    async def event(self, event: Received) -> bool:
        await self._two.wait()
        return await super().event(event)


@pytest.mark.parametrize(("second", "answered"), [(1, [202, 409]), (2, [202, 202])], ids=["another", "the same"])
def test_a_key_stands_for_one_request_of_two_in_one_moment(site: Site, second: int, answered: list[int]) -> None:
    """Nothing that an operator says is dropped in silence, however fast another was."""
    released(site.world)
    state = site.app.state.shukka
    site.app.state.shukka = replace(state, desk=MeetingDesk(state.house))

    async def both() -> list[httpx.Response]:
        path, headers = "/v1/orders/salon/S-1/lines:cancel", {"idempotency-key": "k-1"}
        bodies = [{"lines": [{"line": "2", "quantity": pieces}]} for pieces in (2, second)]
        sent = [site.request("POST", path, key=site.operator, headers=headers, json=one) for one in bodies]
        return list(await asyncio.gather(*sent))

    answers = sorted(site.run(both), key=lambda answer: answer.status_code)
    assert [one.status_code for one in answers] == answered
    if answered == [202, 409]:
        assert "Idempotency-Key" in problem(answers[1], 409)["detail"]
    site.world.settle()
    assert [state for state, _ in asked(site)] == ["applied"]


@pytest.mark.parametrize("chunks", [[], [b""]], ids=["none", "an empty one"])
def test_nothing_at_all_asks_for_what_needs_nothing_however_it_is_sent(site: Site, chunks: list[bytes]) -> None:
    """A proxy sends a POST without a body in chunks, of which there are none."""
    released(site.world)

    async def body() -> AsyncIterator[bytes]:
        for one in chunks:
            yield one

    path = "/v1/orders/salon/S-1/cancel"
    answer = site.run(lambda: site.request("POST", path, key=site.operator, content=body()))
    assert answer.status_code == 202, answer.text


def test_one_key_may_be_used_for_two_actions(site: Site) -> None:
    held(site.world)
    assert post(site, "coupons", key="k-1").status_code == 202
    assert post(site, "cancel", key="k-1").status_code == 202
    assert len(asked(site)) == 2


def test_without_a_key_each_request_counts(site: Site) -> None:
    """Two of one moment see each other: the second is decided on what the first left, and refused with its reason."""
    released(site.world)
    whole = {"lines": [{"line": "2", "quantity": 2}]}
    assert [post(site, "lines:cancel", whole).status_code for _ in range(2)] == [202, 202]
    site.world.settle()
    (first, _), (second, why) = asked(site)
    assert (first, second) == ("applied", "refused")
    assert "0 pieces of line 2 have neither left nor been cancelled" in str(why)


def test_what_stopped_being_possible_is_refused_under_the_lock(site: Site) -> None:
    """CAN-06: the customer's cancel was taken while it could be granted, the supplier was told before it was decided."""
    site.order(document("S-1"))
    world = site.world
    world.decide("accept", "authorize")
    world.perform()
    world.decide("authorize")
    assert site.post("/v1/orders/salon/S-1/cancel").status_code == 202
    world.decide("split", "dispatch")
    world.perform()
    world.decide("dispatch", "cancel")
    assert asked(site) == [
        ("refused", "CAN-06: The goods have been released for dispatch, so the order can no longer be cancelled.")
    ]


@pytest.mark.parametrize(
    ("action", "body", "named"),
    [
        ("lines:cancel", {**ONE_PIECE, "colour": "red"}, ["colour"]),
        ("lines:cancel", {}, ["lines"]),
        ("lines:cancel", {"lines": [{"line": "1", "quantity": 1}] * 2}, ["lines[1].line"]),
        ("lines:cancel", {"lines": [{"line": "9", "quantity": 1}, {"line": "2", "quantity": 3}]},
         ["lines[0].line", "lines[1].quantity"]),
        ("release", {"reason": "x" * 501}, ["reason"]),
        ("release", [], ["order"]),
        ("refunds", {"amount": 0}, ["amount"]),
    ],
)  # fmt: skip
def test_a_request_that_is_wrong_names_its_fields(site: Site, action: str, body: Any, named: list[str]) -> None:
    released(site.world)
    assert fields(post(site, action, body)) == named
    assert asked(site) == []


def test_the_published_schema_has_every_action(site: Site) -> None:
    schema = site.get("/openapi.json", key=None).json()
    for action in REQUESTS:
        described = schema["paths"][f"/v1/orders/{{shop}}/{{number}}/{action}"]["post"]
        assert described["security"] == [{"key": []}]
        assert described["summary"]
        reference = described["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        assert reference.rpartition("/")[2] in schema["components"]["schemas"]
        assert described["requestBody"]["required"] == (bool(REQUESTS[action]) and action != "cancel")
