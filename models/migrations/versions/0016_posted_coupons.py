"""single-use codes that a shop makes for its customers, and the letters that bring them; old orders whose money is still out"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

#: Orders that had left and whose carrier had not brought their money were done until 0013: they are watched as any other.
WATCH = """
INSERT INTO work (stage, subject_kind, subject_id, order_id, due_at, attempts)
SELECT 'collect', 'order', o.id::text, o.id, max(c.shipped_at), 0
FROM shop_order o JOIN payment p ON p.order_id = o.id JOIN parcel c ON c.order_id = o.id
WHERE p.method = 'cod' AND p.state = 'pending' AND p.amount > 0
  AND o.state IN ('shipped', 'undelivered') AND o.condition = 'done'
GROUP BY o.id ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    op.create_table(
        "posted_coupon",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("code_key", sa.String(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("posted_by", sa.String(), nullable=True),
        sa.Column("used_order_id", sa.BigInteger(), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("way IN ('post', 'mail')", name=op.f("ck_posted_coupon_way")),
        sa.CheckConstraint("points > 0", name=op.f("ck_posted_coupon_points")),
        sa.CheckConstraint("customer_id <> ''", name=op.f("ck_posted_coupon_member")),
        sa.CheckConstraint("(posted_at IS NULL) = (posted_by IS NULL)", name=op.f("ck_posted_coupon_posted")),
        sa.CheckConstraint("way = 'post' OR posted_at IS NOT NULL", name=op.f("ck_posted_coupon_mailed")),
        sa.CheckConstraint("(used_order_id IS NULL) = (used_at IS NULL)", name=op.f("ck_posted_coupon_used")),
        sa.ForeignKeyConstraint(["order_id"], ["shop_order.id"], name=op.f("fk_posted_coupon_order_id")),
        sa.ForeignKeyConstraint(["used_order_id"], ["shop_order.id"], name=op.f("fk_posted_coupon_used_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posted_coupon")),
        sa.UniqueConstraint("shop", "code_key", name=op.f("uq_posted_coupon_shop_code_key")),
        sa.UniqueConstraint("shop", "customer_id", name=op.f("uq_posted_coupon_shop_customer_id")),
        postgresql_with={"fillfactor": 75},
    )
    open_ = sa.text("way = 'post' AND posted_at IS NULL")
    op.create_index("ix_posted_coupon_due_on", "posted_coupon", ["due_on"], postgresql_where=open_)
    op.execute(WATCH)
