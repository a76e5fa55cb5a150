"""A database of a version before is met by this one: it reads every order and carries each to its end.

``databases/NNNN.sql`` is what ``tests.store.dump`` printed with the code whose newest revision was NNNN. Whoever writes a
migration adds what must be true after it to the tests below, and prints the database of the revision before if the one of
an older version says nothing of the tables concerned.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine

from models import migrations
from models.database import MIGRATE, connect
from models.migrations import upgrade
from models.schema import metadata
from models.states import OrderState, PaymentState
from models.store import holds
from models.subject import ORDER
from pipelines.engine.gather import hold_of
from pipelines.gateway import Answer, Snapshot
from pipelines.ports import Verdict
from pipelines.values.mail_address import mailbox_key
from tests.conftest import Running
from tests.outside import Card
from tests.rules.build import at
from tests.world import World, document
from workers.mail.rendering import Renderer

DATABASES = sorted((Path(__file__).parent / "databases").glob("*.sql"))


@pytest.fixture(scope="module", params=DATABASES, ids=lambda path: path.stem)
def left(request: pytest.FixtureRequest, running: Running) -> Iterator[str]:
    """The name of a database as an older version left it, brought to the newest revision."""
    path: Path = request.param
    name = f"shukka_of_{path.stem}"
    running.execute(f"CREATE DATABASE {name}")
    engine = connect(running.database_url(name), MIGRATE)
    upgrade(engine, path.stem)
    with engine.begin() as connection:
        assert connection.connection.driver_connection is not None
        connection.connection.driver_connection.execute(path.read_text("utf-8"))  # many statements at once
    upgrade(engine)
    engine.dispose()
    yield name
    running.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def world(left: str, running: Running, renderer: Renderer) -> Iterator[World]:
    """A house that goes on with a copy of that database, at the moment at which it was left."""
    name = f"{left}_copy"
    running.execute(f"CREATE DATABASE {name} TEMPLATE {left}")
    url = running.database_url(name)
    engine = connect(url, application="shukka-test")
    with World(engine, url, renderer) as world:
        world.clock.set(world.value("SELECT max(at) FROM transition"))
        yield world
    engine.dispose()
    running.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_the_schema_is_that_of_an_empty_database(world: World) -> None:
    with world.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_it_is_sound(world: World) -> None:
    world.hurry()  # what was due when it was left is due now
    assert world.broken() == {}


def test_every_order_is_read(world: World) -> None:
    """In every state, running, held and done; money says its currency."""
    rows = world.rows("SELECT shop, number, state, condition, grand_total FROM shop_order ORDER BY id")
    assert {row.state for row in rows} == set(OrderState) - {OrderState.UNDELIVERED}, "no older version knew it"
    assert {row.condition for row in rows} == {"running", "held", "done"}
    for row in rows:
        shown = world.show(row.number, row.shop)
        assert (shown["state"], shown["condition"], shown["currency"]) == (row.state, row.condition, "JPY")
        assert shown["payment"]["amount"] == row.grand_total
        assert shown["awaits"] == [], "waits had no names before 0005"
        assert shown["timeline"]


def test_all_work_is_of_the_orders_it_was_of(world: World) -> None:
    """0005."""
    work = world.rows("SELECT stage, subject_kind, subject_id, order_id FROM work")
    assert len({row.stage for row in work}) > 4
    assert {(row.subject_kind, row.subject_id) for row in work} == {(ORDER, str(row.order_id)) for row in work}


def remember(world: World) -> None:
    """The gateway outside knows the cards that it authorized before."""
    known: list[Any] = list(world.rows("SELECT reference, state, authorized, captured, refunded FROM payment"))
    cards = {
        row.reference: Card(row.authorized, "credit", row.captured, row.refunded) for row in known if row.reference
    }
    last = max(int(reference.removeprefix("auth_")) for reference in cards)
    for number in range(1, last + 1):
        name = f"auth_{number}"
        world.gateway.cards[name] = cards.get(name, Card(0, "credit"))


def ship(world: World) -> None:
    """Suppliers ship what they were told of and did not refuse, and it arrives."""
    told = world.rows("SELECT id, supplier FROM shipment WHERE state IN ('instructed', 'acknowledged') ORDER BY id")
    world.tell(*(world.shipped(one.id, one.supplier) for one in told))
    world.settle()
    left = world.rows("SELECT id, supplier FROM shipment WHERE state = 'shipped' ORDER BY id")
    world.tell(*(world.news("shipment.delivered", one.id, one.supplier) for one in left))
    world.settle()


def test_every_order_goes_on_to_its_end(world: World) -> None:
    """What was due is decided, what was under way is performed, and news finds its order."""
    remember(world)
    world.hurry()
    before = world.states()
    world.settle()
    assert world.rows("SELECT stage, error FROM work WHERE due_at <= :now", now=world.clock.now()) == []
    assert world.value("SELECT count(*) FROM effect_lease") == 0
    assert world.show("awaiting")["awaits"] == []
    world.at("2026-12-05 10:00:00")
    assert [(wait["what"], wait["then"]) for wait in world.show("awaiting")["awaits"]] == [("customer.money", "cancel")]
    world.tell(world.deposit("awaiting", world.show("awaiting")["payment"]["amount"]))
    world.settle()
    ship(world)
    world.at("2026-12-28 12:00:00")
    ship(world)
    assert world.broken() == {}
    ended = {number for number, (state, condition) in world.states().items() if condition == "done"}
    held = {number for number, (state, condition) in world.states().items() if condition == "held"}
    assert ended | held == before.keys(), "nothing is left that neither ends nor waits for a human"
    # The one on delivery, whose money was out, was given up after its days and received after all (PAY-09).
    assert held <= {number for number, (_, condition) in before.items() if condition == "held"} | {"on-delivery"}
    assert world.states()["accepted"] == ("delivered", "done")
    assert world.states()["awaiting"] == ("delivered", "done")
    assert world.states()["waits-in-the-inbox"] == ("cancelled", "done")


def test_lots_say_what_was_read_out_of_their_sources(world: World) -> None:
    """0006: the line, the price that earned more, the lot that is replaced, what is gone; and every move has a number."""
    by_line = "SELECT DISTINCT line FROM point_lot WHERE kind = 'purchase' AND source LIKE :sources"
    assert {row.line for row in world.rows(by_line, sources="order:%:earn:2")} == {"2"}
    assert {row.line for row in world.rows(by_line, sources="order:%:earn:1")} == {"1"}
    assert world.rows("SELECT FROM point_lot WHERE (line IS NULL) = (kind = 'purchase')") == []
    replaced = world.rows(
        "SELECT old.state, new.amount FROM point_lot new JOIN point_lot old ON old.id = new.replaces "
        "WHERE new.kind = 'regrant' AND old.customer_id = new.customer_id"
    )
    assert replaced == [("expired", 300)]
    assert world.rows("SELECT FROM point_lot WHERE (replaces IS NULL) = (kind = 'regrant')") == []
    gone = world.rows(
        "SELECT o.number, l.gone FROM point_lot l JOIN shop_order o ON o.id = l.order_id WHERE l.gone > 0"
    )
    assert (
        dict(map(tuple, gone)).items() >= {"returned": 100, "unpaid": 100, "adjusted": 100, "priced-again": 5}.items()
    )
    assert world.value("SELECT gone FROM point_lot WHERE kind = 'gift' AND state = 'expired'") == 400
    assert world.rows(
        "SELECT o.number FROM shop_order o JOIN transition t ON t.order_id = o.id "
        "GROUP BY o.id HAVING count(*) > o.sequence"
    ) == []  # fmt: skip


def test_customers_have_their_mailboxes(world: World) -> None:
    """INT-01: from 0012 on; nobody had withdrawn, and nobody's balance is closed."""
    rows = world.rows("SELECT email, mailbox, withdrawn_at FROM customer")
    assert rows
    assert all(row.mailbox == (mailbox_key(row.email) if row.email else "") for row in rows)
    assert {row.withdrawn_at for row in rows} == {None}
    assert world.value("SELECT count(*) FROM point_balance WHERE closed") == 0


def test_a_hold_keeps_the_sentence_it_was_opened_with(running: Running) -> None:
    """INT-14: before 0012 it had no figures to say."""
    name = "shukka_of_0011"
    running.execute(f"CREATE DATABASE {name}")
    engine = connect(running.database_url(name), MIGRATE)
    upgrade(engine, "0011")
    with engine.begin() as connection:
        connection.exec_driver_sql(
            """INSERT INTO shop_order (shop, number, content_hash, customer_id, locale, state, condition, method, currency,
                                       grand_total, placed_at, accepted_at, version, sequence)
               VALUES ('salon', 'S-1', '', 'M-1', 'en', 'accepted', 'held', 'card', 'JPY', 100, now(), now(), 1, 1)"""
        )
        connection.exec_driver_sql(
            """INSERT INTO order_hold (order_id, reason, lines, facts, opened_at, opened_by)
               SELECT id, 'blocked_customer', '{}', '{}', now(), 'accept' FROM shop_order"""
        )
    upgrade(engine)
    with engine.connect() as connection:
        (row,) = holds.open_of(connection, [1])
    assert (
        hold_of(row).says("en")
        == "Earlier parcels were not received or were returned repeatedly: a person has to decide."
    )
    engine.dispose()
    running.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_an_order_that_was_refused_keeps_its_day(running: Running) -> None:
    """0024: from when on it is kept; one that the version before writes meanwhile is of that moment."""
    name = "shukka_of_0021"
    running.execute(f"CREATE DATABASE {name}")
    engine = connect(running.database_url(name), MIGRATE)
    upgrade(engine, "0021")
    kept = "INSERT INTO refused_order (content_hash, problems, document, recorded_at) VALUES (%(hash)s, '[]', '{}', %(at)s)"
    with engine.begin() as connection:
        connection.exec_driver_sql(kept, {"hash": b"before", "at": at("2026-01-01 00:00:00")})
    upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(kept, {"hash": b"meanwhile", "at": at("2026-01-02 00:00:00")})
        found = connection.exec_driver_sql(
            "SELECT at = recorded_at, at > now() - interval '1 minute' FROM refused_order ORDER BY id"
        )
        assert [tuple(row) for row in found] == [(True, False), (False, True)]
    engine.dispose()
    running.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_old_orders_whose_money_is_out_are_watched(engine: Engine, database_url: str, renderer: Renderer) -> None:
    """PAY-09: from 0016 on; before 0013 an order was done once its goods had left, whoever had its money."""
    with World(engine, database_url, renderer) as fresh:
        cod = {"method": "cod"}
        fresh.take(document("S-1", payment=cod), document("S-2"), document("S-3", payment=cod))
        fresh.settle()
        fresh.ship_all("S-1", "S-2", "S-3")
        fresh.tell(fresh.news("shipment.delivered", fresh.shipments("S-3")[0]))
        fresh.settle()
        fresh.execute("DELETE FROM work WHERE stage = 'collect'")
        fresh.execute("UPDATE shop_order SET condition = 'done'")
        fresh.execute(migrations.of("0016").WATCH)
        assert [row.number for row in fresh.rows(_WATCHED)] == ["S-1"]
        fresh.settle()
        assert "carrier.collection" in {one["what"] for one in fresh.show()["awaits"]}
        fresh.at("2026-11-27 00:00:00")
        assert fresh.states()["S-1"] == ("cancelled", "done")
        assert fresh.show()["payment"]["state"] == "voided"


_WATCHED = "SELECT o.number FROM work w JOIN shop_order o ON o.id = w.order_id WHERE w.stage = 'collect'"


def test_a_payment_that_its_gateway_never_decided_is_looked_at(
    engine: Engine, database_url: str, renderer: Renderer
) -> None:
    """PAY-05: from 0051 on; until the rule had a date for it such an order had nothing that would wake it."""
    with World(engine, database_url, renderer) as old:
        for number in ("S-1", "S-2"):
            stands = Snapshot(f"auth_{number}", PaymentState.PENDING, 11_000, 0, 0, old.clock.now())
            asked = ("authorize", f"salon/{number}", 11_000, "tok_ok")
            old.gateway.done[f"salon/{number}:authorize"] = (asked, Answer(Verdict.OK, stands))
            old.gateway.orders[f"salon/{number}"] = stands.reference
        old.take(document("S-1"), document("S-2"), document("S-3", payment={"method": "bank_transfer"}))
        old.settle()
        waits = old.rows(_DUE)
        old.execute("DELETE FROM work w USING shop_order o WHERE o.id = w.order_id AND o.number IN ('S-1', 'S-2')")
        assert old.broken() == {"nothing_forgotten": 2}
        old.gateway.cards["auth_S-2"] = Card(11_000, "credit")
        old.clock.advance(days=20)
        old.execute(migrations.of("0051").WAKE)
        assert old.rows(_DUE) == [
            ("S-1", at("2026-11-20 09:00:00")),
            ("S-2", at("2026-11-20 09:00:00")),
            *waits[2:],
        ]
        old.settle()
        assert {number: state for number, (state, _) in old.states().items()} == {
            "S-1": "cancelled",
            "S-2": "released",
            "S-3": "cancelled",
        }
        assert old.broken() == {}


_DUE = "SELECT o.number, w.due_at FROM work w JOIN shop_order o ON o.id = w.order_id ORDER BY o.number"
