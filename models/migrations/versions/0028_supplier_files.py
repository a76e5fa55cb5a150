"""files of tracking numbers that suppliers sent: kept as they came, once"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.create_table(
        "supplier_file",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("supplier", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("order_ids", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("answer", postgresql.JSONB(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supplier_file")),
        sa.UniqueConstraint("supplier", "digest", name=op.f("uq_supplier_file_supplier_digest")),
    )
    op.create_index("ix_supplier_file_order_ids", "supplier_file", ["order_ids"], postgresql_using="gin")
    op.create_index(
        "ix_supplier_file_kept", "supplier_file", ["at"], postgresql_where=sa.text("octet_length(content) > 0")
    )
