"""since when a supplier is waited for; orders whose suppliers owe something are looked at anew"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

#: Why an order may wait for a human, as it is from here on.
_NEW = ("authorization_ends", "supplier_silent", "dispatch_late")


def upgrade() -> None:
    known = op.get_bind().scalar(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_order_hold_reason'")
    )
    listed = ", ".join(f"'{reason}'" for reason in sorted({*re.findall(r"'(\w+)'", known), *_NEW}))
    op.drop_constraint(op.f("ck_order_hold_reason"), "order_hold")
    op.create_check_constraint(op.f("ck_order_hold_reason"), "order_hold", f"reason IN ({listed})")
    op.add_column("shipment", sa.Column("told_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        """UPDATE shipment s SET told_at = t.at
           FROM (SELECT DISTINCT ON (entity_id) entity_id, at FROM transition
                 WHERE entity = 'shipment' AND to_state = 'instructed' ORDER BY entity_id, id DESC) t
           WHERE t.entity_id = s.id"""
    )
    op.execute(
        """INSERT INTO work (stage, subject_kind, subject_id, order_id, due_at, attempts)
           SELECT DISTINCT 'dispatch', 'order', o.id::text, o.id, s.told_at, 0
           FROM shop_order o JOIN shipment s ON s.order_id = o.id
           WHERE o.condition = 'running' AND s.state IN ('instructed', 'acknowledged') AND s.told_at IS NOT NULL
           ON CONFLICT DO NOTHING"""
    )
    op.execute(
        """INSERT INTO work (stage, subject_kind, subject_id, order_id, due_at, attempts)
           SELECT 'authorize', 'order', o.id::text, o.id, p.expires_at - interval '3 days', 0
           FROM shop_order o JOIN payment p ON p.order_id = o.id
           WHERE o.condition = 'running' AND p.state = 'authorized' AND p.expires_at IS NOT NULL
           ON CONFLICT DO NOTHING"""
    )
