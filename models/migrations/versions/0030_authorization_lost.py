"""a hold for goods that wait on, or left on, money that their gateway no longer holds"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0026"


def upgrade() -> None:
    stands = (
        op.get_bind()
        .execute(sa.text("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_order_hold_reason'"))
        .scalar_one()
    )
    reasons = sorted({*re.findall(r"'([a-z_]+)'", stands), "authorization_lost"})
    listed = ", ".join(f"'{reason}'" for reason in reasons)
    op.drop_constraint(op.f("ck_order_hold_reason"), "order_hold")
    op.create_check_constraint(op.f("ck_order_hold_reason"), "order_hold", f"reason IN ({listed})")
