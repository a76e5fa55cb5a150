"""who was forgotten; mails whose bytes are no longer kept"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waits_for", postgresql.JSONB(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("erased", postgresql.JSONB(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("customer_id <> ''", name=op.f("ck_erasure_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
        sa.UniqueConstraint("shop", "customer_id", name=op.f("uq_erasure_shop_customer_id")),
    )
    op.create_index("ix_erasure_waiting", "erasure", ["try_at"], postgresql_where=sa.text("done_at IS NULL"))
    op.alter_column("mail", "packed", nullable=True)
    op.create_check_constraint(op.f("ck_mail_kept"), "mail", "state <> 'queued' OR packed IS NOT NULL")
