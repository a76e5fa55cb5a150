"""What was touched since a watermark, and the invariants asked of that alone.

An incremental check asks the same queries of a smaller database. It gathers the keys of orders and of customers first, into temporary
tables; then each query sees, instead of every table that it names, those rows of it that belong to these keys.

*Orders*: those that live; those for which anything waits, or waited at the watermark (work, a lease, what was given up), since what is lost
of that leaves no trace in a row; and those of which a row was written by a transaction that the watermark's snapshot did not see the end
of. A row names its transaction itself (``xmin``), so neither a clock nor a version has to be trusted. Tables that only grow are read from
the ids that were given out before that. *Customers*: those of such orders, and those of whose points a row was written.

What it leaves out is in ``docs/judges.md``: a row that was deleted, or changed in a table that only grows, behind the engine's back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection

from models.invariant import Invariant, Over
from models.store.watermarks import WatermarkRow

#: Tables that only grow and are long: their new rows are those beyond an id.
GROWING: Final = ("effect", "mail", "transition")
#: Rows of orders that are written in place, or are few.
_OF_ORDERS: Final = (
    "coupon_use",
    "effect_item",
    "mail_bounce",
    "order_adjustment",
    "order_hold",
    "order_line",
    "order_repricing",
    "parcel",
    "payment",
    "payment_entry",
    "point_lot",
    "point_transfer",
    "return_request",
    "shipment",
    "unique_allocation",
)
#: Rows of customers' points, by the column that names the customer.
_OF_CUSTOMERS: Final = {
    "customer": "id",
    "point_balance": "customer_id",
    "point_lot": "customer_id",
    "point_transfer": "customer_id",
    "posted_coupon": "customer_id",
}

#: SQL: orders for which anything waits: a stage, a performer or a human.
_UNDER_WAY: Final = """
SELECT order_id AS id FROM work
UNION SELECT e.order_id FROM effect_lease l JOIN effect e ON e.id = l.subject_id AND e.kind = l.kind
UNION SELECT i.order_id FROM effect_lease l JOIN effect e ON e.id = l.subject_id AND e.kind = l.kind
                        JOIN effect_item i ON i.effect_id = e.id
UNION SELECT m.order_id FROM effect_lease l JOIN mail m ON m.id = l.subject_id WHERE l.kind = 'mail.send'
UNION SELECT order_id FROM effect WHERE given_up
UNION SELECT order_id FROM mail WHERE given_up"""
#: SQL: the other ends of orders that go out in place of returned goods: one is judged with its first, a first with its replacements.
_FIRSTS: Final = """
INSERT INTO touched_order SELECT f.id FROM touched_order t JOIN order_document d ON d.order_id = t.id JOIN shop_order o ON o.id = t.id
JOIN shop_order f ON f.shop = o.shop AND f.number = d.document->>'replaces' ON CONFLICT DO NOTHING"""
_REPLACEMENTS: Final = """
INSERT INTO touched_order SELECT r.id FROM touched_order t JOIN return_request q ON q.order_id = t.id JOIN shop_order o ON o.id = t.id
JOIN shop_order r ON r.shop = o.shop AND r.number = q.replacement ON CONFLICT DO NOTHING"""


def under_way(connection: Connection) -> list[int]:
    """The orders that are done and for which something waits all the same."""
    found = connection.exec_driver_sql(
        f"SELECT o.id FROM ({_UNDER_WAY}) w JOIN shop_order o ON o.id = w.id WHERE o.condition = 'done' ORDER BY o.id"
    )
    return list(found.scalars())


def gather(connection: Connection, since: WatermarkRow) -> tuple[int, int]:
    """Gather the keys of what was touched into temporary tables that end with the transaction; how many orders, how many customers."""
    run = connection.exec_driver_sql
    age = run(f"SELECT age('{since.horizon % 2**32}'::xid)").scalar_one()
    run("CREATE TEMP TABLE touched_order (id bigint PRIMARY KEY) ON COMMIT DROP")
    orders = run(f"INSERT INTO touched_order {_orders(since, age)}").rowcount
    orders += run(_FIRSTS).rowcount + run(_REPLACEMENTS).rowcount
    run("ANALYZE touched_order")
    run(
        "CREATE TEMP TABLE touched_customer (shop text, customer_id text, PRIMARY KEY (shop, customer_id)) ON COMMIT DROP"
    )
    customers = run(f"INSERT INTO touched_customer {_customers(age)}").rowcount
    run("ANALYZE touched_customer")
    run("CREATE TEMP TABLE touched_lot (id bigint PRIMARY KEY) ON COMMIT DROP")
    run("INSERT INTO touched_lot SELECT l.id FROM point_lot l JOIN touched_customer USING (shop, customer_id)")
    run("ANALYZE touched_lot")
    return orders, customers


def _orders(since: WatermarkRow, age: int) -> str:
    written = [f"SELECT order_id FROM {table} WHERE age(xmin) <= {age}" for table in _OF_ORDERS]
    written += [
        f"SELECT order_id FROM {table} WHERE id > {int(since.floors.get(table, 0))} AND age(xmin) <= {age}"
        for table in GROWING
    ]
    waited = ", ".join(map(str, since.under_way))
    sources = (
        f"SELECT id FROM shop_order WHERE condition <> 'done' OR age(xmin) <= {age}",
        _UNDER_WAY,
        f"SELECT unnest(ARRAY[{waited}]::bigint[])",
        f"SELECT s.order_id FROM shipment_line l JOIN shipment s ON s.id = l.shipment_id WHERE age(l.xmin) <= {age}",
        f"SELECT q.order_id FROM return_line l JOIN return_request q ON q.id = l.return_id WHERE age(l.xmin) <= {age}",
        *written,
    )
    return (
        f"SELECT DISTINCT id FROM ({' UNION ALL '.join(f'({one})' for one in sources)}) AS t (id) WHERE id IS NOT NULL"
    )


def _customers(age: int) -> str:
    written = [f"SELECT shop, {id_} FROM {table} WHERE age(xmin) <= {age}" for table, id_ in _OF_CUSTOMERS.items()]
    of_orders = "SELECT shop, customer_id FROM shop_order JOIN touched_order USING (id) WHERE customer_id <> ''"
    return " UNION ".join((of_orders, *written))


def _only(table: str, condition: str) -> str:
    return f"SELECT * FROM {table} WHERE {condition}"


_BY_ORDER: Final = "order_id IN (SELECT id FROM touched_order)"
_BY_CUSTOMER: Final = "(shop, {}) IN (SELECT shop, customer_id FROM touched_customer)"
#: What an invariant sees instead of a table, by what it is over; a table that is not here is seen whole.
_INSTEAD: Final[Mapping[Over, Mapping[str, str]]] = {
    Over.WAITING: {},
    Over.ORDERS: {
        "shop_order": _only("shop_order", "id IN (SELECT id FROM touched_order)"),
        "order_document": _only("order_document", _BY_ORDER),
        **{table: _only(table, _BY_ORDER) for table in GROWING},
        **{
            table: _only(table, _BY_ORDER)
            for table in _OF_ORDERS
            if table not in ("effect_item", "mail_bounce", "point_transfer")
        },
        "shipment_line": _only("shipment_line", f"shipment_id IN (SELECT id FROM shipment WHERE {_BY_ORDER})"),
        "return_line": _only("return_line", f"return_id IN (SELECT id FROM return_request WHERE {_BY_ORDER})"),
    },
    Over.EFFECTS: {
        table: f"{_only(table, _BY_ORDER)} UNION ALL {_only(table, 'order_id IS NULL')}" for table in ("effect", "mail")
    },
    Over.CUSTOMERS: {
        **{
            table: _only(table, _BY_CUSTOMER.format(id_))
            for table, id_ in _OF_CUSTOMERS.items()
            if table != "point_lot"
        },
        "point_lot": _only("point_lot", "id IN (SELECT id FROM touched_lot)"),
        "coupon_use": _only("coupon_use", _BY_CUSTOMER.format("customer_id")),
    },
}


def narrowed(invariant: Invariant) -> str:
    """The query of an invariant over what was gathered."""
    instead = _INSTEAD[invariant.over]
    # A table's name stands for the table itself within its own definition, and for what was defined everywhere after.
    named = [table for table in instead if re.search(rf"\b(?:FROM|JOIN)\s+{table}\b", invariant.query)]
    if not named:
        return invariant.query
    listed = ", ".join(f"{table} AS NOT MATERIALIZED ({instead[table]})" for table in sorted(named))
    return f"WITH {listed} SELECT * FROM ({invariant.query}) AS broken"
