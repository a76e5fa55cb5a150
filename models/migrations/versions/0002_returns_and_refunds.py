"""goods that come back, refunds made by hand"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("payment", sa.Column("refunded_by_hand", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("payment", "refunded_by_hand", server_default=None)
    op.create_check_constraint(
        op.f("ck_payment_refunded_by_hand"), "payment", "refunded_by_hand >= 0 AND refunded_by_hand <= refunded"
    )
    op.drop_constraint(op.f("ck_order_adjustment_kind"), "order_adjustment")
    op.create_check_constraint(
        op.f("ck_order_adjustment_kind"), "order_adjustment", "kind IN ('cancel', 'short', 'return', 'fault')"
    )
