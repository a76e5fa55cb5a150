"""shipments that are asked for anew; money that is given back at will; mails that are sent again; addresses that change"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("shipment", sa.Column("again", sa.Integer(), server_default="0", nullable=False))
    op.create_check_constraint(op.f("ck_shipment_again"), "shipment", "again >= 0")
    op.drop_constraint(op.f("ck_order_adjustment_kind"), "order_adjustment")
    op.create_check_constraint(
        op.f("ck_order_adjustment_kind"), "order_adjustment", "kind IN ('cancel', 'short', 'return', 'fault', 'goodwill')"
    )
    op.add_column("mail", sa.Column("copy_of", sa.BigInteger(), nullable=True))
    op.create_table(
        "order_readdressing",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["shop_order.id"], name=op.f("fk_order_readdressing_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_readdressing")),
        sa.UniqueConstraint("key", name=op.f("uq_order_readdressing_key")),
    )
    op.create_index(op.f("ix_order_readdressing_order_id"), "order_readdressing", ["order_id"])
