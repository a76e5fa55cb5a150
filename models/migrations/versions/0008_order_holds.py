"""holds of orders with their history"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"

#: Holds were a list in the order's row and said what they were about in a sentence: it is kept as it was written. One
#: for a supplier's shortage named its lines; so many pieces of them are missing as have neither left nor been cancelled.
OPEN_HOLDS = """
INSERT INTO order_hold (order_id, reason, shipment_id, lines, amount, facts, opened_at, opened_by)
SELECT o.id, h.one->>'reason', h.one->>'shipment',
       coalesce((SELECT jsonb_object_agg(l.line, greatest(l.quantity - l.cancelled - l.shipped, 1)) FROM shipment_line l
                 WHERE l.shipment_id = h.one->>'shipment' AND l.line = ANY(string_to_array(h.one->>'short', E'\\n'))), '{}'),
       NULL, jsonb_build_object('said', h.one->>'says'), coalesce(t.at, o.accepted_at), coalesce(t.cause, 'accept')
FROM shop_order o CROSS JOIN LATERAL jsonb_array_elements(o.hold) WITH ORDINALITY AS h (one, position)
LEFT JOIN LATERAL (SELECT at, cause FROM transition WHERE order_id = o.id AND entity = 'condition' AND to_state = 'held'
                   ORDER BY id DESC LIMIT 1) t ON true
WHERE o.condition = 'held' ORDER BY o.id, h.position
"""
REASONS = (
    "individual_not_deliverable", "quote_needed", "blocked_customer", "coupons_in_remarks", "needs_human",
    "request_not_met", "payment_unknown",
    "payment_differs", "deposit_mismatch", "unexpected_deposit", "refund_due", "refund_failed",
    "capture_failed", "void_failed", "supplier_unreachable", "supplier_refused", "supplier_short",
    "shipped_after_cancel", "returned_undelivered", "transit_accident",
)


def upgrade() -> None:
    listed = ", ".join(f"'{reason}'" for reason in REASONS)
    op.create_table(
        "order_hold",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("shipment_id", sa.String(), nullable=True),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.String(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(f"reason IN ({listed})", name=op.f("ck_order_hold_reason")),
        sa.CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name=op.f("ck_order_hold_closed")),
        sa.ForeignKeyConstraint(["order_id"], ["shop_order.id"], name=op.f("fk_order_hold_order_id")),
        sa.ForeignKeyConstraint(["shipment_id"], ["shipment.id"], name=op.f("fk_order_hold_shipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_hold")),
        postgresql_with={"fillfactor": 75},
    )
    op.create_index(op.f("ix_order_hold_order_id"), "order_hold", ["order_id"])
    open_ones = sa.text("closed_at IS NULL")
    op.create_index("ix_order_hold_open", "order_hold", ["reason", "order_id"], postgresql_where=open_ones)
    op.execute(OPEN_HOLDS)
    op.drop_constraint(op.f("ck_shop_order_hold"), "shop_order")
    op.drop_column("shop_order", "hold")
