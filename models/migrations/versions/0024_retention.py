"""how far what is no longer kept was looked for; when an order was refused, by the Clock"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0021"


def upgrade() -> None:
    op.create_table(
        "retention_mark",
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("gone", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "what", name=op.f("pk_retention_mark")),
    )
    op.create_table(
        "retention_late",
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["shop_order.id"], name=op.f("fk_retention_late_order_id")),
        sa.PrimaryKeyConstraint("shop", "what", "order_id", name=op.f("pk_retention_late")),
    )
    op.create_index(op.f("ix_shop_order_shop_accepted_at_id"), "shop_order", ["shop", "accepted_at", "id"])
    op.create_index(op.f("ix_inbox_event_order_id"), "inbox_event", ["order_id"])
    op.create_index(
        "ix_mail_of_no_order", "mail", ["at"], postgresql_where=sa.text("order_id IS NULL AND packed IS NOT NULL")
    )
    at = sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
    op.add_column("refused_order", at)
    op.execute("UPDATE refused_order SET at = recorded_at")
    op.create_index(op.f("ix_refused_order_at"), "refused_order", ["at"])
    op.drop_index("ix_erasure_waiting", "erasure")
    op.create_index(
        "ix_erasure_waiting",
        "erasure",
        ["try_at"],
        postgresql_where=sa.text("done_at IS NULL OR waits_for <> '[]'::jsonb"),
    )
