"""from where an incremental check of the invariants goes on"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0044"
down_revision = "0043"


def upgrade() -> None:
    op.create_table(
        "watermark",
        sa.Column("id", sa.Boolean(), nullable=False),
        sa.Column("horizon", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("queries", sa.LargeBinary(), nullable=False),
        sa.Column("under_way", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("floors", postgresql.JSONB(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("id", name=op.f("ck_watermark_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watermark")),
    )
