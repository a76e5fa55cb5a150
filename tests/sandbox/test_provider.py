"""What all fakes of real gateways are served with (gateways.md 10): a journal, faults, notices and a ledger that cannot lie."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.payments.providers import Fake, served
from tests.sandbox.world import eventually
from workers.clock import SettableClock
from workers.sandbox.gateways.ledger import Impossible, Kind, MoneyLedger
from workers.sandbox.gateways.provider import Posting, Provider
from workers.sandbox.http_server import Reply, Request, serving

NOON = datetime(2026, 11, 20, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)


class TeaHouse(Provider):
    """The smallest gateway: a hold an hour long, taken by another request, repeated by its key; a notice of each."""

    name = "tea_house"
    notice_retries = (0.02, 0.05)

    def __init__(self) -> None:
        super().__init__()
        self.holds: dict[str, datetime] = {}
        self.answers: dict[str, Reply] = {}

    def operation(self, request: Request) -> str | None:
        return {"/holds": "authorize", "/takes": "capture"}.get(request.path)

    def answer(self, request: Request, now: datetime) -> Reply:
        key = request.headers["key"]
        if key not in self.answers:
            self.answers[key] = self._act(request.path, request.json(), now)
        return self.answers[key]

    def _act(self, path: str, told: Mapping[str, Any], now: datetime) -> Reply:
        if path == "/holds":
            hold = self.identity("h")
            self.ledger.hold(hold, told["order"], told["amount"], now, "asked")
            self.holds[hold] = now + HOUR
        else:
            hold = told["hold"]
            self.ledger.take(hold, told["amount"], now, "asked")
        self.outbox.append(Posting(self.identity("n"), hold.encode()))
        return Reply(200, {"hold": hold})

    def under_way(self, request: Request) -> tuple[str, Reply] | None:
        return request.headers["key"], Reply(409)

    def failed(self, request: Request, reply: Reply) -> None:
        self.answers[request.headers["key"]] = reply

    def buyer(self, act: Mapping[str, Any], now: datetime) -> Reply:
        self.ledger.take(self.identity("cash"), act["amount"], now, "the buyer", order=act["order"])
        return Reply(200, {})

    def tick(self, now: datetime) -> None:
        for hold, ends in list(self.holds.items()):
            if now >= ends:
                del self.holds[hold]
                if held := self.ledger.payments[hold].held:
                    self.ledger.release(hold, held, ends, "time")

    def signed(self, posting: Posting, epoch: int) -> tuple[Mapping[str, str], bytes]:
        return {"x-signed-at": str(epoch), "x-id": posting.id}, posting.content


@contextmanager
def tea_house(journal: Path, **options: Any) -> Iterator[Fake]:
    clock = SettableClock(start=NOON, rate=1.0, anchor=time.time())
    with served(TeaHouse(), journal / "journal", **{"clock": clock, **options}) as fake:
        yield fake


def post(fake: Fake, path: str, told: Mapping[str, object], key: str = "k") -> httpx.Response:
    return httpx.post(f"{fake.url}{path}", json=told, headers={"key": key})


def hold(fake: Fake, key: str = "hold", order: str = "salon/S-1") -> httpx.Response:
    return post(fake, "/holds", {"order": order, "amount": 500}, key)


def moves(fake: Fake, order: str = "salon/S-1") -> list[tuple[Kind, int]]:
    return [(move.kind, move.amount) for move in fake.moves(order)]


def test_a_restart_stands_the_same_and_knows_its_keys(tmp_path: Path) -> None:
    with tea_house(tmp_path) as fake:
        first = hold(fake)
        post(fake, "/takes", {"hold": first.json()["hold"], "amount": 300}, "take")
        fake.buyer("pay", amount=70, order="salon/S-1")
        fake.clock(NOON + 2 * HOUR)
        before = list(fake.provider.ledger.moves)
    assert moves(fake) == [(Kind.HOLD, 500), (Kind.TAKE, 300), (Kind.TAKE, 70), (Kind.RELEASE, 200)]
    with tea_house(tmp_path) as again:
        assert again.provider.ledger.moves == before
        assert hold(again).json() == first.json()
        assert hold(again, "other").json() != first.json()
        told = httpx.get(f"{again.url}/_moves", params={"order": "salon/S-1"}).json()["moves"]
    assert [one["move"] for one in told] == ["hold", "take", "take", "release", "hold"]


def test_its_clock_runs_on_from_where_it_was_set_and_never_goes_back(tmp_path: Path) -> None:
    with tea_house(tmp_path) as fake:
        fake.clock(NOON + 48 * HOUR)
        fake.clock(NOON)
        assert parsedate_to_datetime(hold(fake).headers["date"]) >= NOON + 48 * HOUR
        assert fake.served.now() < fake.served.now()
    with tea_house(tmp_path) as again:
        assert parsedate_to_datetime(hold(again).headers["date"]) >= NOON + 48 * HOUR


@pytest.mark.parametrize(
    ("point", "how", "seen", "done"),
    [
        ("before", "cut", None, False),
        ("before", "500", 500, False),
        ("before", "429", 429, False),
        ("after", "cut", None, True),
        ("after", "502", 502, True),
        ("after", "empty", 200, True),
        ("after", "garbage", 200, True),
        ("slow", "cut", 200, True),
    ],
)
def test_a_struck_operation_fails_once_at_its_point(
    tmp_path: Path, point: str, how: str, seen: int | None, done: bool
) -> None:
    with tea_house(tmp_path, faults={"slow": 0.05}) as fake:
        fake.strike("authorize", point, how)
        if seen is None:
            with pytest.raises(httpx.RemoteProtocolError):
                hold(fake)
        else:
            assert hold(fake).status_code == seen
        assert moves(fake) == ([(Kind.HOLD, 500)] if done else [])
        assert hold(fake).json()["hold"]
        assert moves(fake) == [(Kind.HOLD, 500)]


def test_a_gateway_that_remembers_its_own_failure_repeats_it_after_a_restart_too(tmp_path: Path) -> None:
    with tea_house(tmp_path) as fake:
        fake.strike("authorize", "after", "500")
        assert [hold(fake).status_code for _ in range(2)] == [500, 500]
    with tea_house(tmp_path) as again:
        assert hold(again).status_code == 500
        assert moves(again) == [(Kind.HOLD, 500)]


def test_a_strike_that_is_none_is_refused(tmp_path: Path) -> None:
    with tea_house(tmp_path) as fake, pytest.raises(httpx.HTTPStatusError):
        fake.strike("authorize", "beside", "cut")


def test_a_repetition_beside_the_first_is_told_so(tmp_path: Path) -> None:
    async def both(url: str) -> set[int]:
        async with httpx.AsyncClient() as client:
            asked = {"order": "salon/S-1", "amount": 500}
            answers = [client.post(f"{url}/holds", json=asked, headers={"key": "k"}) for _ in range(2)]
            return {answer.status_code for answer in await asyncio.gather(*answers)}

    with tea_house(tmp_path, faults={"latency": 0.2}) as fake:
        assert asyncio.run(both(fake.url)) == {200, 409}
        assert moves(fake) == [(Kind.HOLD, 500)]


def test_more_than_it_takes_in_a_second_is_refused(tmp_path: Path) -> None:
    with tea_house(tmp_path, faults={"per_second": 2}) as fake:
        refused = [hold(fake, f"k{i}").status_code for i in range(8)].count(429)
        assert refused > 0
        assert len(moves(fake)) == 8 - refused


class Receiver:
    """A shop that takes notices after refusing the first ``refused`` of them."""

    def __init__(self, refused: int = 0) -> None:
        self.ids: list[str] = []
        self._refused = refused

    async def __call__(self, request: Request) -> Reply:
        self.ids.append(request.headers["x-id"])
        return Reply(500 if len(self.ids) <= self._refused else 200)


def noticed(
    journal: Path, receiver: Receiver, faults: Mapping[str, float], until: Callable[[], bool], asked: int = 1
) -> None:
    """Hold ``asked`` times at a fake that posts to ``receiver``, and wait ``until``."""

    async def scenario() -> None:
        async with serving(receiver) as port:
            with tea_house(journal, notices=f"http://127.0.0.1:{port}", faults=faults) as fake:
                for number in range(asked):
                    await asyncio.to_thread(hold, fake, f"k{number}")
                await eventually(until)

    asyncio.run(scenario())


def test_a_notice_is_repeated_until_it_is_acknowledged(tmp_path: Path) -> None:
    receiver = Receiver(refused=2)
    noticed(tmp_path, receiver, {}, lambda: len(receiver.ids) == 3)
    assert len(set(receiver.ids)) == 1


def test_a_notice_may_come_twice(tmp_path: Path) -> None:
    receiver = Receiver()
    noticed(tmp_path, receiver, {"notice_twice_rate": 1}, lambda: len(receiver.ids) == 2)
    assert len(set(receiver.ids)) == 1


def test_late_notices_come_in_another_order(tmp_path: Path) -> None:
    receiver = Receiver()
    noticed(tmp_path, receiver, {"notice_late": 0.5}, lambda: len(receiver.ids) == 8, asked=8)
    assert receiver.ids != sorted(receiver.ids)


def test_a_lost_notice_stays_lost_and_one_not_acknowledged_is_posted_after_a_restart(tmp_path: Path) -> None:
    receiver = Receiver()
    with tea_house(tmp_path, notices="http://127.0.0.1:9", faults={"notice_lost_rate": 1}) as fake:
        hold(fake, "lost")
        fake.faults(notice_lost_rate=0)
        hold(fake, "kept")
        lost, kept = [posting.id for posting in fake.served.told]
    noticed(tmp_path, receiver, {}, lambda: len(receiver.ids) == 2)
    assert kept in receiver.ids
    assert lost not in receiver.ids


def test_a_ledger_refuses_what_cannot_be() -> None:
    ledger = MoneyLedger()
    ledger.hold("p", "salon/S-1", 500, NOON, "asked")
    ledger.take("p", 300, NOON, "asked")
    ledger.give_back("p", 300, NOON, "asked")
    for wrong in (
        lambda: ledger.take("p", 100, NOON, "a second capture"),
        lambda: ledger.take("other", 100, NOON, "nothing is held"),
        lambda: ledger.give_back("p", 1, NOON, "more than was taken"),
        lambda: ledger.hold("p", "salon/S-1", 0, NOON, "nothing"),
    ):
        with pytest.raises(Impossible):
            wrong()
    several = MoneyLedger(captures=2)
    several.hold("p", "salon/S-1", 500, NOON, "asked")
    several.take("p", 300, NOON, "asked")
    several.take("p", 200, NOON, "asked")
    with pytest.raises(Impossible):
        several.release("p", 1, NOON, "more than is held")


def test_a_fake_that_moves_money_that_is_not_there_fails_its_test(tmp_path: Path) -> None:
    def wrong() -> None:
        with tea_house(tmp_path) as fake:
            held = hold(fake).json()["hold"]
            assert post(fake, "/takes", {"hold": held, "amount": 501}, "take").status_code == 500

    with pytest.raises(Impossible):
        wrong()
