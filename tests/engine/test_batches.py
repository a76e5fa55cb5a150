"""Batches: one bad order takes nobody with it, two runners never decide one order, cost does not grow with size."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime

import pytest

from models.database import statements_sent
from models.states import OrderState, PaymentState
from models.store import orders
from pipelines.engine.apply import StaleFacts, apply
from pipelines.engine.decision import EffectIntent, Move
from pipelines.engine.draft import OrderDraft
from pipelines.engine.facts import Need
from pipelines.engine.gather import facts_of
from pipelines.engine.ledger import Ledger
from pipelines.engine.stage import Stage
from pipelines.route import ROUTE, STAGES
from pipelines.shops import Shop
from tests.world import World, a_line, document

AUTHORIZE = STAGES["authorize"]


def on_delivery(number: str) -> dict[str, object]:
    """An order that authorize releases at once."""
    return document(number, payment={"method": "cod"})


def due(world: World, count: int) -> list[str]:
    """So many orders, due at authorize."""
    numbers = [f"S-{n}" for n in range(count)]
    world.take(*(on_delivery(number) for number in numbers))
    world.decide("accept")
    return numbers


def _crashes(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    if draft.facts.number == "S-3":
        raise ZeroDivisionError
    AUTHORIZE.decide(draft, shop, now)


def _jumps(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    AUTHORIZE.decide(draft, shop, now)
    if draft.facts.number == "S-3":
        draft.move_order(OrderState.DELIVERED, "a bug")


def _captures_too_much(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    AUTHORIZE.decide(draft, shop, now)
    if draft.facts.number == "S-3":
        draft.move_payment(PaymentState.CAPTURED, "a bug", captured=1)


def _writes_nul(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    AUTHORIZE.decide(draft, shop, now)
    if draft.facts.number == "S-3":
        draft.move_payment(PaymentState.CAPTURED, "a bug\x00")


def _reads_what_it_did_not_ask_for(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    if draft.facts.number == "S-3":
        list(draft.parcels)
    AUTHORIZE.decide(draft, shop, now)


def _names_a_stage_out_of_turn(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    AUTHORIZE.decide(draft, shop, now)
    if draft.facts.number == "S-3":
        draft.next("reward", now)


def _moves_what_no_table_knows(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    AUTHORIZE.decide(draft, shop, now)
    if draft.facts.number == "S-3":
        draft.decision().moves.append(Move("toy", "T-1", None, "new", "a bug"))


def _asks_with_what_is_no_json(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    AUTHORIZE.decide(draft, shop, now)
    if draft.facts.number == "S-3":
        draft.ask(EffectIntent("payment.void", "a bug", payload={"amount": object()}))


def _says_what_no_row_can_hold(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    AUTHORIZE.decide(draft, shop, now)
    if draft.facts.number == "S-3":
        draft.decision().marks.append(("a bug",))  # type: ignore[arg-type]


def _asks_for_what_it_does_not_declare(draft: OrderDraft, shop: Shop, now: datetime) -> None:
    AUTHORIZE.decide(draft, shop, now)
    if draft.facts.number == "S-3":
        draft.ask(EffectIntent("supplier.instruct", "SH-3:requested"))


@pytest.mark.parametrize(
    ("poison", "error"),
    [
        (_crashes, "ZeroDivisionError at "),
        (_jumps, "IllegalMove: order: authorized -> delivered is not allowed"),
        (_captures_too_much, "CheckViolation ck_payment_captured"),
        (_writes_nul, "CharacterNotInRepertoire"),
        (_reads_what_it_did_not_ask_for, "Undeclared: parcels was read, but Need.PARCELS was not asked for"),
        (_names_a_stage_out_of_turn, "Undeclared: authorize does not lead to reward"),
        (_moves_what_no_table_knows, "IllegalMove: toy: no table of states is of such an entity"),
        (_asks_with_what_is_no_json, "TypeError at "),
        (_says_what_no_row_can_hold, "ValueError at "),
        (_asks_for_what_it_does_not_declare, "Undeclared: authorize does not ask for supplier.instruct"),
    ],
)
def test_a_poisonous_order_is_set_aside_and_its_neighbours_go_on(world: World, poison: object, error: str) -> None:
    """Whatever is wrong with it: its decision, what the database refuses, or what cannot even be written down."""
    world.enrol("storefront", "shop", url="https://shop.example/events")
    numbers = due(world, 8)
    result = world.runner.run_batch(replace(AUTHORIZE, decide=poison))  # type: ignore[arg-type]
    assert (result.claimed, result.decided) == (8, 7)
    authorized = {n for n, (state, _) in world.states().items() if state == "authorized"}
    assert authorized == set(numbers) - {"S-3"}
    (left,) = world.rows(
        "SELECT o.number, w.attempts, w.error, w.retry_at > now() AS later FROM work w JOIN shop_order o ON o.id = w.order_id WHERE w.stage = 'authorize'"
    )
    assert (left.number, left.attempts, left.later) == ("S-3", 1, True)
    assert str(left.error).startswith(error)
    assert world.runner.run_batch(AUTHORIZE).claimed == 0, "it backs off"
    world.hurry()
    assert world.runner.run_batch(AUTHORIZE).decided == 1, "and is taken again"


def test_the_back_off_grows_and_news_ends_it(world: World) -> None:
    due(world, 4)
    poisoned = replace(AUTHORIZE, decide=_crashes)
    pauses = []
    for _ in range(4):
        world.runner.run_batch(poisoned)
        pauses.append(
            float(world.value("SELECT extract(epoch FROM retry_at - now()) FROM work WHERE stage = 'authorize'"))
        )
        world.hurry()
    assert pauses == sorted(pauses)
    assert pauses[-1] > 4 * pauses[0]
    world.runner.run_batch(poisoned)
    world.tell(world.deposit("S-3", 1))
    assert world.runner.run_batch(AUTHORIZE).claimed == 1


def test_a_mail_that_cannot_be_rendered_is_its_own_orders_trouble(world: World) -> None:
    def unrenderable(draft: OrderDraft, shop: Shop, now: datetime) -> None:
        STAGES["accept"].decide(draft, shop, now)
        if draft.facts.number == "S-3":
            mails = draft.decision().mails
            mails[:] = [replace(mail, context={}) for mail in mails]

    world.take(*(on_delivery(f"S-{n}") for n in range(5)))
    assert world.runner.run_batch(replace(STAGES["accept"], decide=unrenderable)).decided == 4
    assert world.value("SELECT count(*) FROM mail") == 4
    assert world.value("SELECT count(*) FROM work WHERE stage = 'accept'") == 1


def test_a_duplicate_bell_finds_nothing_to_do(world: World) -> None:
    due(world, 3)
    assert [world.runner.run_batch(AUTHORIZE).decided for _ in range(3)] == [3, 0, 0]
    assert world.value("SELECT count(*) FROM transition WHERE to_state = 'authorized'") == 3


def test_two_runners_never_decide_one_order_twice(world: World) -> None:
    due(world, 300)
    start, decided, faults = threading.Barrier(4), [], []

    def run() -> None:
        start.wait()
        try:
            while (result := world.runner.run_batch(AUTHORIZE, limit=20)).claimed:
                decided.append(result.decided)
        except Exception as fault:  # noqa: BLE001 - shown by the assertion below
            faults.append(fault)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sum(decided), faults) == (300, [])
    assert world.value("SELECT count(*) FROM transition WHERE to_state = 'authorized'") == 300
    assert world.value("SELECT count(*) FROM work WHERE stage = 'authorize'") == 0


def test_an_order_that_is_being_decided_is_skipped_and_taken_later(world: World) -> None:
    """A cancel that comes during a decision waits for it, and never waits in a lock."""
    due(world, 2)
    world.tell(world.ask("order.cancel", "S-0"), world.ask("order.cancel", "S-1"))
    claimed: list[int] = []

    def meanwhile(draft: OrderDraft, shop: Shop, now: datetime) -> None:
        claimed.append(world.runner.run_batch(STAGES["cancel"]).claimed)
        AUTHORIZE.decide(draft, shop, now)

    world.runner.run_batch(replace(AUTHORIZE, decide=meanwhile))
    assert claimed == [0, 0]
    assert world.runner.run_batch(STAGES["cancel"]).decided == 2


def test_a_decision_on_older_facts_is_dropped(world: World) -> None:
    due(world, 1)
    with world.engine.connect() as connection:
        row = orders.by_number(connection, "salon", "S-0")
        assert row is not None
        (old,) = facts_of(connection, AUTHORIZE, [row], world.clock.now())
    world.decide("authorize")
    decision = AUTHORIZE.decision(old, world.shops["salon"], world.clock.now())
    with world.engine.begin() as connection, pytest.raises(StaleFacts):
        apply(connection, AUTHORIZE, [decision], [], Ledger(connection, world.clock.now()), world.clock.now())
    assert world.value("SELECT count(*) FROM transition WHERE to_state = 'authorized'") == 1


def test_a_stage_that_snoozes_wakes_at_its_moment(world: World) -> None:
    later = world.clock.now().replace(hour=18)

    def snooze(draft: OrderDraft, shop: Shop, now: datetime) -> None:
        draft.again(later)

    due(world, 1)
    sleepy = Stage("authorize", snooze, Need.NOTHING)
    assert [world.runner.run_batch(sleepy).claimed for _ in range(2)] == [1, 0]
    world.clock.set(later)
    assert world.runner.run_batch(AUTHORIZE).decided == 1


def statements(world: World, orders: int) -> list[tuple[str, int]]:
    """(step, statements) over the whole life of so many orders, each step in one batch."""
    steps: list[tuple[str, int]] = []

    def step(name: str, act: object) -> None:
        before = statements_sent(world.engine)
        act()  # type: ignore[operator]
        steps.append((name, statements_sent(world.engine) - before))

    world.enrol("supplier", "maker-a", url="https://maker.example/hook")
    for n in range(orders):
        world.grant(100, f"M-{n}", "clinic")
    numbers = [f"C-{n}" for n in range(orders)]
    documents = [
        document(
            n,
            a_line("1", 2, supplier="maker-a", points_rate="0.1"),
            a_line("2"),
            customer=f"M-{i}",
            shop="clinic",
            points={"use": 50},
        )
        for i, n in enumerate(numbers)
    ]
    step("take in", lambda: world.take(*documents))
    for _ in range(3):
        for stage in ROUTE:
            step(stage.name, lambda stage=stage: world.runner.run_batch(stage))
        world.perform()
    shipments = world.rows("SELECT id, supplier FROM shipment ORDER BY id")
    news = [world.shipped(one.id, one.supplier) for one in shipments]
    step("receive", lambda: world.tell(*news))
    for _ in range(2):
        for stage in ROUTE:
            step(stage.name, lambda stage=stage: world.runner.run_batch(stage))
        world.perform()
    assert set(world.states().values()) == {("shipped", "done")}
    return steps


def test_the_number_of_statements_does_not_grow_with_the_batch(world: World) -> None:
    one = statements(world, 1)
    world.execute(
        "TRUNCATE shop_order, client, point_lot, point_transfer, point_balance, transition, effect, mail, inbox_event, work, effect_lease CASCADE"
    )
    assert statements(world, 200) == one
