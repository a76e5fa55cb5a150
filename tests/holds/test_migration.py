"""Holds of a database of the version before: what was open stays open, in the words in which it was written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alembic import command
from sqlalchemy import Engine, text

from models import migrations
from models.database import MIGRATE, connect
from tests.conftest import Running
from tests.rules.build import at
from tests.world import World, a_line, document

BEFORE = "0004"


@pytest.fixture
def old(running: Running) -> Iterator[Engine]:
    """An empty database of the version before."""
    name = "shukka_before_holds"
    running.execute(f"CREATE DATABASE {name}")
    engine = connect(running.database_url(name), MIGRATE)
    with engine.connect() as connection:
        config = migrations._config()
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE)
        connection.commit()
    yield engine
    engine.dispose()
    running.execute(f"DROP DATABASE {name} WITH (FORCE)")


ORDER = """
INSERT INTO shop_order (shop, number, content_hash, customer_id, locale, state, condition, hold, method, grand_total,
                        placed_at, accepted_at, version, sequence)
VALUES ('salon', '{number}', '\\x00', 'M-1', 'ja', '{state}', '{condition}', {hold}, 'card', 100, '2026-11-20 09:00+09',
        '2026-11-20 09:00+09', 3, 3)
"""
STATEMENTS = (
    ORDER.format(
        number="S-1",
        state="released",
        condition="held",
        hold="""'[{"reason": "supplier_short", "says": "warehouse cannot supply 1 of line 2", "blocks": "release",
                   "shipment": "SH-1", "short": "1\\n2"},
                  {"reason": "needs_human", "says": "備考欄の内容を確認します。", "blocks": "release"}]'""",
    ),
    ORDER.format(number="S-2", state="released", condition="running", hold="NULL"),
    """INSERT INTO shipment (id, order_id, supplier, state, backorder, because)
       SELECT 'SH-1', id, 'warehouse', 'instructed', false, '[]' FROM shop_order WHERE number = 'S-1'""",
    """INSERT INTO shipment_line (shipment_id, line, quantity, cancelled, shipped)
       VALUES ('SH-1', '1', 4, 0, 1), ('SH-1', '2', 1, 0, 0), ('SH-1', '3', 1, 0, 0)""",
    """INSERT INTO transition (order_id, entity, entity_id, from_state, to_state, cause, at)
       SELECT id, 'condition', 'S-1', 'running', 'held', 'news', '2026-11-20 10:00+09' FROM shop_order WHERE number = 'S-1'""",
)


def test_open_holds_become_rows(old: Engine) -> None:
    with old.begin() as connection:
        for statement in STATEMENTS:
            connection.execute(text(statement.replace(":", "\\:")))
    migrations.upgrade(old)
    with old.connect() as connection:
        found = connection.execute(text("SELECT * FROM order_hold ORDER BY id")).mappings().all()
    assert [(one["reason"], one["shipment_id"], one["lines"], one["facts"]) for one in found] == [
        ("supplier_short", "SH-1", {"1": 3, "2": 1}, {"said": "warehouse cannot supply 1 of line 2"}),
        ("needs_human", None, {}, {"said": "備考欄の内容を確認します。"}),
    ]
    assert {(one["opened_by"], one["opened_at"], one["closed_at"]) for one in found} == {
        ("news", at("2026-11-20 10:00:00"), None)
    }


def test_an_order_that_was_held_before_goes_on(world: World) -> None:
    """Its hold says what it said, is answered like any other, and leaves its history."""
    world.take(document("S-1", a_line("1", 1), a_line("2", 1)))
    world.settle()
    (shipment,) = world.shipments()
    world.tell(world.news("shipment.short", shipment, lines=[{"line": "2", "quantity": 1}]))
    world.settle()
    world.execute("""UPDATE order_hold SET facts = '{"said": "line 2 is missing"}'""".replace(":", "\\:"))
    (hold,) = world.show()["holds"]
    assert (hold["says"], hold["ways_out"]) == (
        "line 2 is missing",
        ["lines:cancel", "release", "shipments:reroute", "cancel"],
    )
    world.tell(world.ask("order.cancel_lines", "S-1", lines=[{"line": "2", "quantity": 1}]))
    world.settle()
    assert world.states()["S-1"] == ("released", "running")
    assert world.broken() == {}
