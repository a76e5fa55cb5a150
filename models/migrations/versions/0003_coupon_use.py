"""coupons used, by customer"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

#: Orders that were taken in before: whether their coupons were good once was not said then. One spelled in two ways is one
#: coupon; what was cancelled gave its coupons back, except points, which were credited.
USED_BEFORE = """
INSERT INTO coupon_use (order_id, code_key, shop, customer_id, kind, once, at, returned_at, returned_because)
SELECT o.id, btrim(lower(normalize(c->>'code', NFKC))), o.shop, o.customer_id, c->>'kind', false, o.accepted_at,
       t.at, CASE WHEN t.cause LIKE 'not paid in time%' THEN 'unpaid' WHEN t.at IS NOT NULL THEN 'cancelled' END
FROM shop_order o JOIN order_document d ON d.order_id = o.id
JOIN LATERAL json_array_elements(d.breakdown->'coupons') AS c ON true
LEFT JOIN transition t ON t.order_id = o.id AND t.entity = 'order' AND t.to_state = 'cancelled' AND c->>'kind' <> 'points'
WHERE o.customer_id <> ''
ON CONFLICT (order_id, code_key) DO NOTHING
"""


def upgrade() -> None:
    op.create_table(
        "coupon_use",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("code_key", sa.String(), nullable=False),
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("once", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("returned_because", sa.String(), nullable=True),
        sa.CheckConstraint("kind IN ('amount', 'percent', 'points')", name=op.f("ck_coupon_use_kind")),
        sa.CheckConstraint("customer_id <> ''", name=op.f("ck_coupon_use_member")),
        sa.CheckConstraint("(returned_at IS NULL) = (returned_because IS NULL)", name=op.f("ck_coupon_use_returned")),
        sa.CheckConstraint("kind <> 'points' OR returned_at IS NULL", name=op.f("ck_coupon_use_points_stay")),
        sa.ForeignKeyConstraint(["order_id"], ["shop_order.id"], name=op.f("fk_coupon_use_order_id")),
        sa.PrimaryKeyConstraint("order_id", "code_key", name=op.f("pk_coupon_use")),
        postgresql_with={"fillfactor": 75},
    )
    columns = ["shop", "customer_id", "code_key"]
    op.create_index(op.f("ix_coupon_use_shop_customer_id_code_key"), "coupon_use", columns)
    standing = sa.text("once AND returned_at IS NULL")
    op.create_index("uq_coupon_use_once", "coupon_use", columns, unique=True, postgresql_where=standing)
    op.execute(USED_BEFORE)
