"""effects of several items, and effects that yield bytes"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("effect", sa.Column("batch", sa.String(), nullable=True))
    op.add_column("effect", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "uq_effect_open",
        "effect",
        ["batch"],
        unique=True,
        postgresql_where=sa.text("batch IS NOT NULL AND closed_at IS NULL"),
    )
    op.create_table(
        "effect_item",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("effect_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("shipment_id", sa.String(), nullable=True),
        sa.Column("wakes", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("outcome", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'done', 'declined', 'needs_review')", name=op.f("ck_effect_item_state")),
        sa.ForeignKeyConstraint(["effect_id"], ["effect.id"], name=op.f("fk_effect_item_effect_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_effect_item")),
        postgresql_with={"fillfactor": 75},
    )
    op.create_index(op.f("ix_effect_item_effect_id"), "effect_item", ["effect_id"])
    op.create_index(op.f("ix_effect_item_order_id"), "effect_item", ["order_id"])
    op.create_table(
        "effect_output",
        sa.Column("effect_id", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["effect_id"], ["effect.id"], name=op.f("fk_effect_output_effect_id")),
        sa.PrimaryKeyConstraint("effect_id", name=op.f("pk_effect_output")),
    )
