"""Statements on real engines: each transfer is its order's deposit once, the rest waits for a human (PAY-07, B.6.7)."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from models.database import statements_sent
from models.store import deposits
from models.store.orders import OrderKey
from pipelines.customers.erase import forget
from pipelines.deposits import Imported, import_statement
from pipelines.engine.inbox import assign, dismiss
from pipelines.errors import Conflict, Invalid, NotFound
from pipelines.retention import RETENTION
from pipelines.rules.deposits import Outcome
from pipelines.statements import FORMATS
from pipelines.statements.statement import Statement
from tests.rules.build import at
from tests.statements.files import Entry, Line, account_03, csv_of, zengin
from tests.world import World, document
from workers.periodic import Timekeeper

TODAY = date(2026, 11, 20)
DUE = 11_000


def unpaid(world: World, *numbers: str, name: str = "髙橋 﨑子") -> None:
    for number in numbers:
        order = document(number, customer=f"M-{number}", payment={"method": "bank_transfer"})
        order["customer"]["name"] = name
        world.take(order)
    world.settle()


def read_zengin(*lines: Line) -> Statement:
    return FORMATS["zengin"].read(zengin(account_03(lines, made_on="081120")), TODAY)


def line(amount: int, payer: str, reference: int = 1) -> Line:
    return Line(amount, payer, day="081120", reference=f"{reference:08d}")


def load(world: World, statement: Statement, **options: Any) -> Imported:
    return import_statement(world.engine, world.clock, world.shops, statement, **options)


def told(imported: Imported) -> list[tuple[int, str, str | None]]:
    """(row, outcome, number) of each new one."""
    return [(row.row, one.outcome, one.order.number if one.order else None) for row, one in imported.found]


def everything(world: World) -> list[tuple[Any, ...]]:
    return [
        tuple(row)
        for row in world.rows("SELECT event_id, state, order_id, body::text, reason FROM inbox_event ORDER BY 1")
    ]


def test_a_statement_releases_what_was_paid_and_holds_what_differs(world: World) -> None:
    unpaid(world, "S-1001", "S-1002", "S-1003")
    unpaid(world, "S-1004", name="ヤマダ ハナコ")
    statement = read_zengin(
        line(DUE, "S1001 ﾀｶﾊｼ", 1), line(DUE - 440, "S-1002 ﾀｶﾊｼ", 2), line(DUE, "ﾔﾏﾀﾞ ﾊﾅｺ", 3), line(777, "ﾀﾞﾚｶ", 4),
        Line(-300, "ﾃｽｳﾘﾖｳ", day="081120"),
    )  # fmt: skip
    imported = load(world, statement)
    assert told(imported) == [
        (2, "matched", "S-1001"), (3, "mismatched", "S-1002"), (4, "matched", "S-1004"), (5, "unknown", None),
    ]  # fmt: skip
    assert (imported.rows, imported.known) == (5, 0)
    world.settle()
    assert {number: state for number, (state, _) in world.states().items()} == {
        "S-1001": "released", "S-1002": "awaiting_payment", "S-1003": "awaiting_payment", "S-1004": "released",
    }  # fmt: skip
    assert [hold["reason"] for hold in world.show("S-1002")["hold"]] == ["deposit_mismatch"]
    assert world.broken() == {}


def test_the_same_file_again_changes_nothing(world: World) -> None:
    unpaid(world, "S-1001", "S-1002")
    statement = read_zengin(line(DUE, "S1001"), line(DUE, "S1001"), line(7, "ﾀﾞﾚｶ"))
    assert told(load(world, statement)) == [(2, "matched", "S-1001"), (3, "mismatched", "S-1001"), (4, "unknown", None)]
    before = everything(world)
    assert (load(world, statement).known, load(world, statement).found) == (3, ())
    assert everything(world) == before
    world.settle()
    assert world.show("S-1001")["payment"]["captured"] == 2 * DUE, "two equal rows are two payments"
    assert (load(world, statement).known, world.broken()) == (3, {})


def test_imports_of_one_file_at_once_book_it_once(world: World) -> None:
    numbers = [f"S-{n}" for n in range(101, 109)]
    unpaid(world, *numbers)
    statement = read_zengin(*(line(DUE, number) for number in numbers), line(7, "ﾀﾞﾚｶ"))
    with ThreadPoolExecutor(4) as pool:
        imports = list(pool.map(lambda _: load(world, statement), range(8)))
    assert sorted(len(one.found) for one in imports) == [0] * 7 + [9]
    world.settle()
    assert {world.show(number)["payment"]["captured"] for number in numbers} == {DUE}
    assert world.broken() == {}


def test_a_dry_run_says_the_same_and_writes_nothing(world: World) -> None:
    unpaid(world, "S-1001")
    statement = read_zengin(line(DUE, "S1001"), line(7, "ﾀﾞﾚｶ"))
    planned = load(world, statement, dry_run=True)
    assert everything(world) == []
    assert planned == load(world, statement)


def test_a_part_and_its_rest_may_come_before_either_was_decided(world: World) -> None:
    unpaid(world, "S-1001")
    assert told(load(world, read_zengin(line(6_000, "S1001", 1)))) == [(2, "mismatched", "S-1001")]
    assert told(load(world, read_zengin(line(5_000, "S1001", 2)))) == [(2, "matched", "S-1001")]
    world.settle()
    assert world.states()["S-1001"] == ("released", "running")


def test_late_money_goes_to_its_order_and_is_due_back(world: World) -> None:
    unpaid(world, "S-1001")
    world.clock.advance(days=9)
    world.settle()
    assert world.states()["S-1001"][0] == "cancelled"
    assert told(load(world, read_zengin(line(DUE, "S1001")))) == [(2, "mismatched", "S-1001")]
    world.settle()
    assert [hold["reason"] for hold in world.show("S-1001")["hold"]] == ["refund_due"]


def test_money_for_an_order_by_card_is_a_humans(world: World) -> None:
    world.take(document("S-1001"))
    world.settle()
    load(world, read_zengin(line(DUE, "S1001")))
    world.settle()
    assert [hold["reason"] for hold in world.show("S-1001")["hold"]] == ["unexpected_deposit"]


def test_money_that_should_have_gone_to_an_orders_own_account_at_a_gateway_is_a_humans(world: World) -> None:
    """The gateway tells of what comes to its virtual account; what names it here came astray."""
    unpaid(world, "S-1001", name="ヤマダ ハナコ")
    instructions = json.dumps({"account": {"number": "7654321"}})
    world.execute("UPDATE payment SET gateway = 'sandbox', instructions = CAST(:told AS jsonb)", told=instructions)
    imported = load(world, read_zengin(line(DUE, "7654321 ﾔﾏﾀﾞ", 1), line(DUE, "ﾔﾏﾀﾞ ﾊﾅｺ", 2)))
    assert told(imported) == [(2, "mismatched", "S-1001"), (3, "unknown", None)]
    (_, finding), _ = imported.found
    assert finding.because == "the order awaits no transfer to this account"


def test_an_account_that_is_no_shops_is_refused_and_a_shops_own_is_for_its_orders_alone(world: World) -> None:
    """Account 0000004 of branch 001 is salon's; reuse has 0000003."""
    world.take(document("R-1", shop="reuse", customer="M-9", payment={"method": "bank_transfer"}))
    world.settle()
    assert told(load(world, read_zengin(line(DUE, "R1")))) == [(2, "unknown", None)]
    for account, branch in (("0000000009", "001"), ("0000000004", "002")):
        strange = zengin(account_03([line(DUE, "S1001")], made_on="081120", account=account, branch=branch))
        with pytest.raises(Invalid, match="is no shop's"):
            load(world, FORMATS["zengin"].read(strange, TODAY))


def test_a_download_that_names_no_account_is_the_same_with_and_without_one(world: World) -> None:
    """No account can be told from the other by mistake: what was read once is known."""
    unpaid(world, "S-1001")
    statement = FORMATS["smbc"].read(csv_of("smbc", [Entry("2026/11/20", DUE, "S1001", 50_000)]), TODAY)
    with pytest.raises(Invalid, match="0000002, 0000003, 0000004"):
        load(world, statement, account="1234567")
    assert told(load(world, statement, account="0000003")) == [(2, "unknown", None)]
    assert load(world, statement).known == 1
    assert told(load(world, statement, account="0000004")) == [(2, "matched", "S-1001")], "another account"
    assert load(world, statement).known == 1


def test_who_sent_it_is_kept_only_while_no_order_has_it(world: World) -> None:
    unpaid(world, "S-1001", "S-1002")
    load(world, read_zengin(line(DUE, "S1001 ﾋﾐﾂﾉﾅ"), line(5, "ﾋﾐﾂﾉﾅ"), line(6, "ﾋﾐﾂﾉﾅ")))
    first, second = (row.id for row in world.rows("SELECT id FROM inbox_event WHERE order_id IS NULL ORDER BY id"))
    assert world.value("SELECT count(*) FROM inbox_event WHERE body::text LIKE '%ﾋﾐﾂﾉﾅ%'") == 2
    with world.engine.begin() as connection:
        assign(connection, first, OrderKey("salon", "S-1002"), world.clock.now())
        dismiss(connection, second, "interest")
    assert world.value("SELECT count(*) FROM inbox_event WHERE body::text LIKE '%ﾋﾐﾂﾉﾅ%'") == 0
    world.settle()
    assert [hold["reason"] for hold in world.show("S-1002")["hold"]] == ["deposit_mismatch"]
    assert load(world, read_zengin(line(5, "ﾋﾐﾂﾉﾅ"))).known == 1, "it counts once, whoever said whose it is"
    with world.engine.begin() as connection, pytest.raises(NotFound):
        assign(connection, first, OrderKey("salon", "S-1001"), world.clock.now())
    assert world.broken() == {}


def test_what_brought_no_money_can_be_no_deposit(world: World) -> None:
    unpaid(world, "S-1001")
    load(world, read_zengin(line(-DUE, "ｸﾐﾓﾄﾞｼ S1001")))
    event_id = world.value("SELECT id FROM inbox_event")
    with world.engine.begin() as connection, pytest.raises(Conflict, match="brought no money"):
        assign(connection, event_id, OrderKey("salon", "S-1001"), world.clock.now())
    with world.engine.begin() as connection, pytest.raises(NotFound, match="there is no transfer 99"):
        dismiss(connection, 99, "interest")


def test_a_notice_for_no_order_can_be_assigned_too(world: World) -> None:
    unpaid(world, "S-1001")
    world.tell(world.deposit("S-10001", DUE))
    with world.engine.begin() as connection:
        (row,) = deposits.unassigned(connection)
        assign(connection, row.id, OrderKey("salon", "S-1001"), world.clock.now())
    world.settle()
    assert world.states()["S-1001"] == ("released", "running")


def test_a_person_who_is_forgotten_is_in_no_transfer_any_more_and_the_money_stays(world: World) -> None:
    """By the name as it was ordered under, and by the number of an order; the neighbour's row is untouched."""
    unpaid(world, "S-1001", "S-1002", name="ワスレタ レイコ")
    unpaid(world, "S-1003", name="ノコル ジロウ")
    load(world, read_zengin(line(1, "ﾜｽﾚﾀ ﾚｲｺ"), line(2, "S1001 S1003 ｶﾅｼﾗｽﾞ"), line(3, "ﾉｺﾙ ｼﾞﾛｳ")))
    world.at(world.clock.now().replace(month=12, day=20))
    forget(world.engine, world.shops["salon"], world.clock, "M-S-1001", by="operations")
    with world.engine.connect() as connection:
        rows = deposits.unassigned(connection)
    assert world.value("SELECT count(*) FROM inbox_event WHERE body ? 'text'") == 1
    assert sorted((row.body["amount"], "ﾉｺﾙ" in json.dumps(row.body, ensure_ascii=False)) for row in rows) == [
        (1, False), (2, False), (3, True),
    ]  # fmt: skip


def test_who_sent_it_goes_when_it_was_kept_long_enough_and_the_money_stays(world: World) -> None:
    unpaid(world, "S-1001")
    load(world, read_zengin(line(1, "ﾀﾞﾚｶ")))
    longest = max(shop.retention.quarantine_days for shop in world.shops.values())
    booked = at("2026-11-20 00:00:00")
    for days, kept in ((longest, True), (longest + 1, False), (longest + 2, False)):
        world.clock.set(booked + timedelta(days=days, hours=9))
        Timekeeper(world.engine, world.shops, world.runner.renderer, world.clock, jobs=(RETENTION,)).look()
        (row,) = world.rows("SELECT state, reason, body FROM inbox_event WHERE order_id IS NULL")
        assert (row.state, row.body["amount"], "text" in row.body) == ("quarantined", 1, kept)
        assert "no order has its number" in row.reason


@given(st.data())
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_downloads_that_overlap_in_any_order_book_each_deposit_once(
    world: World, fresh: Callable[[], None], data: st.DataObject
) -> None:
    fresh()
    numbers = [f"S-{1001 + n}" for n in range(4)]
    unpaid(world, *numbers)
    paid = data.draw(
        st.lists(st.tuples(st.integers(1, 9), st.sampled_from(numbers), st.sampled_from([DUE, 500])), max_size=10)
    )
    balance, account = 0, []
    for day, number, amount in sorted(paid):
        balance += amount
        account.append((day, Entry(f"2026/11/0{day}", amount, number, balance)))
    windows = data.draw(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=3))
    for first, last in data.draw(st.permutations([*windows, (1, 5), (4, 9)])):
        entries = [entry for day, entry in account if first <= day <= last]
        load(world, FORMATS["smbc"].read(csv_of("smbc", entries), TODAY), account="0000004")
        if data.draw(st.booleans()):
            world.settle()
    world.settle()
    for number in numbers:
        assert world.show(number)["payment"]["captured"] == sum(amount for _, one, amount in paid if one == number)
    assert world.broken() == {}


@pytest.fixture
def fresh(world: World) -> Callable[[], None]:
    """Empties the house between two examples."""
    tables = ", ".join(
        row.tablename
        for row in world.rows(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        )
    )
    return lambda: world.execute(f"TRUNCATE {tables}")


def counted(engine: Engine, act: Callable[[], object]) -> int:
    """How many statements it takes."""
    before = statements_sent(engine)
    act()
    return statements_sent(engine) - before


def test_statements_do_not_grow_with_rows_or_with_orders_that_wait(world: World) -> None:
    """5,000 rows against 20,000 orders take as many as two rows against one."""
    unpaid(world, "S-1")
    few = counted(world.engine, lambda: load(world, read_zengin(line(1, "S1"), line(2, "ﾀﾞﾚｶ"))))
    columns = "content_hash, locale, state, condition, method, currency, grand_total, placed_at, accepted_at, version, sequence"
    world.execute(
        f"""INSERT INTO shop_order (shop, number, customer_id, {columns})
            SELECT shop, 'S-' || n, '', {columns} FROM shop_order, generate_series(100000, 119999) n"""
    )
    world.execute(
        """INSERT INTO order_document SELECT o.id, d.document, d.breakdown FROM shop_order o, order_document d
           WHERE o.number <> 'S-1'"""
    )
    world.execute(
        """INSERT INTO payment (order_id, method, state, currency, amount, authorized, captured, refunded, refunded_by_hand)
           SELECT o.id, p.method, p.state, p.currency, p.amount, 0, 0, 0, 0 FROM shop_order o, payment p WHERE o.number <> 'S-1'"""
    )
    rows = read_zengin(*(line(DUE if n % 2 else 7, f"S{100_000 + n} ﾔﾏﾀﾞ", n) for n in range(5_000)))
    found: list[Imported] = []
    many = counted(world.engine, lambda: found.append(load(world, rows)))
    assert many == few
    outcomes = [one.outcome for _, one in found[0].found]
    assert (outcomes.count(Outcome.MATCHED), outcomes.count(Outcome.MISMATCHED)) == (2_500, 2_500)
