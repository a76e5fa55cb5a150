"""shipments that are asked for anew; money that is given back at will; mails that are sent again"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("shipment", sa.Column("again", sa.Integer(), server_default="0", nullable=False))
    op.create_check_constraint(op.f("ck_shipment_again"), "shipment", "again >= 0")
    op.drop_constraint(op.f("ck_order_adjustment_kind"), "order_adjustment")
    op.create_check_constraint(
        op.f("ck_order_adjustment_kind"), "order_adjustment", "kind IN ('cancel', 'short', 'return', 'fault', 'goodwill')"
    )
    op.add_column("mail", sa.Column("copy_of", sa.BigInteger(), nullable=True))
