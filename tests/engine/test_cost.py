"""An order costs the database so many statements, rows and bytes of WAL and no more; the limits are in ``benchmarks/order_cost.py``."""

from __future__ import annotations

from benchmarks.order_cost import ALONE, AMONG, order_costs
from tests.world import World

#: A limit that lies further above than this has been forgotten.
CLOSE = 0.75


def test_an_order_costs_no_more_than_it_did(world: World) -> None:
    """Alone, as at a trickle, and among others, whose statements it shares. What it saves is saved for good: then the limit is lowered."""
    found = order_costs(world)
    for name, limit in (("alone", ALONE), ("among", AMONG)):
        for what, cost, most in zip(limit._fields, found[name], limit, strict=True):
            assert cost <= most, f"an order {name}: {cost:,.1f} {what}, at most {most:,} are allowed"
            assert cost >= CLOSE * most, f"an order {name}: {cost:,.1f} {what}; lower its limit of {most:,}"
