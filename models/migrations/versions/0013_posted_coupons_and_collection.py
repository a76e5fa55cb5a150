"""which shipment was told to collect the order's money, and what such orders may be held for; sums that know no bound"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_REASONS = ("cod_uncollected", "cod_after_cancel", "return_overdue")

_SUMS = {
    "payment": ("amount", "authorized", "captured", "refunded", "refunded_by_hand"),
    "order_hold": ("amount",),
    "point_balance": ("pending", "valid", "held"),
}


def upgrade() -> None:
    known = op.get_bind().scalar(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_order_hold_reason'")
    )
    listed = ", ".join(f"'{reason}'" for reason in sorted({*re.findall(r"'(\w+)'", known), *_REASONS}))
    op.drop_constraint(op.f("ck_order_hold_reason"), "order_hold")
    op.create_check_constraint(op.f("ck_order_hold_reason"), "order_hold", f"reason IN ({listed})")
    op.add_column("shipment", sa.Column("collects", sa.Boolean(), nullable=True))
    for table, columns in _SUMS.items():
        op.execute(f"ALTER TABLE {table} " + ", ".join(f"ALTER COLUMN {column} TYPE bigint" for column in columns))
    # Until now the first that was to be told collected: those that were told of it keep it.
    op.execute(
        """UPDATE shipment s SET collects = (s.id = chosen.id)
           FROM (SELECT DISTINCT ON (h.order_id) h.order_id, h.id FROM shipment h
                 JOIN payment p ON p.order_id = h.order_id
                 WHERE p.method = 'cod' AND h.state NOT IN ('cancelled', 'refused')
                 ORDER BY h.order_id, h.backorder, h.instruct_at NULLS LAST, h.id) chosen
           WHERE s.order_id = chosen.order_id
             AND (s.state IN ('instructed', 'acknowledged', 'shipped')
                  OR EXISTS (SELECT FROM effect e WHERE e.shipment_id = s.id AND e.kind = 'supplier.instruct')
                  OR EXISTS (SELECT FROM effect_item i WHERE i.shipment_id = s.id))"""
    )
    op.execute(
        """INSERT INTO work (stage, subject_kind, subject_id, order_id, due_at, attempts)
           SELECT 'collect', 'order', o.id::text, o.id, max(c.shipped_at), 0
           FROM shop_order o JOIN payment p ON p.order_id = o.id JOIN parcel c ON c.order_id = o.id
           WHERE p.method = 'cod' AND p.state = 'pending' AND o.state IN ('partly_shipped', 'shipped', 'undelivered')
             AND o.condition <> 'done'
           GROUP BY o.id ON CONFLICT DO NOTHING"""
    )
