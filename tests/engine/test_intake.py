"""Intake: durable once, whatever comes together, twice or over the broker."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import dramatiq
import pytest
from dramatiq import Worker
from dramatiq.brokers.stub import StubBroker

from pipelines.orders.document import parse_order
from pipelines.orders.intake import Answer, Ending, Submission, take_in
from pipelines.orders.message import take_in_or_keep
from pipelines.values.card_number import find_card_number
from tests.world import World, a_line, document
from workers.actors import declare_intake
from workers.broker import INTAKE, middleware

ACCEPTED, REPEATED, CONFLICT, REFUSED, _BUSY, FAILED = Ending


def endings(answers: list[Answer]) -> list[Ending]:
    return [answer.ending for answer in answers]


def test_the_same_again_is_told_what_it_was_told_first(world: World) -> None:
    """INT-18."""
    world.take(document("S-1"))
    world.settle()
    (again,) = world.submit(document("S-1"))
    assert (again.ending, again.state) == (REPEATED, "accepted")
    spelled = document("S-1", placed_at="2026-11-20T00:00:00Z")
    assert endings(world.submit(spelled)) == [REPEATED], "the same moment, spelled in UTC"
    assert world.value("SELECT count(*) FROM shop_order") == 1


def test_other_content_under_the_same_number_is_a_conflict(world: World) -> None:
    """INT-18, CAN-02."""
    world.take(document("S-1"))
    (answer,) = world.submit(document("S-1", a_line(quantity=2)))
    assert answer.ending == CONFLICT
    assert "never changed" in answer.detail


@pytest.mark.parametrize(
    ("second", "key", "client", "ending"),
    [
        (document("S-1"), "k", 1, REPEATED),
        (document("S-2"), "k", 1, CONFLICT),
        (document("S-1", a_line(quantity=2)), "k", 1, CONFLICT),
        (document("S-2"), "k", 2, ACCEPTED),
        (document("S-2"), "other", 1, ACCEPTED),
        (document("S-1"), "other", 1, REPEATED),
    ],
    ids=["same", "another number", "other content", "another client's key", "another key", "same under another key"],
)
def test_a_key_stands_for_one_order(
    world: World, second: dict[str, Any], key: str, client: int, ending: Ending
) -> None:
    world.submit(document("S-1"), key="k", client=1)
    assert endings(world.submit(second, key=key, client=client)) == [ending]


def test_keys_in_one_group(world: World) -> None:
    """A key of an order that is known already and of a new one is the first one's."""
    world.submit(document("S-1"))
    both = [Submission(parse_order(document(number)), 1, "k") for number in ("S-1", "S-2", "S-1")]
    answers = take_in(world.engine, world.house.shops, world.clock, both)
    assert endings(answers) == [REPEATED, CONFLICT, REPEATED]
    assert endings(world.submit(document("S-2"), key="k", client=1)) == [CONFLICT]


def test_twins_in_one_group(world: World) -> None:
    """Requests that share a commit are answered as if one had come a moment later."""
    answers = world.submit(document("S-1"), document("S-1"), document("S-1", a_line(quantity=2)), document("S-2"))
    assert endings(answers) == [ACCEPTED, REPEATED, CONFLICT, ACCEPTED]
    assert world.value("SELECT count(*) FROM shop_order") == 2


def test_a_refused_one_takes_no_neighbour_with_it(world: World) -> None:
    wrong = document("S-2", shop="apparel", payment={"method": "direct_debit"})
    answers = world.submit(document("S-1"), wrong, document("S-3", totals={"grand_total": 1}), document("S-4"))
    assert endings(answers) == [ACCEPTED, REFUSED, REFUSED, ACCEPTED]
    assert [p.field for p in answers[2].problems] == ["totals.grand_total"]
    assert set(world.states()) == {"S-1", "S-4"}


@pytest.mark.parametrize("method", ["paypay", "konbini"])
def test_a_method_without_an_adapter_is_refused_before_the_customer_waits(world: World, method: str) -> None:
    (answer,) = world.submit(document("A-1", shop="apparel", payment={"method": method}))
    assert (answer.ending, [p.field for p in answer.problems]) == (REFUSED, ["payment.method"])


def together(world: World, documents: list[dict[str, Any]], threads: int = 8) -> Counter[Ending]:
    """Hand orders in from so many threads at once, each alone in its transaction."""
    from pipelines.orders.intake import take_in

    queue, found, lock = list(documents), Counter[Ending](), threading.Lock()
    start = threading.Barrier(threads)

    def run() -> None:
        start.wait()
        while True:
            with lock:
                if not queue:
                    return
                one = queue.pop()
            (answer,) = take_in(world.engine, world.shops, world.clock, [Submission(parse_order(one))])
            with lock:
                found[answer.ending] += 1

    runners = [threading.Thread(target=run) for _ in range(threads)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    return found


def test_a_race_for_one_number_has_one_winner(world: World) -> None:
    found = together(world, [document("S-1")] * 16)
    assert found == Counter({ACCEPTED: 1, REPEATED: 15})


def test_a_race_for_one_of_a_kind_has_one_winner(world: World) -> None:
    """INT-10: the first that completes has it; a cancel sets it free."""
    orders = [document(f"R-{n}", a_line(availability="unique", sku="BAG-1"), shop="reuse") for n in range(16)]
    assert together(world, orders) == Counter({ACCEPTED: 1, REFUSED: 15})
    (winner,) = world.states()
    world.tell(world.ask("order.cancel", winner, "reuse", operator=True))
    world.settle()
    again = document("R-99", a_line(availability="unique", sku="BAG-1"), shop="reuse")
    assert endings(world.submit(again)) == [ACCEPTED]
    assert world.broken() == {}


def test_one_of_a_kind_in_one_group(world: World) -> None:
    """INT-10."""
    twice = [document(n, a_line(availability="unique", sku="BAG-1"), shop="reuse") for n in ("R-1", "R-2")]
    assert endings(world.submit(*twice)) == [ACCEPTED, REFUSED]


@pytest.mark.parametrize(
    ("seconds", "winner"),
    [((2, 1), "R-2"), ((1, 2), "R-1"), ((1, 1), "R-1")],
    ids=["later first", "earlier first", "a tie"],
)
def test_of_one_group_the_one_that_was_completed_first_has_it(
    world: World, seconds: tuple[int, int], winner: str
) -> None:
    """INT-10: by the shop's own time, then by number; in whatever sequence they are handed in."""
    orders = [
        document(
            number,
            a_line(availability="unique", sku="BAG-1"),
            shop="reuse",
            placed_at=f"2026-11-20T08:59:0{second}+09:00",
        )
        for number, second in zip(("R-1", "R-2"), seconds, strict=True)
    ]
    if seconds[0] == seconds[1]:
        orders.reverse()
    answers = world.submit(*orders)
    assert [one.number for one in answers if one.ending == ACCEPTED] == [winner]
    assert [one.number for one in answers] == [one["number"] for one in orders]


def test_a_race_for_one_balance_never_overspends(world: World) -> None:
    """PTS-07: 32 orders want 300 points each; there are 1,000."""
    world.grant(600)
    world.grant(400)
    together(world, [document(f"S-{n}", points={"use": 300}) for n in range(32)])
    used = [row[0] for row in world.rows("SELECT sum(amount) FROM point_transfer WHERE kind = 'use' GROUP BY order_id")]
    assert sum(used) <= 1_000
    assert (sum(used), world.balance()) == (1_000 - world.balance()[1], (0, 1_000 - sum(used)))
    assert world.broken() == {}


def test_an_order_from_the_future_is_refused_until_its_time_has_come(world: World) -> None:
    """A clock of Japan that says it were UTC is nine hours ahead."""
    ahead = document("S-1", placed_at="2026-11-20T09:00:00Z")
    assert world.clock.now().isoformat() == "2026-11-20T09:00:00+09:00"
    (answer,) = world.submit(ahead)
    assert (answer.ending, [p.field for p in answer.problems]) == (REFUSED, ["placed_at"])
    assert "in +09:00, not in Z" in answer.problems[0].message
    world.clock.set(world.clock.now() + timedelta(hours=9))
    assert endings(world.submit(ahead)) == [ACCEPTED]


def test_what_is_refused_for_a_card_number_is_kept_without_it(world: World) -> None:
    """INT-17: neither in clear at rest nor in what is told of it, wherever it stood."""
    world.enrol("storefront", "salon-shop", shops=["salon"], url="https://salon.example/hooks")
    card = "4111 1111 1111 1111"
    in_remarks = document("S-1", remarks=f"カード {card}")
    take_in_or_keep(world.engine, world.shops, world.clock, in_remarks)
    take_in_or_keep(world.engine, world.shops, world.clock, {"shop": card, "number": "S-2", card: {"n": [card]}})
    take_in_or_keep(world.engine, world.shops, world.clock, document("S-3", shop="4111111111111111"))
    rows = world.rows("SELECT shop, number, document, problems FROM refused_order ORDER BY number")
    kept = [str(tuple(row)) for row in rows]
    told = [str(tuple(row)) for row in world.rows("SELECT * FROM effect")]
    assert [len(kept), len(told)] == [3, 1]
    assert "カード ****************" in kept[0]
    assert not any(find_card_number(one) or "4111" in one for one in kept + told)


@contextmanager
def working(world: World, broker: dramatiq.Broker) -> Iterator[None]:
    """A dramatiq worker with the storefront's way in."""
    declare_intake(broker, world.house)
    worker = Worker(broker, worker_timeout=20, worker_threads=2)
    worker.start()
    yield
    worker.stop()


def test_a_storefront_on_the_broker(world: World) -> None:
    """Contract: actor ``orders.accept``, queue ``intake``, one argument; what is refused is kept with its reasons."""
    broker = StubBroker(middleware=middleware())
    sent = [
        document("S-1"),
        document("S-1"),
        document("S-1", a_line(quantity=2)),
        document("S-2", totals={"grand_total": 1}),
        {"shop": "salon", "number": "S-3", "colour": "red"},
        "no order at all",
    ]
    with working(world, broker):
        for order in sent:
            broker.enqueue(
                dramatiq.Message(queue_name=INTAKE, actor_name="orders.accept", args=(order,), kwargs={}, options={})
            )
        broker.join(INTAKE)
    world.settle()
    assert world.states() == {"S-1": ("released", "running")}
    kept = {row.number: row.problems for row in world.rows("SELECT number, problems FROM refused_order")}
    assert set(kept) == {"S-1", "S-2", "S-3", None}
    assert [p["field"] for p in kept["S-2"]] == ["totals.grand_total"]
    assert "colour" in [p["field"] for p in kept["S-3"]]
    assert all(problem["message"] for problems in kept.values() for problem in problems)
