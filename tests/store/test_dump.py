"""The database that is printed before a migration: every state is in it, and what is printed fills an empty one alike."""

from __future__ import annotations

from models.database import connect
from models.states import LotState, OrderState
from tests.conftest import Running, fresh_database
from tests.store.dump import fill, statements
from tests.world import World


def test_what_is_printed_holds_every_state_and_fills_an_empty_database(
    world: World, running: Running, template: str
) -> None:
    fill(world)
    assert world.broken() == {}
    assert {row.state for row in world.rows("SELECT state FROM shop_order")} == set(OrderState)
    assert {row.state for row in world.rows("SELECT state FROM point_lot")} == set(LotState)
    with world.engine.connect() as connection:
        printed = list(statements(connection))
    with fresh_database(running, template) as url:
        engine = connect(url)
        with engine.begin() as connection:
            assert connection.connection.driver_connection is not None
            connection.connection.driver_connection.execute("\n".join(printed))
        with engine.connect() as connection:
            assert list(statements(connection)) == printed
        engine.dispose()
