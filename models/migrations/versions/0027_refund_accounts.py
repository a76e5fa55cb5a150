"""accounts for money that no gateway gives back, and who bears a disputed card payment"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.create_table(
        "refund_account",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("bank", "branch", "kind", "number", "holder")),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["shop_order.id"], name=op.f("fk_refund_account_order_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_refund_account")),
    )
    op.add_column("payment", sa.Column("liability", sa.String(), nullable=True))
