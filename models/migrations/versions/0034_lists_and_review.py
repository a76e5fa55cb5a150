"""what orders are found by, and who looks at what waits for a human"""

import sqlalchemy as sa
from alembic import op

from models.store.search import TERMS

revision = "0034"
down_revision = "0035"


def upgrade() -> None:
    op.create_table(
        "order_term",
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("term", sa.String(collation="C"), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "term", "placed_at", "order_id", name=op.f("pk_order_term")),
    )
    op.create_index(
        op.f("ix_order_term_order_id"),
        "order_term",
        ["order_id"],
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 32, "autosummarize": True},
    )
    op.create_index(op.f("ix_shop_order_shop_placed_at_id"), "shop_order", ["shop", "placed_at", "id"])
    op.create_index(
        "ix_shop_order_live", "shop_order", ["shop", "placed_at", "id"], postgresql_where=sa.text("condition <> 'done'")
    )
    op.execute(TERMS.format(which="true ORDER BY o.id"))
    for table, given_up in (("effect", "state = 'needs_review'"), ("mail", "state = 'needs_review' OR state = 'failed'")):
        op.add_column(
            table, sa.Column("given_up", sa.Boolean(), sa.Computed(given_up, persisted=True), nullable=False)
        )
        op.create_index(f"ix_{table}_given_up", table, ["id"], postgresql_where=sa.text("given_up"))
    op.create_table(
        "review_assignment",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("operator", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_review_assignment")),
    )
    op.create_table(
        "review_note",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("operator", sa.String(), nullable=False),
        sa.Column("says", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_note")),
    )
    op.create_index(op.f("ix_review_note_order_id"), "review_note", ["order_id"])
    op.create_index(op.f("ix_review_note_kind_key"), "review_note", ["kind", "key"])
