"""shipments that are asked for anew"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("shipment", sa.Column("again", sa.Integer(), server_default="0", nullable=False))
    op.create_check_constraint(op.f("ck_shipment_again"), "shipment", "again >= 0")
