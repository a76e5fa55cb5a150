"""What two do at one moment: each decides on what the other left, and whoever comes second hears of the first."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from threading import Thread

from sqlalchemy import text

from models.database import connect
from models.store import orders, work
from pipelines.engine.draft import OrderDraft
from pipelines.route import STAGES
from pipelines.shops import Shop
from tests.world import World, document

_LOOK = 0.02


@contextmanager
def kept_waiting(world: World, what: Thread, index: str) -> Iterator[None]:
    """``what`` has begun a statement that reads ``index``, and goes on with it after the block."""
    with world.engine.connect() as connection:
        # The one lock of an index that leaves its table alone; nothing is moved.
        connection.execute(text(f"ALTER INDEX {index} SET TABLESPACE pg_default"))
        what.start()
        while what.is_alive() and not world.value(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = CAST(:index AS regclass)", index=index
        ):
            time.sleep(_LOOK)
        yield
        connection.rollback()
    what.join(30)


def test_a_batch_decides_on_what_the_one_before_it_wrote_while_it_was_claiming(world: World) -> None:
    """The order's address changed, and its lock came free, once the claim had begun to look: with the order comes the new address."""
    world.take(document("S-1"))
    world.decide("accept")
    seen: list[tuple[int, str, int]] = []

    def look(draft: OrderDraft, shop: Shop, now: datetime) -> None:
        seen.append((draft.facts.version, draft.facts.order.ship_to.line1, draft.facts.breakdown.grand_total))

    stage = replace(STAGES["authorize"], decide=look)
    engine = connect(world.engine.url.render_as_string(hide_password=False))
    runner = replace(world.runner, engine=engine)
    for _ in range(3):
        runner.run_batch(STAGES["promote"])  # the statement has its plan
    with kept_waiting(world, Thread(target=runner.run_batch, args=(stage,)), "ix_work_fresh"):
        world.execute("UPDATE shop_order SET version = 7, grand_total = 12345")
        world.execute(
            "UPDATE order_document SET document = jsonb_set(document::jsonb, '{ship_to,line1}', '\"丸の内9-9-9\"')::json,"
            " breakdown = jsonb_set(breakdown::jsonb, '{grand_total}', '12345')::json"
        )
    engine.dispose()
    assert seen == [(7, "丸の内9-9-9", 12_345)]


def test_a_batch_that_passes_over_a_busy_order_keeps_nobody_from_its_work(world: World) -> None:
    """Who decides on the order makes it due at other stages: it would wait for the batch, and in a circle where the batch waits for it."""
    world.take(document("S-1"), document("S-2", customer="M-2"))
    world.decide("accept")
    now, (busy, free) = world.clock.now(), [row.id for row in world.rows("SELECT id FROM shop_order ORDER BY number")]
    with world.engine.connect() as deciding, world.engine.connect() as claiming:
        assert orders.lock(deciding, [busy]) == [busy]
        assert [order.id for order, _ in work.claim(claiming, "authorize", now, 10)] == [free]
        deciding.execute(text("SET LOCAL lock_timeout = '1s'"))
        work.schedule(deciding, [work.of_order("authorize", busy, now)])
