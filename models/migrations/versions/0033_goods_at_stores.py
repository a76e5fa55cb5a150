"""parcels that are kept at a store for the customer's visit, and visits that are put off"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    known = op.get_bind().scalar(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_parcel_tracking_status'")
    )
    listed = ", ".join(f"'{name}'" for name in sorted({*re.findall(r"'(\w+)'", known), "at_store"}))
    op.drop_constraint(op.f("ck_parcel_tracking_status"), "parcel")
    op.create_check_constraint(op.f("ck_parcel_tracking_status"), "parcel", f"tracking_status IN ({listed})")
    op.create_table(
        "visit_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("before", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["shop_order.id"], name=op.f("fk_visit_change_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_change")),
        sa.UniqueConstraint("key", name=op.f("uq_visit_change_key")),
    )
    op.create_index(op.f("ix_visit_change_order_id"), "visit_change", ["order_id"])
