"""documents of orders, and the numbers that they have"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    op.create_table(
        "document_counter",
        sa.Column("shop", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "kind", name=op.f("pk_document_counter")),
    )
    op.create_table(
        "document",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("public_id", "key", "shop", "kind")),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("sequence", "copy")),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("file", "digest")),
        sa.Column("transaction_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=True),
        sa.Column("issued_by", sa.String(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('receipt', 'invoice', 'return_invoice', 'delivery_note')", name=op.f("ck_document_kind")
        ),
        sa.CheckConstraint("sequence > 0 AND copy > 0", name=op.f("ck_document_numbered")),
        sa.ForeignKeyConstraint(["order_id"], ["shop_order.id"], name=op.f("fk_document_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
        sa.UniqueConstraint("public_id", name=op.f("uq_document_public_id")),
        sa.UniqueConstraint("key", name=op.f("uq_document_key")),
        sa.UniqueConstraint("shop", "kind", "sequence", "copy", name=op.f("uq_document_shop_kind_sequence_copy")),
        sa.UniqueConstraint("order_id", "kind", "subject", "copy", name=op.f("uq_document_order_id_kind_subject_copy")),
    )
    op.create_index(op.f("ix_document_order_id"), "document", ["order_id"])
    op.create_index(op.f("ix_document_shop_issued_at"), "document", ["shop", "issued_at"])
