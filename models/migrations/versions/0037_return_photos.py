"""pictures of goods that are to come back"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.create_table(
        "return_photo",
        sa.Column("return_id", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("place BETWEEN 1 AND 5", name=op.f("ck_return_photo_place")),
        sa.ForeignKeyConstraint(["order_id"], ["shop_order.id"], name=op.f("fk_return_photo_order_id")),
        sa.PrimaryKeyConstraint("return_id", "place", name=op.f("pk_return_photo")),
    )
    op.create_index(op.f("ix_return_photo_order_id"), "return_photo", ["order_id"])
