"""what a supplier answers when it is asked not to ship, links that are taken back, and a supplier's own list of work"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

_ANSWERS = "call_off IN ('requested', 'accepted', 'refused')"


def upgrade() -> None:
    op.add_column("shipment", sa.Column("call_off", sa.String()))
    op.add_column("shipment", sa.Column("call_off_as_of", sa.DateTime(timezone=True)))
    op.create_check_constraint(op.f("ck_shipment_call_off"), "shipment", _ANSWERS)
    op.create_index(op.f("ix_shipment_supplier"), "shipment", ["supplier", "id"])
    op.create_table(
        "link_generation",
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("purpose", "holder", name=op.f("pk_link_generation")),
    )
    known = op.get_bind().scalar(
        sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_order_hold_reason'")
    )
    reasons = sorted({*re.findall(r"'(\w+)'", known), "cancel_refused"})
    op.drop_constraint(op.f("ck_order_hold_reason"), "order_hold")
    listed = ", ".join(f"'{reason}'" for reason in reasons)
    op.create_check_constraint(op.f("ck_order_hold_reason"), "order_hold", f"reason IN ({listed})")
