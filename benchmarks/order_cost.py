"""What one order costs the database, counted and not timed: statements, rows and WAL, the same in every run on every machine.

Card orders of one line go from taken to points valid through the house of the tests, effects and mails included, one after the other in one
process: alone, as at a trickle, and a hundred together, as under load. What looks for something due, as the clock does, is not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from benchmarks.engine import Statements
from benchmarks.written import written
from pipelines.route import ROUTE
from tests.world import World, document
from workers.pacemaker import due

#: Orders that share batches, as under load.
TOGETHER: Final = 100
_SEVERAL: Final = 5


class OrderCost(NamedTuple):
    """Of an order: statements, rows written (inserted, updated and deleted), bytes of WAL."""

    statements: float
    rows: float
    wal: float


#: The most that an order may cost: alone, and as one of ``TOGETHER``. Whoever makes it cheaper lowers them. WAL without images of whole
#: pages; among others it varies with the pages that are split.
ALONE: Final = OrderCost(statements=132, rows=99, wal=38_500)
AMONG: Final = OrderCost(statements=9.2, rows=99, wal=44_000)


def order_costs(world: World) -> dict[str, OrderCost]:
    """An order ``alone``, the least of several, since a page of an index that is split, 8 kB of WAL, is some order's and not each one's;
    and one ``among`` others, the least of two crowds."""
    order_cost(world, 1, "first")  # catalogues and pages that every later order finds
    alone = [order_cost(world, 1, f"alone-{n}") for n in range(_SEVERAL)]
    among = [order_cost(world, TOGETHER, f"among-{n}") for n in range(2)]
    return {"alone": _least(alone), "among": _least(among)}


def _least(costs: Sequence[OrderCost]) -> OrderCost:
    """Whatever else a server writes meanwhile, such as what its autovacuum freezes, only adds to a cost."""
    return OrderCost(*(min(values) for values in zip(*costs, strict=True)))


def order_cost(world: World, count: int, name: str) -> OrderCost:
    """What each of ``count`` orders cost that were taken, carried and shipped together; ``name`` begins their numbers."""
    before = written(world.engine)
    statements = Statements(world.engine)
    numbers = [f"{name}-{n}" for n in range(count)]
    world.take(*(document(number, customer=f"M-{number}") for number in numbers))
    looks = _settle(world, statements)
    asked = statements.all
    shipments = world.rows(
        "SELECT s.id FROM shipment s JOIN shop_order o ON o.id = s.order_id WHERE o.number = ANY(:numbers)",
        numbers=numbers,
    )
    looks += statements.all - asked
    world.tell(*(world.shipped(one.id) for one in shipments))
    looks += _settle(world, statements)
    told = statements.all - looks
    left = [number for number in numbers if world.states()[number] != ("shipped", "done")]
    assert not left, f"{len(left)} orders did not reach the end: {min(left)} among them"
    of_one = written(world.engine).since(before, count)
    return OrderCost(told / count, of_one.rows, of_one.wal)


def _settle(world: World, statements: Statements) -> int:
    """Go on until nothing is due, each stage together with those that follow at once; how many statements only looked for it."""
    runner, looks = replace(world.runner, route=world.route), 0
    while True:
        before = statements.all
        stages, kinds = due(world.house)
        looks += statements.all - before
        if not stages and not kinds:
            return looks
        for stage in ROUTE:
            if stage.name in stages:
                runner.run_batch(stage)
        if performed := [kind for kind in world.kinds if kind in kinds]:
            world.perform(*performed)
