"""the journal of money: every change of what is held, taken and given back, and what gateways keep of it"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.add_column("payment", sa.Column("fee", sa.BigInteger(), server_default="0", nullable=False))
    sums = [sa.Column(name, sa.BigInteger(), nullable=False) for name in ("authorized", "captured", "refunded", "fee")]
    op.create_table(
        "payment_entry",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *sums,
        sa.PrimaryKeyConstraint("order_id", "id", name=op.f("pk_payment_entry")),
    )
    # When each sum came to be is not known of what was before: it is entered at the gateway's last word.
    op.execute(
        """INSERT INTO payment_entry (order_id, at, authorized, captured, refunded, fee)
           SELECT p.order_id, coalesce(p.as_of, o.accepted_at), p.authorized, p.captured, p.refunded, 0
           FROM payment p JOIN shop_order o ON o.id = p.order_id
           WHERE p.authorized <> 0 OR p.captured <> 0 OR p.refunded <> 0"""
    )
    op.create_index("ix_payment_entry_at", "payment_entry", ["at"], postgresql_using="brin")
